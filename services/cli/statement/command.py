"""`trappetrin statement --year Y`: the yearly statement on screen, as CSV and XLSX."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.explained.words import Language
from services.cli.journal import ledgers, written
from services.cli.screen import screen
from services.cli.state import Json, as_json
from services.cli.statement.figures import REASONS, Figure
from services.cli.statement.files import of_manifest, write_csv, write_xlsx
from services.cli.statement.made import Statement, statement_of
from services.cli.system import System, find
from services.cli.terms import read_terms
from services.cli.whom import Organisation
from services.cli.words import REASONS as WORDS

COUNTS = {
    "counted": "counted", "counted_share": "share", "suspended": "sus-\npended", "excluded": "not\ncounted",
}  # fmt: skip
CLOSES = {"due": "due", "reported": "re-\nported", "owed": "owed", "credit": "credit"}
BALANCES = "Opening, taken over, handed over, closing: exact shares less reported homes; below zero is in credit."


def show(statement: Statement, console: Console) -> None:
    """The afdelinger of each organisation with their sum, why homes do not count, and the manifest."""
    title = f"Statement of {statement.year}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    table.add_column("afdeling", no_wrap=True)
    for heading in ("opening", *COUNTS.values(), "taken\nover", "handed\nover", *CLOSES.values(), "closing"):
        table.add_column(heading, justify="right")
    organisations = statement.organisations()
    for name, figures in organisations.items():
        for row in statement.rows:
            if row.organisation == name:
                table.add_row(row.afdeling, *shown(row.figures))
        table.add_row(f"{name} in all", *shown(figures), style="bold", end_section=True)
    console.print(table)
    for name, figures in organisations.items():
        reasons = {WORDS.of(why, Language.en): figures[f"excluded_{why}"] for why in REASONS}
        if told := [f"{number} {why}" for why, number in reasons.items() if number]:
            console.print(f"{name}, not counted: {', '.join(told)}")
    console.print(BALANCES, style="dim")
    for name, value in statement.manifest().items():
        heading = f"{name.replace('_', ' '):>13}"
        console.print(Text.assemble((heading, "dim"), f"  {', '.join(of_manifest(value))}"))


def made_of(system: System, year: int, organisation: str | None) -> Statement | None:
    """From the ledgers as they are; None where nothing is booked. Raises `Broken`, `Unreachable`."""
    kept = ledgers(written(system, f"{organisation}-" if organisation else ""))
    return statement_of(kept, read_terms(system), year, organisation)


def shown(figures: Mapping[str, Figure]) -> list[str]:
    """As many as there are headings; a dash for nothing."""

    def net(name: str) -> Figure:
        return figures[f"{name}_share"] - figures[f"{name}_reported"]

    counts, closes = ([figures[name] for name in names] for names in (COUNTS, CLOSES))
    told = [net("opening"), *counts, net("taken_over"), net("handed_over"), *closes, net("closing")]
    return [str(figure) if figure else "–" for figure in told]


def statement(
    *,
    year: Annotated[int, typer.Option(min=1990, max=2100, help="The calendar year.")],
    organisation: Organisation = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write a CSV for programs, with FILE.manifest.json beside it.")
    ] = None,
    xlsx: Annotated[Path | None, typer.Option(help="Write a workbook: manifest, statement, ledger lines.")] = None,
    as_text: Json = False,
) -> None:
    """Print the yearly statement of the 25 %: each afdeling, the sums of its organisation, and what it was made of."""
    system, errors = find(), screen(stderr=True)
    with errors.status("reading the ledger"):
        made = made_of(system, year, organisation)
    if made is None:
        whose = f"organisation {organisation}" if organisation else "any afdeling"
        typer.echo(f"Nothing is booked of {whose} up to the end of {year}.", err=True)
        raise typer.Exit(1)
    with errors.status("writing"):
        files = save(made, csv, xlsx)
    if as_text:
        typer.echo(as_json({"manifest": made.manifest(), **made.content()}))
    else:
        show(made, screen())
    for file in files:
        errors.print(f"written {file}")


def save(made: Statement, csv: Path | None, xlsx: Path | None) -> list[Path]:
    """What was written."""
    try:
        files = [csv, write_csv(made, csv)] if csv else []
        if xlsx:
            write_xlsx(made, xlsx)
            files.append(xlsx)
    except OSError as error:
        raise typer.BadParameter(f"cannot be written: {error}") from error
    return files
