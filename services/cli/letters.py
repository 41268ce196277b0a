"""Dead letters as an operator sees them: what lies in the topics, joined with what was done with each."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
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

OPEN, UNKNOWN = "open", "unknown"
NUMBER = re.compile(r"[0-9][0-9/:.-]*")


@dataclass(frozen=True, slots=True)
class Letter:
    """`record` is the letter as it lies; `size` how many bytes its value has, also where that was not kept; `told` its
    added headers; `act` the newest that was done with it, and `known` whether there was a database that could say so.
    """

    service: str
    record: Record
    size: int
    told: Mapping[str, str]
    act: Act | None = None
    known: bool = True

    @property
    def place(self) -> Place:
        return Place(*self.lies, self.told.get("time", ""))

    @property
    def lies(self) -> tuple[str, int, int]:
        """Service, partition and offset, as it is named."""
        return self.service, self.record.partition, self.record.offset

    @property
    def source(self) -> tuple[str, int, int]:
        """Topic, partition and offset of what could not be used; no topic and zeros where that is not told."""
        return self.told.get("topic", ""), number(self.told.get("partition")) or 0, number(self.told.get("offset")) or 0

    @property
    def made_at(self) -> datetime | None:
        return aware(self.told.get("time", ""))

    @property
    def ours(self) -> bool:
        """Whether it tells where from and when, as each does that a service has made."""
        numbers = (number(self.told.get(name)) for name in ("partition", "offset"))
        return bool(self.told.get("topic")) and None not in numbers and self.made_at is not None

    @property
    def status(self) -> str:
        if self.act:
            return self.act.act
        return OPEN if self.known else UNKNOWN

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

    def light(self) -> "Letter":
        """Without the value."""
        return replace(self, record=self.record._replace(value=None))

    def shown(self) -> dict[str, Any]:
        """Where it lies, where it came from, why, and what became of it."""
        did = self.act
        return {
            "service": self.service,
            "partition": self.record.partition,
            "offset": self.record.offset,
            "from": named(self.source),
            "organisation": self.organisation,
            "time": self.told.get("time"),
            "error": self.told.get("error"),
            "reason": self.reason,
            "attempt": told_by(self.record, "attempt") or 0,
            "bytes": number(self.told.get("cut")) or self.size,
            "cut": self.cut,
            "status": self.status,
            **({"by": did.by, "why": did.why, "handled_at": did.at.isoformat()} if did else {}),
        }


def of(message: Message) -> Letter:
    return of_record(record_of(message))


def of_record(record: Record) -> Letter:
    told: dict[str, str] = {}
    for name, value in record.headers:
        if name == f"{LETTER}reason":
            told = {}  # ours begin here, and are the last: what is before them is a sender's
        if name.startswith(LETTER):
            told[name.removeprefix(LETTER)] = (value or b"").decode(errors="replace")
    return Letter(record.topic.partition(".")[0], record, len(record.value or b""), told)


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
        return (
            self.service in (None, letter.service)
            and (self.reason is None or self.reason.casefold() in letter.reason.casefold())
            and self.organisation in (None, letter.organisation)
            and (self.since is None or ((at := letter.made_at) is not None and at >= self.since))
            and (not self.places or letter.lies in self.places)
        )


def read(system: System, choice: Choice, *, surely: bool = False, values: bool = True) -> list[Letter]:
    """In the order in which they were made; what was done with each is known where there is a database.

    `surely`: raises `Unreachable` where there is none. `values`: whether they are wanted: all of them may be much.
    """
    topics = {dead_letters(s) for s in SERVICES if choice.service in (None, s)}
    log = Log(system, topics.__contains__)
    try:
        found = [letter if values else letter.light() for m in log.whole() if choice.fits(letter := of(m))]
    finally:
        log.close()
    done = acts(system) if surely or system.dsn else None
    joined = [replace(x, act=(done or {}).get(x.place), known=done is not None) for x in found]
    return sorted(joined, key=lambda x: (x.told.get("time", ""), x.place))


def unhandled(letters: Iterable[Letter]) -> Iterator[Letter]:
    """What is open, or may be."""
    return (letter for letter in letters if letter.status in (OPEN, UNKNOWN))


def unmet(choice: Choice, found: Iterable[Letter], meant: Iterable[Letter]) -> Iterator[tuple[str, str]]:
    """Which of the letters that were named are not meant, each with why."""
    status = {letter.lies: letter.status for letter in found}
    for lies in sorted(choice.places - {letter.lies for letter in meant}):
        yield named(lies), f"it is {status[lies]} already" if lies in status else "there is none such among the chosen"


def named(place: tuple[str, int, int]) -> str:
    return "/".join(map(str, place))


def number(text: str | None) -> int | None:
    """None for what is no number: anyone may write a header."""
    return int(text) if text and text.isdecimal() and len(text) < 19 else None


def aware(text: str) -> datetime | None:
    """None for what is no instant with its offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def instant(text: str) -> datetime:
    """An instant with its offset, or a day: its beginning in UTC. Raises `typer.BadParameter`."""
    try:
        a_day = len(text) == len("2024-01-01")
        found = datetime.combine(date.fromisoformat(text), time(), UTC) if a_day else aware(text)
    except ValueError:
        found = None
    if found is None:
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


def of_reason(text: str | None) -> str | None:
    """An empty one would be in every reason."""
    if text is not None and not text.strip():
        raise typer.BadParameter("must have some of the reason's words")
    return text


def place_of(text: str) -> tuple[str, int, int]:
    """`quota/3/17` as service, partition and offset."""
    service, *numbers = text.split("/")
    if service not in SERVICES or len(numbers) != 2 or not all(n.isdecimal() for n in numbers):
        raise typer.BadParameter(f"must be service/partition/offset, as `dlq list` tells it; it is {text}")
    return service, int(numbers[0]), int(numbers[1])


Service = Annotated[str | None, typer.Option(help=f"Only of one service: {', '.join(SERVICES)}.", callback=of_service)]
Reason = Annotated[str | None, typer.Option(help="Only where the reason contains this text.", callback=of_reason)]
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
