"""What a service has said: the conclusions and journal entries that lie in its own topics, and in its outbox.

What was published stands, whatever a database says: others have read it. So a state that is made anew goes on from
there, and what it says next is the next version of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from services.cli.ground.reading import Impossible
from shared.events.cloudevents import shown
from shared.events.decoding import CONCLUSIONS
from shared.events.ids import PREFIX, SUFFIX
from shared.events.internal import Anchor, Area, Chained, Conclusion, Handover, Relative
from shared.events.partitioning import partition_of
from shared.events.topics import INTERNAL, dead_letters
from shared.runtime.contract import EVERYONE, Outgoing, Record, Slot, TaskId
from shared.runtime.keyed import reason_of, slot_of

Home = tuple[TaskId, str]
"""Task and entity; of ingest a sequence and a key."""
ELSEWHERE = (Anchor, Area, Handover, Relative)
"""What is addressed to others than of whom it was concluded."""
OURS = b"trappetrin/"
"""With which the source of all that a service writes begins."""


def own_topics(service: str) -> list[str]:
    """Those of its conclusions."""
    return [t.name for t in INTERNAL.values() if t.owner == service and t.name != dead_letters(service)]


def strays(topic: str) -> bool:
    """Whether what it carries may lie in another partition than the task of which it is."""
    return any(model in ELSEWHERE for model in INTERNAL[topic].carries)


def home_of(told: Conclusion) -> Home:
    match told:
        case Area():
            return str(partition_of(told.area_id)), EVERYONE
        case Anchor():
            return told.part, EVERYONE
        case Relative() | Handover():
            return str(partition_of(told.of)), told.of
        case _:
            return str(partition_of(told.entity())), told.entity()


class Line(NamedTuple):
    """An entry of a journal, as a row of it."""

    number: int
    thing: str
    step: int
    reverses: int | None
    hash: str
    body: str


@dataclass(slots=True)
class Said:
    """By whom it is about. `stated`: version and bytes of the newest of each slot; `journals`: by kind, lines by
    number; `twice`: what was published under one number with two contents, of which the first stands; `foreign`: by
    partition, what somebody else has put into its topics.
    """

    stated: dict[Home, dict[Slot, tuple[int, bytes]]] = field(default_factory=dict)
    journals: dict[Home, dict[str, dict[int, Line]]] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)
    foreign: list[tuple[int, str]] = field(default_factory=list)

    def hear(self, record: Record | Outgoing) -> None:
        """What no service has written is left out. Raises `Impossible` for what one has, and this release can not read:
        what it says must be known.
        """
        if not by_us(record):
            self.foreign.append((record.partition, left_out(record)))
            return
        try:
            told, value = read(record), record.value or b""
        except (KeyError, ValueError) as error:
            raise Impossible(f"{place_of(record)} can not be read by this release: {reason_of(error)}") from error
        home = home_of(told)
        if isinstance(told, Chained):
            journal = self.journals.setdefault(home, {}).setdefault(told.kind, {})
            text = value.decode()
            line = Line(told.number, told.thing(), told.step(), told.takes_back(), sha256(value).hexdigest(), text)
            if journal.setdefault(told.number, line).hash != line.hash:
                self.twice.append(f"{told.kind} {told.number} of {home[1]} was published with two contents")
                return
        if told.stated:
            slots, slot = self.stated.setdefault(home, {}), slot_of(told, home[1])
            if slot not in slots or slots[slot][0] < told.version:
                slots[slot] = told.version, value

    def taken(self, home: Home) -> tuple[dict[Slot, tuple[int, bytes]], list[tuple[str, Line]]]:
        """What is stated, and the journals: they are kept here no longer. Raises `Impossible` as `lines` does."""
        lines = list(self.lines(home))
        self.journals.pop(home, None)
        return self.stated.pop(home, {}), lines

    def lines(self, home: Home) -> Iterator[tuple[str, Line]]:
        """Its journals in their order. Raises `Impossible` for one with a hole."""
        for kind, journal in sorted(self.journals.get(home, {}).items()):
            for expected, number in enumerate(sorted(journal), 1):
                if number != expected:
                    raise Impossible(
                        f"{kind} {expected} of {home[1]} was never published though {number} was: its journal can not"
                        " be made anew"
                    )
                yield kind, journal[number]


def read(record: Record | Outgoing) -> Conclusion:
    """Raises `KeyError` for a kind that is none of the contract, `ValueError` for what is none of its kind."""
    return concluded(kind_of(record), record.value or b"")


def by_us(record: Record | Outgoing) -> bool:
    """Whether it says that a service wrote it."""
    return (dict(record.headers).get("ce_source") or b"").startswith(OURS)


def kind_of(record: Record | Outgoing) -> str:
    told = (dict(record.headers).get("ce_type") or b"").decode(errors="replace")
    return told.removeprefix(PREFIX).removesuffix(SUFFIX)


def place_of(record: Record | Outgoing) -> str:
    """Kind and place, in words."""
    kind = shown(kind_of(record)) or "a record without a type"
    if isinstance(record, Record):
        return f"{kind} in {record.topic}/{record.partition}/{record.offset}"
    return f"{kind} in the outbox, for partition {record.partition}"


def left_out(record: Record | Outgoing) -> str:
    return f"{place_of(record)} is of no service, and was left out"


def concluded(kind: str, body: str | bytes) -> Conclusion:
    """Of a kept row, or of published bytes."""
    return CONCLUSIONS[kind].model_validate_json(body, extra="ignore")
