"""What the keyed services make of records: decode → fold → conclude → publish what differs. A service is its domain.

Facts are folded into slots (kind and key, the highest version stands), so order, repetition and batching cannot matter;
a conclusion is a pure function of the facts and of what concerns everyone, computed once a batch and touched entity.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from shared.agreement.everyone import closed_day
from shared.clock import Clock, utc_now
from shared.events.cloudevents import Invalid
from shared.events.decoding import decode, encode
from shared.events.internal import Chained, Conclusion
from shared.events.partitioning import partition_of
from shared.events.topics import CONTROL, INTERNAL, concluded, dead_letters
from shared.runtime.anchors import anchored_day, anchors_of
from shared.runtime.contract import (
    EVERYONE,
    Draft,
    Entity,
    Entry,
    Fact,
    Flaw,
    Head,
    Ours,
    Outgoing,
    Record,
    Refused,
    Slot,
    Store,
    Task,
    TaskId,
)
from shared.runtime.deadletters import dead_letter, entity_named, first_offset, mend
from shared.runtime.tracing import ROOM, trace_of

P = TypeVar("P")
Brought = Sequence[tuple[Record, Fact]]
CHUNK = 25
REEVALUATED = -1
"""The offset of a flaw that no record but a re-evaluation showed; its topic is that of what concerns everyone."""


class Domain(Protocol[P]):
    """What follows from the facts: pure, no clock, no I/O, the same for any order in which the facts came."""

    def parameters(self, everyone: Mapping[Slot, Fact]) -> P:
        """What concerns everyone, prepared for use; made once per change of it."""

    ignores: frozenset[str]
    """Kinds of facts that are read and change nothing here."""

    def conclude(self, afdeling: str, known: Entity, parameters: P) -> Iterable[Conclusion]:
        """All that follows for an afdeling, whole, with version 0; nothing while there is nothing to conclude.

        What is stated hangs on `known.facts` alone. Of what was concluded before hang only versions, and what is not
        stated but added: the lines of a ledger, by which what was said before becomes what is said now.
        """

    def conclude_everyone(self, parameters: P, ours: Ours) -> Iterable[Conclusion]:
        """All that follows of what concerns everyone, for the entities that are this task's."""

    def view(
        self, entity: str, facts: Mapping[Slot, Fact], conclusions: Mapping[Slot, Conclusion], parameters: P
    ) -> dict[str, Any]:
        """The entity's part of the state that is shown; empty for an afdeling that is not registered."""


class KeyedHandler(Generic[P]):
    """`Handler` of a keyed service. `chunk`: how many entities a re-evaluation takes at a time."""

    def __init__(
        self, domain: Domain[P], service: str, store: Store, *, clock: Clock = utc_now, chunk: int = CHUNK
    ) -> None:
        self.domain, self.service, self.store, self.clock, self.chunk = domain, service, store, clock, chunk
        self.letters = dead_letters(service)
        self.prepared: dict[str, tuple[Entity, P]] = {}
        self.everyones: dict[Slot, Fact] = {}

    # Records

    async def prepare(self, batch: Sequence[tuple[Draft, Record]]) -> None:
        told = [(draft, record, self.decoded(record)) for draft, record in batch]
        await self.load([(d.task, f.entity) for d, _, f in told if isinstance(f, Fact)])
        brought: dict[tuple[str, str], tuple[Draft, list[tuple[Record, Fact]]]] = {}
        touched: set[tuple[str, str]] = set()
        for draft, record, one in told:
            if isinstance(one, Exception):
                self.bury(draft, record, one)
                continue
            if one.kind in self.domain.ignores:
                continue
            fact = self.kept_once(one) if one.entity == EVERYONE else one
            home = draft.task.id, fact.entity
            brought.setdefault(home, (draft, []))[1].append((record, fact))
            if fold(entity_of(draft, fact.entity), fact):
                draft.facts[fact.entity, fact.slot] = fact
                touched.add(home)
        for home in sorted(touched):  # EVERYONE is first
            await asyncio.sleep(0)  # so that the group hears of us also in a long batch
            name, (draft, records) = home[1], brought[home]
            if name == EVERYONE:
                draft.cursor = EVERYONE
            try:
                self.conclude(draft, name, records)
            except Exception:  # noqa: BLE001 - a step that raises is the record's fault: find which
                await self.one_by_one(draft, name, records)
        mend(batch)

    def decoded(self, record: Record) -> Fact | Exception:
        try:
            return decode(record)
        except Invalid as error:
            return error
        except Exception as error:  # noqa: BLE001 - a record that cannot be read must not fail its neighbours
            return error

    async def load(self, wanted: Sequence[tuple[Task, str]]) -> None:
        """Into the tasks' caches: these entities, and what concerns everyone in their tasks."""
        missing = {(t.id, name): t for t, n in wanted for name in (EVERYONE, n) if name not in t.cache}
        found = await self.store.load(sorted(missing)) if missing else {}
        for (task_id, name), task in missing.items():
            entity = found.get((task_id, name)) or Entity()
            if name == EVERYONE:
                entity.facts = {slot: self.kept_once(fact) for slot, fact in entity.facts.items()}
            task.cache.put(name, entity)

    def kept_once(self, fact: Fact) -> Fact:
        """What concerns everyone comes to each task: of what is the same there is one object for all of them."""
        known = self.everyones.get(fact.slot)
        if known == fact:
            return known
        if known is None or known.version < fact.version:
            self.everyones[fact.slot] = fact
        return fact

    async def one_by_one(self, draft: Draft, name: str, records: Brought) -> None:
        """The same entity again, one record after the other, so that only the one at fault becomes a dead letter.

        All that the batch brought, also what was no news after the one at fault.
        """
        draft.entities[name] = cached(draft.task, name).copy()
        for slot in [s for s in draft.facts if s[0] == name]:
            del draft.facts[slot]
        for record, fact in records:
            await asyncio.sleep(0)  # as above
            entity = draft.entities[name]
            self.prepared.pop(draft.task.id if name == EVERYONE else "", None)  # it changes under our hands
            kept = entity.facts.get(fact.slot)
            if not fold(entity, fact):
                continue
            try:
                self.conclude(draft, name, [(record, fact)])
            except Exception as error:  # noqa: BLE001 - as above
                if kept:
                    entity.facts[fact.slot] = kept
                else:
                    del entity.facts[fact.slot]
                if name == EVERYONE:
                    self.prepared.pop(draft.task.id, None)  # it was made of what does not stand
                self.bury(draft, record, error)
            else:
                draft.facts[name, fact.slot] = fact

    def conclude(self, draft: Draft, name: str, brought: Brought = ()) -> None:
        """Put what differs from the last conclusions into the draft; puts nothing when the domain raises. `brought`: by
        what the entity was touched.
        """
        entity, parameters = entity_of(draft, name), self.parameters(draft)
        if name == EVERYONE:
            new = self.domain.conclude_everyone(parameters, lambda e: str(partition_of(e)) == draft.task.id)
        else:
            new = self.domain.conclude(name, entity, parameters)
        self.put(draft, name, list(new), brought)

    def put(self, draft: Draft, name: str, new: Iterable[Conclusion], brought: Brought = ()) -> None:
        """Into the draft what of these is news: all of it, or nothing when one of them can not be sent."""
        entity = entity_of(draft, name)
        ready, heads = list[Ready](), dict(entity.heads)
        for conclusion in new:
            slot = slot_of(conclusion, name)
            before = entity.conclusions.get(slot) if conclusion.stated else None
            following = conclusion.renewed(before)
            if following is not before:
                ready.append(self.ready(slot, following, heads))
        trace = trace_of(draft, entity, brought) if any(one.record for one in ready) else None
        for one in ready:
            if one.conclusion.stated:
                entity.conclusions[one.slot] = draft.conclusions[name, one.slot] = one.conclusion
            if one.entry:
                draft.entries.append((name, one.entry))
            if one.topic and one.record:
                draft.out.setdefault(one.topic, []).append(one.record.traced(trace))
        entity.heads = heads

    def ready(self, slot: Slot, conclusion: Conclusion, heads: dict[str, Head]) -> "Ready":
        """Made into the record that it will be; what is chained becomes the new head of its journal."""
        topic, entry = concluded(self.service, conclusion.kind), None
        if isinstance(conclusion, Chained):
            head = heads.get(conclusion.kind)
            number, previous = (head.body.number + 1, head.hash) if head else (1, "")
            conclusion = conclusion.model_copy(update={"number": number, "previous": previous})
        record = self.outgoing(conclusion, topic) if topic else None
        if isinstance(conclusion, Chained) and record:
            value = record.value or b""
            entry = Entry(conclusion, value, sha256(value).hexdigest())
            heads[conclusion.kind] = Head(conclusion, entry.hash)
        return Ready(slot, conclusion, topic, record, entry)

    def outgoing(self, conclusion: Conclusion, topic: str) -> Outgoing:
        """To the partition of whom it is about, or addressed to: that may be another task's."""
        record = Outgoing(partition_of(conclusion.entity()), *encode(conclusion, self.service))
        most = INTERNAL[topic].max_message_bytes
        if record.size() + ROOM > most:  # whether it can be sent does not hang on its being traced
            raise Refused(f"{conclusion.kind} would have {record.size()} bytes, the topic takes {most}")
        return record

    def parameters(self, draft: Draft) -> P:
        """Made once per change of what concerns everyone, per task."""
        everyone = draft.entities.get(EVERYONE) or cached(draft.task, EVERYONE)
        known = self.prepared.get(draft.task.id)
        if known is None or known[0] is not everyone:
            known = self.prepared[draft.task.id] = everyone, self.domain.parameters(everyone.facts)
        return known[1]

    # Re-evaluation

    async def reconsider(self, draft: Draft, refusals: int = 0) -> None:
        """Refused, it is one entity: all of it once more, without the entity, without EVERYONE, without both."""
        names = await self.store.after(draft.task.id, draft.cursor or EVERYONE, 1 if refusals else self.chunk)
        await self.load([(draft.task, name) for name in names] or [(draft.task, EVERYONE)])
        begins = draft.cursor == EVERYONE and cached(draft.task, EVERYONE).facts
        spared = ((), (), names or [EVERYONE], [EVERYONE], [EVERYONE, *names])[refusals]
        for name in [EVERYONE, *names] if begins else names:
            await asyncio.sleep(0)  # as in a batch
            try:
                if name in spared:
                    raise Refused("the database refused what follows from it")
                self.conclude(draft, name)
            except Exception as error:  # noqa: BLE001 - the others must not wait for this one
                draft.flaws.append(Flaw(name, CONTROL, int(draft.task.id), REEVALUATED, reason_of(error)))
            else:
                draft.mended.append((name, CONTROL, int(draft.task.id), REEVALUATED))
        draft.cursor = names[-1] if names else None
        if not names and not spared:
            await self.anchor(draft)

    async def anchor(self, draft: Draft) -> None:
        """The heads of the journals, once for each day that was closed, when all that follows from that is written."""
        everyone = cached(draft.task, EVERYONE)
        day, anchored = closed_day(everyone.facts), anchored_day(everyone.conclusions)
        if day and (anchored is None or anchored < day):
            heads = await self.store.heads(draft.task.id)
            self.put(draft, EVERYONE, anchors_of(heads, draft.task.id, day, self.now()))

    # Dead letters

    def bury(self, draft: Draft, record: Record, error: Exception) -> None:
        entity, why = entity_named(record), reason_of(error)
        letter = dead_letter(record, int(draft.task.id), why, type(error).__name__, self.now())
        draft.out.setdefault(self.letters, []).append(letter)
        draft.letters[kind_of(error)] += 1
        draft.letter = record
        draft.buried.add((record.topic, record.offset))
        draft.flaws.append(Flaw(entity, record.topic, record.partition, first_offset(record), why))

    def now(self) -> datetime:
        return self.clock()


class Ready(NamedTuple):
    """One conclusion on its way into a draft; a record where it is published, an entry where it is chained."""

    slot: Slot
    conclusion: Conclusion
    topic: str | None
    record: Outgoing | None
    entry: Entry | None


def slot_of(conclusion: Conclusion, name: str) -> Slot:
    """Within the entity of which it was concluded; whom it is addressed to is part of the key where that is another."""
    to = conclusion.entity()
    return conclusion.kind, conclusion.key() if to == name else " ".join(filter(None, (to, conclusion.key())))


def of_number(_topic: str, partition: int) -> TaskId:
    """A task of a keyed service is one partition number of all its topics."""
    return str(partition)


def cached(task: Task, name: str) -> Entity:
    return task.cache.use(name)


def entity_of(draft: Draft, name: str) -> Entity:
    """The draft's own copy, made once."""
    return draft.entities.get(name) or draft.entities.setdefault(name, cached(draft.task, name).copy())


def fold(entity: Entity, fact: Fact) -> bool:
    """Whether the fact is news: of a slot the highest version stands."""
    known = entity.facts.get(fact.slot)
    if known and known.version >= fact.version:
        return False
    entity.facts[fact.slot] = fact
    return True


def kind_of(error: Exception) -> str:
    """Of few: against the contract, refused by the database, or a step raised on it."""
    return "invalid" if isinstance(error, Invalid) else "refused" if isinstance(error, Refused) else "raised"


def reason_of(error: Exception) -> str:
    text = f"{error.field} {error.rule}" if isinstance(error, Invalid) else f"{type(error).__name__}: {error}"
    return "".join(c if c.isprintable() else " " for c in text)[:500]
