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
from services.cli.ground.said import by_us, left_out, place_of
from services.ingest.contract import Kept
from services.ingest.domain import Subject, fixed, subject
from services.ingest.reading import identity, read
from services.ingest.service import DISCARDED, publications
from shared.events.cloudevents import Invalid
from shared.events.decoding import content_hash, decode
from shared.events.inbound import Inbound
from shared.runtime.contract import Outgoing, Record, TaskId
from shared.runtime.deadletters import first_offset

Copy = tuple[str, int, bytes]
"""Of a record in an internal topic: topic, partition and id; what concerns everyone has one in every partition."""
EVER = datetime.fromtimestamp(0, UTC)


class Fate(NamedTuple):
    """Of one record: what became of it first, when, and why it was refused; of a parked one also its event."""

    first: str
    at: datetime
    why: tuple[str, str, str | None]
    event: str | None


class End(NamedTuple):
    """What became of a parked event: when, and whether it was released, or refused by an operator."""

    at: datetime
    fate: str


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
    """The fate of every record, by where it lies; and the ends of parked events, by where these lie or once lay.

    `anew`: when topics were made anew: what was told before is of records that are no more.
    `foreign`: what somebody else has put among the receipts.
    """

    anew: Mapping[str, datetime] = field(default_factory=dict)
    fates: dict[Place, dict[int, Fate]] = field(default_factory=lambda: defaultdict(dict))
    ends: dict[tuple[str, int, int, str | None], set[End]] = field(default_factory=lambda: defaultdict(set))
    foreign: list[str] = field(default_factory=list)

    def hear(self, record: Record | Outgoing) -> None:
        """In any order and again: an outbox that was restored repeats what was told long ago.

        What is not ours is left out. Raises `Impossible` for a receipt of ours that can not be read.
        """
        if not by_us(record):
            self.foreign.append(left_out(record))
            return
        try:
            told = orjson.loads(record.value or b"")
            place, offset, fate = (told["topic"], told["partition"]), told["offset"], told["fate"]
            at, rule, event = datetime.fromisoformat(told["recorded_at"]), told["rule"] or "", told["event_id"]
        except (ValueError, TypeError, KeyError) as error:
            raise Impossible(f"{place_of(record)} can not be read by this release: {type(error).__name__}") from error
        if place[0] in self.anew and at < self.anew[place[0]]:
            return
        if fate == "released" or rule.startswith(DISCARDED):
            self.ends[*place, offset, event].add(End(at, fate))
            return
        known = self.fates[place].get(offset)
        if known is None or at < known.at:
            why = told["field"] or "", rule, told["value"]
            self.fates[place][offset] = Fate(fate, at, why, event if fate == "parked" else None)

    def became(self, place: Place, offset: int) -> str | None:
        """Of a record, what it is now."""
        if (fate := self.fates.get(place, {}).get(offset)) is None:
            return None
        ends = self.ends.get((*place, offset, fate.event), ()) if fate.first == "parked" else ()
        return max((end for end in ends if end.at >= fate.at), default=End(fate.at, fate.first)).fate

    def end(self, place: Place) -> int:
        """After the last record that was answered."""
        return max(self.fates.get(place, ()), default=-1) + 1


@dataclass(slots=True)
class Edge:
    """What the edge has accepted and refused; `kept` is taken away as it is written down.

    `published`: what the services were told, where a lost database must be asked what of that it had not yet noted;
    `told`: which of it is of facts that were kept.
    """

    receipts: Receipts
    published: Mapping[Copy, Published | None] = field(default_factory=dict)
    told: set[Copy] = field(default_factory=set)
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
        became = self.receipts.became(place, record.offset)
        if became in ("accepted", "parked", "released"):
            self.keep(record, fate.at, parked=became == "parked")

    def keep(self, record: Record, at: datetime, *, parked: bool) -> None:
        origin, fact = read(record)
        if isinstance(fact, Invalid):
            self.unread.append(f"{origin.place} was accepted, and can not be read: {fact.field} {fact.rule}")
            return
        self.kept.append(Kept(fact, content_hash(fact), origin, at, parked))
        self.fix(fact)

    def fix(self, fact: Inbound) -> None:
        self.fixed |= {(subject(fact), name): value for name, value in fixed(fact)}

    def refuse(self, record: Record, fate: Fate) -> None:
        origin, _ = read(record)
        name = identity(origin)
        self.refusals.setdefault(name, []).append(Refusal(name, *origin[:3], *fate.why, fate.at))

    def unanswered(self, record: Record) -> None:
        """Of a lost database: it had told the services of the fact, and not yet its sender, who will be told so."""
        for _, told in self.heard_of(record):
            self.keep(record, told.at, parked=False)
            return

    def repeated(self, record: Record, strange: set[Copy]) -> None:
        """The same of a database that was lost earlier: since then the sender was told that it is a repeat."""
        if self.receipts.became((record.topic, record.partition), record.offset) == "duplicate":
            heard = dict(self.heard_of(record))
            if told := next((heard[copy] for copy in heard if copy in strange), None):
                strange -= heard.keys()
                self.keep(record, told.at, parked=False)

    def heard_of(self, record: Record) -> Iterator[tuple[Copy, Published]]:
        """What the services were told of the very event."""
        origin, fact = read(record)
        if isinstance(fact, Inbound):
            for topic, one in publications(Kept(fact, "", origin, EVER, parked=False)):
                told = self.published.get(copy := copy_of(topic, one))
                if told and told[:2] == (origin.source, origin.event_id):
                    yield copy, told

    def unpublished(self) -> Iterator[tuple[TaskId, str, Outgoing]]:
        """Of the facts at hand what the services were never told, copy by copy: a lost outbox had it."""
        for kept in self.kept:
            for topic, record in publications(kept):
                if (copy := copy_of(topic, record)) in self.published:
                    self.told.add(copy)
                elif not kept.parked:
                    yield kept.origin.task, topic, record

    def strange(self) -> set[Copy]:
        """What the services were told of facts that were never kept."""
        return {copy for copy, told in self.published.items() if told and copy not in self.told}

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
