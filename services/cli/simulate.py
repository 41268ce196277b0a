"""`trappetrin simulate`: an invented municipality's year as a file of inbound events."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from services.cli.invented.telling import line
from services.cli.invented.year import AFDELINGER
from services.cli.invented.year import simulate as invented_year
from shared.agreement.loader import AALBORG, InvalidAgreement


def simulate(
    *,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    afdelinger: Annotated[
        int | None, typer.Option(min=1, max=20_000, help=f"How many afdelinger; {AFDELINGER} unless --events is given.")
    ] = None,
    year: Annotated[int, typer.Option(min=2000, max=2090, help="The year of the lettings.")] = 2024,
    municipality: Annotated[str, typer.Option(help="The municipality's code, four digits.")] = "0851",
    agreement: Annotated[Path, typer.Option(help="The agreement in force, YAML.")] = AALBORG,
    events: Annotated[
        int | None,
        typer.Option(min=1, help="Exactly so many events: the municipality grows until it has them, the rest is cut."),
    ] = None,
    broken: Annotated[
        float, typer.Option(min=0, max=0.9, help="The share of the events that the edge will refuse.")
    ] = 0.0,
    out: Annotated[Path | None, typer.Option(help="Where to write; the standard output unless given.")] = None,
) -> None:
    """Invent a municipality's year: inbound events, one a line, in the order in which they arrive."""
    if len(municipality) != 4 or not (municipality.isascii() and municipality.isdecimal()):
        raise typer.BadParameter("must be a municipality code of four digits", param_hint="--municipality")
    try:
        told = invented_year(
            seed, afdelinger, year, municipality=municipality, agreement=agreement, events=events, broken=broken
        )
        lines = [line(e) for e in told]
    except (InvalidAgreement, OSError) as error:
        raise typer.BadParameter(str(error), param_hint="--agreement") from error
    text = "".join(f"{one}\n" for one in lines).encode()
    if out:
        out.write_bytes(text)
    else:
        sys.stdout.buffer.write(text)
