"""The edge's facts and refusals, made anew from what was sent to it and from its receipts.

A receipt tells what became of a record and when, so nothing is judged again: of two contents of one revision the first
accepted stands, whatever order they are read in.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from services.cli.ground.reading import Impossible, Place
from services.ingest.contract import Kept
from services.ingest.domain import Subject, fixed, subject
from services.ingest.reading import identity, read
from services.ingest.service import publications
from shared.events.cloudevents import Invalid
from shared.events.decoding import content_hash, decode
from shared.events.inbound import Inbound
from shared.runtime.contract import Outgoing, Record, TaskId
from shared.runtime.deadletters import first_offset

Copy = tuple[str, int, bytes]
"""Of a record in an internal topic: topic, partition and id; what concerns everyone has one in every partition."""
EVER = datetime.fromtimestamp(0, UTC)


class Fate(NamedTuple):
    """Of one record: what became of it first, when, and why it was refused; and what became of it later, if parked."""

    first: str
    at: datetime
    why: tuple[str, str, str | None]
    last: str


class Published(NamedTuple):
    """Of a fact in an internal topic: by which event it came, and when it was recorded."""

    source: str
    event_id: str
    at: datetime


class Refusal(NamedTuple):
    """A row of refused events: identity, place, field, rule, value and time."""

    identity: str
    topic: str
    partition: int
    offset: int
    field: str
    rule: str
    value: str | None
    recorded_at: datetime


@dataclass(slots=True)
class Receipts:
    """The fate of every record, by where it lies."""

    fates: dict[Place, dict[int, Fate]] = field(default_factory=lambda: defaultdict(dict))

    def hear(self, record: Record | Outgoing) -> None:
        """In any order and again: an outbox that was restored repeats what was told long ago."""
        told = orjson.loads(record.value or b"")
        fates, offset, fate = self.fates[told["topic"], told["partition"]], told["offset"], told["fate"]
        why = told["field"] or "", told["rule"] or "", told["value"]
        new = Fate(fate, datetime.fromisoformat(told["recorded_at"]), why, fate)
        known = fates.get(offset)
        if known is None:
            fates[offset] = new
        elif fate == "parked":  # nothing comes before it
            fates[offset] = new._replace(last=known.last)
        elif fate != known.first:
            fates[offset] = known._replace(last=fate)

    def end(self, place: Place) -> int:
        """After the last record that was answered."""
        return max(self.fates.get(place, ()), default=-1) + 1


@dataclass(slots=True)
class Edge:
    """What the edge has accepted and refused; `kept` is taken away as it is written down.

    `published`: what the services were told, where a lost database must be asked what of that it had not yet noted.
    """

    receipts: Receipts
    published: Mapping[Copy, Published | None] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)
    fixed: dict[tuple[Subject, str], str] = field(default_factory=dict)
    refusals: dict[str, list[Refusal]] = field(default_factory=dict)
    mended: set[tuple[str, int, int]] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)

    def take(self, record: Record) -> None:
        """A record that was consumed. Raises `Impossible` for one that was never answered."""
        place = record.topic, record.partition
        fate = self.receipts.fates.get(place, {}).get(record.offset)
        if fate is None:
            if record.offset < self.receipts.end(place):
                raise Impossible(f"there is no receipt of {record.topic}/{record.partition}/{record.offset}")
            self.unanswered(record)
            return
        if fate.first == "refused":
            self.refuse(record, fate)
            return
        if (first := first_offset(record)) != record.offset:
            self.mended.add((*place, first))
        if fate.first in ("accepted", "parked") and fate.last != "refused":
            self.keep(record, fate.at, parked=fate.last == "parked")

    def keep(self, record: Record, at: datetime, *, parked: bool) -> None:
        origin, fact = read(record)
        if isinstance(fact, Invalid):
            self.unread.append(f"{origin.place} was accepted, and can not be read: {fact.field} {fact.rule}")
            return
        self.kept.append(Kept(fact, content_hash(fact), origin, at, parked))
        self.fixed |= {(subject(fact), name): value for name, value in fixed(fact)}

    def refuse(self, record: Record, fate: Fate) -> None:
        origin, _ = read(record)
        name = identity(origin)
        self.refusals.setdefault(name, []).append(Refusal(name, *origin[:3], *fate.why, fate.at))

    def unanswered(self, record: Record) -> None:
        """Of a lost database: it had told the services of the fact, and not yet its sender, who will be told so."""
        origin, fact = read(record)
        if isinstance(fact, Inbound):
            copies = publications(Kept(fact, "", origin, EVER, parked=False))
            for told in (self.published.get(copy_of(topic, one)) for topic, one in copies):
                if told and told[:2] == (origin.source, origin.event_id):
                    self.keep(record, told.at, parked=False)
                    return

    def unpublished(self) -> Iterator[tuple[TaskId, str, Outgoing]]:
        """Of the facts at hand what the services were never told, copy by copy: a lost outbox had it."""
        for kept in self.kept:
            for topic, record in () if kept.parked else publications(kept):
                if copy_of(topic, record) not in self.published:
                    yield kept.origin.task, topic, record

    def standing(self) -> Iterator[Refusal]:
        """Of each identity the first refusal, if it was not mended since."""
        first = (min(every, key=lambda r: r.recorded_at) for every in self.refusals.values())
        return (r for r in first if r[1:4] not in self.mended)

    def may_stand(self, one: Refusal) -> bool:
        """Whether it was told just so: of two refusals of one identity either may have been written down first."""
        return one in self.refusals.get(one.identity, ()) and one[1:4] not in self.mended


def copy_of(topic: str, record: Record | Outgoing) -> Copy:
    return topic, record.partition, dict(record.headers).get("ce_id") or b""


def published(records: Iterable[Record]) -> dict[Copy, Published | None]:
    """All that the services were told."""
    found: dict[Copy, Published | None] = {}
    for record in records:
        copy = copy_of(record.topic, record)
        if found.get(copy) is None:
            found[copy] = told_in(record)
    return found


def told_in(record: Record) -> Published | None:
    """None of what is no fact, or can not be read."""
    try:
        told: Any = decode(record)
    except Invalid:
        return None
    if not isinstance(told.body, Inbound):
        return None
    data = orjson.loads(record.value or b"")
    return Published(data["source"], data["event_id"], told.recorded_at)
