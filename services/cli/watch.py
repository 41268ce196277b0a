"""`trappetrin watch WHAT`: what the services publish, as it comes."""

import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

import typer
from confluent_kafka import Message
from pydantic import BaseModel, ValidationError
from rich.text import Text

from services.cli import sentences
from services.cli.log import Log, kind_of
from services.cli.screen import screen
from services.cli.state import Json
from services.cli.system import System, find
from shared.events.internal import Area, Colours, Conclusion, Decision, LedgerLine, Life, Quota, Receipt, Supply


class What(StrEnum):
    decisions = "decisions"
    lives = "lives"
    colours = "colours"
    quotas = "quotas"
    ledger = "ledger"
    supply = "supply"
    receipts = "receipts"
    areas = "areas"


class Kind(NamedTuple):
    """One of the kinds that a topic carries: `wanted` names the topics."""

    model: type[Conclusion | Receipt]
    sentence: Callable[[Any], Text]
    wanted: Callable[[str], bool]


KINDS = {
    What.decisions: Kind(Decision, sentences.of_decision, "decisions.v1".__eq__),
    What.lives: Kind(Life, sentences.of_life, "decisions.v1".__eq__),
    What.colours: Kind(Colours, sentences.of_colours, "colours.v1".__eq__),
    What.quotas: Kind(Quota, sentences.of_quota, "quotas.v1".__eq__),
    What.ledger: Kind(LedgerLine, sentences.of_line, "ledger.v1".__eq__),
    What.supply: Kind(Supply, sentences.of_supply, "quotas.v1".__eq__),
    What.receipts: Kind(Receipt, sentences.of_receipt, lambda topic: topic.endswith(".receipts.v1")),
    What.areas: Kind(Area, sentences.of_area, "areas.v1".__eq__),
}


class Newest:
    """A consumer's version filter: of an entity's conclusion only what is newer than what was seen."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str, str], int] = {}

    def is_news(self, event: BaseModel) -> bool:
        if not isinstance(event, Conclusion):
            return True
        slot = (event.kind, event.entity(), event.key())
        if event.version <= self.seen.get(slot, 0):
            return False
        self.seen[slot] = event.version
        return True


def read(kind: Kind, message: Message) -> BaseModel | None:
    """None for what is of another kind, or none of ours."""
    if kind_of(message) != kind.model.kind:
        return None
    try:
        return kind.model.model_validate_json(message.value() or b"", extra="ignore")
    except ValidationError:
        return None


def told(system: System, what: What) -> Iterator[BaseModel]:
    """All that was published of these, from the beginning; an older version after a newer is left out."""
    kind, newest, log = KINDS[what], Newest(), Log(system, KINDS[what].wanted)
    try:
        for message in log.whole():
            event = read(kind, message)
            if event is not None and newest.is_news(event):
                yield event
    finally:
        log.close()


def watch(
    what: Annotated[What, typer.Argument(help="What to watch.")],
    *,
    as_text: Json = False,
    beginning: Annotated[
        bool, typer.Option("--beginning", help="From the beginning, not only what comes now.")
    ] = False,
    idle: Annotated[float | None, typer.Option(min=0.1, help="End after so many seconds without anything new.")] = None,
) -> None:
    """Print what the services publish, as it comes, until interrupted. An older version after a newer is left out."""
    kind, newest, console = KINDS[what], Newest(), screen()
    log, last = Log(find(), kind.wanted), time.monotonic()
    try:
        for messages in log.tail(beginning=beginning):
            for message in messages:
                last = time.monotonic()
                event = read(kind, message)
                if event is not None and newest.is_news(event):
                    if as_text:
                        typer.echo(event.model_dump_json(by_alias=True))
                    else:
                        console.print(kind.sentence(event))
            if idle is not None and time.monotonic() - last > idle:
                break
    except KeyboardInterrupt:
        return
    finally:
        log.close()
