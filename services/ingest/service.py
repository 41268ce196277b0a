"""The edge's handler: record → fact → admission → kept, published, and answered with a receipt.

Every inbound record ends as accepted, duplicate, parked or refused, and its sender is told. A parked fact is released
by the owner of its own task once its afdeling is registered, whoever accepted the registration.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.ingest.contract import Crowd, IngestStore, Intake, Kept, Origin, RefusedEvent, Waiting
from services.ingest.domain import Known, Refusal, Subject, admit, fact_id, subject
from services.ingest.reading import identity, printable, read
from shared.events.cloudevents import Invalid, shown
from shared.events.decoding import content_hash, encode, recorded_model
from shared.events.inbound import AfdelingRegistered, Inbound
from shared.events.internal import AreaNamed, Receipt, Recorded
from shared.events.partitioning import PARTITIONS, partition_of
from shared.events.topics import CONTROL, INTERNAL_BYTES, dead_letters, receipts_topic, sender_of, topic_of
from shared.runtime.contract import Draft, Flaw, Outgoing, Record, TaskId
from shared.runtime.deadletters import dead_letter, mend
from shared.runtime.tracing import ROOM

WRITER = "ingest"
CHUNK = 500
DISCARDED = "was discarded by an operator"
"""How the rule begins by which a parked event is refused in the end."""
LARGEST = INTERNAL_BYTES - 20_000
"""Bytes of one published record with its trace; the rest is the batch's own."""


class IngestHandler:
    """`Handler` for tasks that are single partitions of inbound topics; `clock` gives `recorded_at`."""

    def __init__(self, store: IngestStore, clock: Callable[[], datetime]) -> None:
        self.store, self.clock = store, clock

    async def prepare(self, batch: Sequence[tuple[Draft, Record]]) -> None:
        now = self.clock()
        items = [
            (draft, Arrival(record, traced(origin, draft, record), now), fact)
            for draft, record in batch
            for origin, fact in [read(record)]
        ]
        facts = [fact for *_, fact in items if isinstance(fact, Inbound)]
        ids, afdelinger = {fact_id(f) for f in facts}, {a for f in facts if (a := f.about())}
        known = await self.store.known(ids, afdelinger) if facts else Known()
        authors: dict[str | Subject, set[TaskId]] = {}
        for draft, arrival, fact in items:
            try:
                if isinstance(fact, Invalid):
                    refuse(draft, arrival, Refusal(fact.field, fact.rule, fact.value))
                else:
                    take(draft, arrival, fact, known)
                    lean(draft, fact, authors)
            except Exception as error:  # noqa: BLE001  # a step that raises costs its own record, never its neighbours
                self.bury(draft, arrival.record, error)
        mend(batch)

    def bury(self, draft: Draft, record: Record, error: Exception) -> None:
        """What the database refuses, or a step raises on: refused like any other, but somebody must look."""
        origin, _ = read(record)
        why = f"cannot be recorded: {type(error).__name__}"
        arrival = Arrival(record, traced(origin, draft, record), self.clock())
        refuse(draft, arrival, Refusal("data", why, None, "fault"))
        draft.letter = record
        draft.flaws.append(Flaw("", record.topic, record.partition, record.offset, why))

    async def reconsider(self, draft: Draft, refusals: int = 0) -> None:
        """The next chunk of the task's parked facts: released where the afdeling is registered, or discarded.

        The facts are recorded already, so there is no less to try.
        """
        now, ready = self.clock(), await self.store.releasable(draft.task.id, CHUNK)
        for kept in ready:
            key = (kept.fact.about() or "").encode()
            put(draft, [*publications(kept), receipt(kept.origin, key, now, fate="released")])
        intake(draft).released += [kept.id for kept in ready]
        intake(draft).fates["released"] += len(ready)
        released, asked = {kept.id for kept in ready}, await self.store.discards(draft.task.id, CHUNK)
        unwanted = [d for d in asked if d.kept.id not in released]  # who asks between the two looks is too late
        for kept, why in unwanted:
            about = kept.fact.about() or ""
            rule = printable(f"{DISCARDED}, since this afdeling is not registered: {why}")
            told = {"fate": "refused", "field": "data.afdeling_id", "rule": rule, "value": about}
            put(draft, [receipt(kept.origin, about.encode(), now, **told)])
        intake(draft).discarded += [kept.id for kept, _ in unwanted]
        draft.cursor = "" if CHUNK in (len(ready), len(asked)) else None

    async def waiting(self) -> Mapping[TaskId, int]:
        """How many parked facts each task has to release or discard: what the timer and `settle` go by."""
        return await self.store.waiting()

    async def view(self) -> dict[str, Any]:
        """Ingest's part of the state."""
        return {"refused": await self.store.refused()}

    async def parked(self, limit: int) -> Sequence[Waiting]:
        """What waits for its afdeling to be registered, the oldest first."""
        return await self.store.parked(limit)

    async def crowds(self) -> Sequence[Crowd]:
        """The same, counted by organisation and type."""
        return await self.store.crowds()


class Arrival(NamedTuple):
    """A record, what it calls itself, and when it came."""

    record: Record
    origin: Origin
    at: datetime


def traced(origin: Origin, draft: Draft, record: Record) -> Origin:
    return origin._replace(trace=draft.trail.after([record])) if draft.trail else origin


def take(draft: Draft, arrival: Arrival, fact: Inbound, known: Known) -> None:
    """Judge one fact and put what follows into its draft."""
    record, origin, at = arrival
    content = content_hash(fact)
    fate = admit(fact, content, origin.event_type or "", sender_of(record.topic), known)
    if isinstance(fate, Refusal):
        refuse(draft, arrival, fate)
        return
    answer = receipt(origin, record.key, at, fate=fate)
    if fate != "duplicate":
        kept = Kept(fact, content, origin, at, parked=fate == "parked")
        published = list(publications(kept))
        room = 0 if origin.trace else ROOM  # whether it can be sent does not hang on its being traced
        if too_large := [size for _, o in published if (size := o.size() + room) > LARGEST]:
            rule = f"must not be larger than {LARGEST} bytes as it is published"
            refuse(draft, arrival, Refusal("data", rule, f"{too_large[0]} bytes", "size"))
            return
        intake(draft).keep(kept, known)
        known.learn(fact, content)
        put(draft, () if kept.parked else published)
        if fact.sequence == "registration":
            draft.cursor = ""
    put(draft, [answer])
    intake(draft).fates[fate] += 1


def refuse(draft: Draft, arrival: Arrival, refusal: Refusal) -> None:
    """A receipt with field, rule and value, the original bytes as a dead letter, and a row to count it by."""
    record, origin, at = arrival
    field, rule, value = shown(refusal.field) or "", printable(refusal.rule), shown(refusal.value)
    letter = dead_letter(record, record.partition % PARTITIONS, f"{field} {rule}", "refused", at)
    answer = receipt(origin, record.key, at, fate="refused", field=field, rule=rule, value=value)
    put(draft, [answer, (dead_letters(WRITER), letter)])
    intake(draft).refusals.append(RefusedEvent(identity(origin), origin, field, rule, value, at))
    intake(draft).fates["refused"] += 1
    draft.letters[refusal.kind] += 1
    draft.buried.add((record.topic, record.offset))


def publications(kept: Kept) -> Iterable[tuple[str, Outgoing]]:
    """Topic and record of what the fact says to the services; nothing of what is only kept."""
    fact, origin = kept.fact, kept.origin
    if (topic := topic_of(fact)) is None:
        return
    recorded = recorded_model(fact.kind, fact.retraction)(
        version=fact.revision,
        recorded_at=kept.recorded_at,
        source=origin.source or "",
        event_id=origin.event_id or "",
        fact=fact,
    )
    afdeling = fact.about()
    if afdeling is None:
        yield from to_everyone(recorded, origin.trace)
    else:
        yield topic, Outgoing(partition_of(afdeling), *encode(recorded, WRITER)).traced(origin.trace)
    if isinstance(fact, AfdelingRegistered) and fact.area_id is not None:
        yield from to_everyone(AreaNamed(recorded_at=kept.recorded_at, area_id=fact.area_id), origin.trace)


def to_everyone(told: Recorded[Any] | AreaNamed, trace: str | None) -> Iterable[tuple[str, Outgoing]]:
    record = Outgoing(0, *encode(told, WRITER)).traced(trace)
    return ((CONTROL, record._replace(partition=partition)) for partition in range(PARTITIONS))


def receipt(origin: Origin, key: bytes | None, at: datetime, **told: Any) -> tuple[str, Outgoing]:
    """The fate of an event, for its sender: same partition and key as it was sent with."""
    body = Receipt(
        event_id=shown(origin.event_id),
        event_type=shown(origin.event_type),
        topic=origin.topic,
        partition=origin.partition,
        offset=origin.offset,
        recorded_at=at,
        **told,
    )
    _, value, headers = encode(body, WRITER)
    return receipts_topic(origin.topic), Outgoing(origin.partition, key, value, headers).traced(origin.trace)


def put(draft: Draft, records: Iterable[tuple[str, Outgoing]]) -> None:
    for topic, record in records:
        draft.out.setdefault(topic, []).append(record)


def intake(draft: Draft) -> Intake:
    """The draft's intake, made when it is first asked for."""
    if draft.extra is None:
        draft.extra = Intake()
    extra: Intake = draft.extra
    return extra


def lean(draft: Draft, fact: Inbound, authors: dict[str | Subject, set[TaskId]]) -> None:
    """Note where a draft was judged by what other drafts of the batch bring: the same key, or the registration."""
    task, about, key = draft.task.id, fact.about() or "", subject(fact)
    intake(draft).leans |= (authors.get(key, set()) | authors.get(about, set())) - {task}
    authors.setdefault(key, set()).add(task)
    if fact.sequence == "registration":
        authors.setdefault(about, set()).add(task)
