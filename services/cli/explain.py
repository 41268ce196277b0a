"""`trappetrin explain OFFER`: why the home was taken or not, in plain words, made from the decision's record."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from services.cli.explained import explanation
from services.cli.explained.lines import Section, laid_out
from services.cli.explained.words import Language
from services.cli.records import Name, concluded, offer_in, written
from services.cli.screen import screen
from services.cli.state import Json, as_json
from services.cli.system import System, find
from shared.events.cloudevents import read_json
from shared.events.internal import Decision, Life
from shared.runtime.contract import Written

STYLES = {"accepted": "green", "accepted_with_conditions": "green", "rejected": "red", "referred": "yellow"}


def chosen(text: str, found: Sequence[Written], version: int | None) -> Written:
    """The record of that version, or the last one. Ends with a sentence where that is not one record."""
    if not found:
        typer.echo(
            f"No decision on {text} is known here. An offer is decided once its vacancy is reported in the same "
            "afdeling; `trappetrin parked` lists what waits for an afdeling to be registered.",
            err=True,
        )
        raise typer.Exit(1)
    if len(organisations := sorted({e.entity[:4] for e in found})) > 1:
        several = ", ".join(f"{code}/{text}" for code in organisations)
        raise typer.BadParameter(f"must name one offer; there are {several}", param_hint="OFFER")
    if version is None:
        return found[-1]
    for entry in found:
        if read_json(entry.body.encode()).get("version") == version:
            return entry
    raise typer.BadParameter(f"must be from 1 to {len(found)}; it is {version}", param_hint="--version")


def told(system: System, text: str, version: int | None) -> tuple[Written, Decision, Life | None]:
    """The record as it lies in the journal, as it is read, and where the offer stands now."""
    name = Name.of(text)
    entries = written(system, "matching", Decision.kind, name.prefix)
    entry = chosen(text, [e for e in entries if offer_in(e) == name.offer], version)
    try:
        record = Decision.model_validate_json(entry.body, extra="ignore")
    except ValidationError as error:
        typer.echo(f"The record of {text} cannot be read; `trappetrin verify {text}` tells what was altered.", err=True)
        raise typer.Exit(1) from error
    lives = concluded(system, "matching", record.afdeling_id, Life)
    return entry, record, next((life for life in lives if life.offer_id == record.offer_id), None)


def as_data(entry: Written, life: Life | None, sections: Sequence[Section], language: Language) -> dict[str, Any]:
    return {
        "language": language,
        "record": read_json(entry.body.encode()),
        "hash": entry.hash,
        "life": life and life.model_dump(mode="json", by_alias=True),
        "sections": [{"title": s.title, "lines": [line._asdict() for line in s.lines]} for s in sections],
    }


def explain(
    offer: Annotated[str, typer.Argument(help="The offer, as 0123/offer-1; offer-1 where there is only one.")],
    *,
    language: Annotated[Language, typer.Option(help="Danish or English.")] = Language.da,
    version: Annotated[
        int | None, typer.Option(min=1, help="Which of its decisions; the last one unless given.")
    ] = None,
    as_text: Json = False,
) -> None:
    """Explain the decision on an offered home: why, by which limits from where, and what would have to be otherwise."""
    entry, record, life = told(find(), offer, version)
    sections = explanation(record, life, language)
    if as_text:
        typer.echo(as_json(as_data(entry, life, sections, language)))
        return
    show(sections, record, language, screen())


def show(sections: Sequence[Section], record: Decision, language: Language, console: Console) -> None:
    for number, (title, line) in enumerate(laid_out(sections, language)):
        style = f"bold {STYLES.get(record.outcome, '') if number == 0 else ''}" if title else ""
        console.print(Text(line, style=style.strip()))
