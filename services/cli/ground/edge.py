"""The edge's facts and refusals, made anew from what was sent to it and from its receipts.

A receipt tells what became of a record and when, so nothing is judged again: of two contents of one revision the first
accepted stands, whatever order they are read in.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from services.cli.ground.reading import Impossible, Place
from services.ingest.contract import Kept
from services.ingest.domain import FactId, Subject, fact_id, fixed, subject
from services.ingest.reading import identity, read
from shared.events.cloudevents import Invalid
from shared.events.decoding import content_hash, decode
from shared.events.inbound import Inbound
from shared.runtime.contract import Outgoing, Record
from shared.runtime.deadletters import first_offset


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
        told = orjson.loads(record.value or b"")
        fates, offset, fate = self.fates[told["topic"], told["partition"]], told["offset"], told["fate"]
        if known := fates.get(offset):
            fates[offset] = known._replace(last=fate)
        else:
            why = told["field"] or "", told["rule"] or "", told["value"]
            fates[offset] = Fate(fate, datetime.fromisoformat(told["recorded_at"]), why, fate)

    def end(self, place: Place) -> int:
        """After the last record that was answered."""
        return max(self.fates.get(place, ()), default=-1) + 1


@dataclass(slots=True)
class Edge:
    """What the edge has accepted and refused; `kept` is taken away as it is written down.

    `published`: what the services were told, where a lost database must be asked what of that it had not yet noted.
    """

    receipts: Receipts
    published: Mapping[FactId, Published] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)
    fixed: dict[tuple[Subject, str], str] = field(default_factory=dict)
    refusals: dict[str, Refusal] = field(default_factory=dict)
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
        name, before = identity(origin), self.refusals.get(identity(origin))
        if before is None or fate.at < before.recorded_at:
            self.refusals[name] = Refusal(name, *origin[:3], *fate.why, fate.at)

    def unanswered(self, record: Record) -> None:
        """Of a lost database: it had told the services of the fact, and not yet its sender, who will be told so."""
        origin, fact = read(record)
        told = self.published.get(fact_id(fact)) if isinstance(fact, Inbound) else None
        if told and (told.source, told.event_id) == (origin.source, origin.event_id):
            self.keep(record, told.at, parked=False)

    def standing(self) -> Iterator[Refusal]:
        """The refusals that were not mended since."""
        return (r for r in self.refusals.values() if (r.topic, r.partition, r.offset) not in self.mended)


def published(records: Iterable[Record]) -> dict[FactId, Published]:
    """The facts that the services were told."""
    found: dict[FactId, Published] = {}
    for record in records:
        told: Any = decode(record)
        if isinstance(fact := told.body, Inbound):
            data = orjson.loads(record.value or b"")
            one = Published(data["source"], data["event_id"], told.recorded_at)
            found.setdefault(fact_id(fact), one)
    return found
