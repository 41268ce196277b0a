"""`trappetrin ledger AFDELING`: what the 25 % of an afdeling is made of, line by line, and where it stands."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.explained.words import Language
from services.cli.journal import Kept, ledger_of, written
from services.cli.screen import screen
from services.cli.state import Json, as_json
from services.cli.system import find
from services.cli.whom import AN_AFDELING
from services.cli.words import HEADINGS, amounts, standing, what
from shared.events.ids import PREFIX, SUFFIX
from shared.events.internal import LedgerLine

Afdeling = Annotated[str, typer.Argument(help="The afdeling, for example 0123-001.", callback=AN_AFDELING)]
In = Annotated[Language, typer.Option("--language", help="Of the words: English or Danish.")]


def table_of(afdeling: str, lines: Sequence[LedgerLine], language: Language) -> Table:
    """Each line with the event that caused it, its effect, and the exact balance after it."""
    title = f"{HEADINGS.of('ledger', language)} {afdeling}"
    table = Table(title=title, title_justify="left", box=HORIZONTALS, show_lines=True)
    for name in ("number", "day", "what", "about", "effect", "balance"):
        table.add_column(HEADINGS.of(name, language), justify="right" if name == "number" else "left", overflow="fold")
    for line in lines:
        kind = line.cause.type.removeprefix(PREFIX).removesuffix(SUFFIX)
        table.add_row(
            str(line.number),
            str(line.day),
            Text.assemble(what(line, language), (f"\n{kind} {line.cause.version}\n{line.cause.id}", "dim")),
            "\n".join(filter(None, (line.about, line.offer_id))),
            amounts(line.effect, language, signed=True),
            amounts(line.balance, language),
        )
    return table


def show(
    afdeling: str, lines: Sequence[LedgerLine], quota: Mapping[str, Any], console: Console, language: Language
) -> None:
    console.print(table_of(afdeling, lines, language))
    console.print(standing(quota, language))


def as_told(kept: Sequence[Kept]) -> list[dict[str, Any]]:
    """The lines as they were published, each with the hash of its bytes."""
    return [{**json.loads(one.text), "hash": one.hash} for one in kept]


def ledger(afdeling: Afdeling, as_text: Json = False, language: In = Language.en) -> None:
    """Print the ledger of an afdeling, line by line, and what it owes."""
    system = find()
    kept = ledger_of(written(system, afdeling))
    if not kept:
        typer.echo(f"{afdeling} has no line: no vacancy of it is known, and nothing was handed over to it.", err=True)
        raise typer.Exit(1)
    quota = system.ask("quota", "/state")["afdelinger"].get(afdeling, {}).get("quota", {})
    if as_text:
        typer.echo(as_json({"afdeling": afdeling, "balance": quota, "lines": as_told(kept)}))
    else:
        show(afdeling, [one.line for one in kept], quota, screen(), language)
