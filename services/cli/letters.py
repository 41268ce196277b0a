"""Dead letters as an operator sees them: what lies in the topics, joined with what was done with each."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

import typer
from confluent_kafka import Message

from services.cli.acts import Act, Place, acts
from services.cli.log import Log, record_of
from services.cli.system import System
from shared.events.topics import SERVICES, dead_letters
from shared.runtime.contract import Record
from shared.runtime.deadletters import LETTER, told_by

OPEN = "open"
NUMBER = re.compile(r"[0-9][0-9/:.-]*")


@dataclass(frozen=True, slots=True)
class Letter:
    """`record` is the letter as it lies; `told` its added headers; `act` the newest that was done with it."""

    service: str
    record: Record
    told: Mapping[str, str]
    act: Act | None = None

    @property
    def place(self) -> Place:
        return Place(self.service, self.record.partition, self.record.offset, self.told.get("time", ""))

    @property
    def source(self) -> tuple[str, int, int]:
        """Topic, partition and offset of what could not be used."""
        return self.told.get("topic", ""), int(self.told.get("partition", 0)), int(self.told.get("offset", 0))

    @property
    def status(self) -> str:
        return self.act.act if self.act else OPEN

    @property
    def reason(self) -> str:
        return self.told.get("reason", "")

    @property
    def kind_of_reason(self) -> str:
        """The same for all that differ in numbers only."""
        return NUMBER.sub("#", self.reason)

    @property
    def organisation(self) -> str | None:
        """Of whose topic it is, or of whose afdeling, where its key names one."""
        own = re.match(r"org\.([0-9]{4})\.", self.source[0])
        found = own or re.match(r"([0-9]{4})-", (self.record.key or b"").decode(errors="replace"))
        return found[1] if found else None

    @property
    def cut(self) -> bool:
        """The value was too large to be kept whole."""
        return "cut" in self.told

    @property
    def bare(self) -> bool:
        """Headers, or the key, were more than can be kept."""
        return "left_out" in self.told

    def shown(self) -> dict[str, Any]:
        """Where it lies, where it came from, why, and what became of it."""
        did = self.act
        return {
            "service": self.service,
            "partition": self.record.partition,
            "offset": self.record.offset,
            "from": "/".join(str(part) for part in self.source),
            "organisation": self.organisation,
            "time": self.told.get("time"),
            "error": self.told.get("error"),
            "reason": self.reason,
            "attempt": told_by(self.record, "attempt") or 0,
            "bytes": int(self.told.get("cut") or len(self.record.value or b"")),
            "cut": self.cut,
            "status": self.status,
            **({"by": did.by, "why": did.why, "handled_at": did.at.isoformat()} if did else {}),
        }


def of(message: Message) -> Letter:
    return of_record(record_of(message))


def of_record(record: Record) -> Letter:
    told = {
        n.removeprefix(LETTER): (v or b"").decode(errors="replace") for n, v in record.headers if n.startswith(LETTER)
    }
    return Letter(record.topic.partition(".")[0], record, told)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters are meant: all that fit everything that is given. `places`: service, partition and offset."""

    service: str | None = None
    reason: str | None = None
    organisation: str | None = None
    since: datetime | None = None
    places: frozenset[tuple[str, int, int]] = field(default=frozenset())

    @property
    def anything(self) -> bool:
        return self == Choice()

    def fits(self, letter: Letter) -> bool:
        told, at = letter.told.get("time"), letter.record
        return (
            self.service in (None, letter.service)
            and (self.reason is None or self.reason.casefold() in letter.reason.casefold())
            and self.organisation in (None, letter.organisation)
            and (self.since is None or (told is not None and datetime.fromisoformat(told) >= self.since))
            and (not self.places or (letter.service, at.partition, at.offset) in self.places)
        )


def read(system: System, choice: Choice) -> list[Letter]:
    """In the order in which they were made; what was done with each is known where there is a database."""
    topics = {dead_letters(s) for s in SERVICES if choice.service in (None, s)}
    log = Log(system, topics.__contains__)
    try:
        found = [letter for m in log.whole() if choice.fits(letter := of(m))]
    finally:
        log.close()
    done = acts(system) if system.dsn else {}
    joined = [Letter(x.service, x.record, x.told, done.get(x.place)) for x in found]
    return sorted(joined, key=lambda x: (x.told.get("time", ""), x.place))


def unhandled(letters: Iterable[Letter]) -> Iterator[Letter]:
    return (letter for letter in letters if letter.status == OPEN)


def instant(text: str) -> datetime:
    """An instant with its offset, or a day: its beginning in UTC. Raises `typer.BadParameter`."""
    try:
        if len(text) == len("2024-01-01"):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        rule = "must be a day or an instant with its offset, 2024-06-01 or 2024-06-01T12:00:00Z"
        raise typer.BadParameter(f"{rule}; it is {text}")
    return found


def of_service(name: str | None) -> str | None:
    if name is not None and name not in SERVICES:
        raise typer.BadParameter(f"must be one of {', '.join(SERVICES)}; it is {name}")
    return name


def of_organisation(number: str | None) -> str | None:
    if number is not None and not re.fullmatch("[0-9]{4}", number):
        raise typer.BadParameter(f"must be an organisation's number, four digits; it is {number}")
    return number


def place_of(text: str) -> tuple[str, int, int]:
    """`quota/3/17` as service, partition and offset."""
    service, *numbers = text.split("/")
    if service not in SERVICES or len(numbers) != 2 or not all(n.isdecimal() for n in numbers):
        raise typer.BadParameter(f"must be service/partition/offset, as `dlq list` tells it; it is {text}")
    return service, int(numbers[0]), int(numbers[1])


Service = Annotated[str | None, typer.Option(help=f"Only of one service: {', '.join(SERVICES)}.", callback=of_service)]
Reason = Annotated[str | None, typer.Option(help="Only where the reason contains this text.")]
Organisation = Annotated[
    str | None,
    typer.Option(
        help="Only of this organisation, four digits: of its topic, or of its afdelinger.", callback=of_organisation
    ),
]
Since = Annotated[
    datetime | None,
    typer.Option(
        help="Only what became a dead letter at or after this day or instant.", parser=instant, metavar="INSTANT"
    ),
]
At = Annotated[
    list[str] | None, typer.Option(help="Only this letter, as service/partition/offset; may be given again.")
]
