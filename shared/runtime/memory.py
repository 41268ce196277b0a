"""The store and the broker in memory, of the same contracts: for the offline evaluation and the simulation."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

from shared.runtime.contract import (
    EVERYONE,
    Draft,
    Entity,
    Entry,
    Flaw,
    Head,
    Outgoing,
    Record,
    Refused,
    Row,
    RowId,
    Task,
    TaskId,
    Written,
)
from shared.runtime.core import Core
from shared.runtime.packing import pack, unpack

Place = tuple[str, int]


class MemoryOutbox:
    """The half of the store that ingest shares. Every method is atomic, since none waits for anything."""

    def __init__(self) -> None:
        self.tasks: dict[TaskId, Task] = {}
        self.outbox: dict[RowId, Row] = {}
        self.stopped: dict[TaskId, str] = {}

    async def claim(self, ids: Iterable[TaskId]) -> dict[TaskId, Task]:
        claimed = {}
        for task_id in ids:
            task = self.tasks.setdefault(task_id, Task(task_id, 0, {}))
            task.version += 1
            claimed[task_id] = Task(task_id, task.version, dict(task.offsets), task.cursor)
        return claimed

    def packed(self, drafts: Iterable[Draft]) -> dict[TaskId, list[Row]]:
        """The rows as the database gives them back. Raises where one cannot be packed, before anything is written."""
        return {d.task.id: [Row(row.id, unpack(pack(row.records))) for row in d.rows()] for d in drafts}

    def advance(self, draft: Draft, rows: Iterable[Row]) -> None:
        """What every commit writes of a task: version, offsets, cursor and outbox."""
        task = self.tasks[draft.task.id]
        task.version, task.offsets, task.cursor = draft.task.version + 1, dict(draft.offsets), draft.cursor
        self.outbox |= {row.id: row for row in rows}

    async def pending(self, ids: Iterable[TaskId]) -> list[Row]:
        wanted = set(ids)
        return sorted((r for r in self.outbox.values() if r.id.task in wanted), key=lambda r: r.id)

    async def delete(self, ids: Sequence[RowId]) -> None:
        for row_id in ids:
            self.outbox.pop(row_id, None)

    async def stop(self, task: TaskId, why: str) -> None:
        self.stopped.setdefault(task, why)

    async def stops(self, ids: Iterable[TaskId]) -> dict[TaskId, str]:
        return {task: self.stopped[task] for task in ids if task in self.stopped}


class MemoryStore(MemoryOutbox):
    """`Store` of a keyed service."""

    def __init__(self) -> None:
        super().__init__()
        self.entities: dict[tuple[TaskId, str], Entity] = {}
        self.journals: dict[tuple[TaskId, str, str], list[Entry]] = {}
        self.flaws: dict[tuple[str, str, int, int], Flaw] = {}

    async def load(self, keys: Sequence[tuple[TaskId, str]]) -> dict[tuple[TaskId, str], Entity]:
        return {key: self.entities[key].copy() for key in keys if key in self.entities}

    async def after(self, task: TaskId, entity: str, limit: int) -> list[str]:
        names = (n for t, n in self.entities if t == task and n > entity and n != EVERYONE)
        return sorted(names)[:limit]

    async def commit(self, drafts: Sequence[Draft]) -> set[TaskId]:
        won = {d.task.id for d in drafts if self.tasks[d.task.id].version == d.task.version}
        for draft in drafts:
            self.check(draft)
        rows = self.packed(drafts)
        for draft in drafts:
            if draft.task.id in won:
                self.write(draft, rows[draft.task.id])
        return won

    def check(self, draft: Draft) -> None:
        """What the database's constraints hold: of a thing the steps are 1, 2, 3 …; so are a journal's numbers."""
        seen: dict[tuple[str, ...], int] = {}
        for name, (body, *_) in draft.entries:
            journal = self.journals.get((draft.task.id, name, body.kind), [])
            steps = max((e.body.step() for e in journal if e.body.thing() == body.thing()), default=0)
            for slot, known, new in (
                ((name, body.kind), len(journal), body.number),
                ((name, body.kind, body.thing()), steps, body.step()),
            ):
                if new != seen.get(slot, known) + 1:
                    raise Refused(f"{body.kind} of {name}: {new} is not the next after {seen.get(slot, known)}")
                seen[slot] = new

    def write(self, draft: Draft, rows: Iterable[Row]) -> None:
        self.advance(draft, rows)
        for mended in draft.mended:
            self.flaws.pop(mended, None)
        for flaw in draft.flaws:
            self.flaws.setdefault(flaw[:4], flaw)
        for (name, slot), fact in draft.facts.items():
            self.entities.setdefault((draft.task.id, name), Entity()).facts[slot] = fact
        for (name, slot), conclusion in draft.conclusions.items():
            self.entities.setdefault((draft.task.id, name), Entity()).conclusions[slot] = conclusion
        for name, entry in draft.entries:
            kind = entry.body.kind
            self.journals.setdefault((draft.task.id, name, kind), []).append(entry)
            self.entities.setdefault((draft.task.id, name), Entity()).heads[kind] = Head(entry.body, entry.hash)

    async def heads(self, task: TaskId) -> list[tuple[str, str, int, str]]:
        return [
            (name, kind, journal[-1].body.number, journal[-1].hash)
            for (home, name, kind), journal in sorted(self.journals.items())
            if home == task
        ]

    async def journal(self, kind: str, after: str, limit: int) -> list[Written]:
        names = sorted({n for _, n, k in self.journals if k == kind and n > after})[:limit]
        return [
            Written(name, e.body.number, e.hash, e.bytes.decode())
            for name in names
            for (_, n, k), journal in self.journals.items()
            if (n, k) == (name, kind)
            for e in journal
        ]

    async def everything(self) -> AsyncIterator[tuple[TaskId, str, Entity]]:
        for task, name in sorted(self.entities.keys() | {(task, EVERYONE) for task in self.tasks}):
            yield task, name, self.entities.get((task, name)) or Entity()


class MemoryBroker:
    """The logs of all topics. One process reads what it subscribes to, from where its consumer stands."""

    def __init__(self) -> None:
        self.logs: dict[Place, list[Outgoing]] = defaultdict(list)

    def append(self, topic: str, records: Iterable[Outgoing]) -> None:
        for record in records:
            self.logs[topic, record.partition].append(record)

    def read(self, place: Place, at: int, most: int) -> list[Record]:
        return [
            Record(*place, at + i, r.key, r.value, r.headers) for i, r in enumerate(self.logs[place][at : at + most])
        ]


class MemoryPublisher:
    """`Publisher` into the broker's logs; nothing is ever rejected."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.broker = broker

    async def send(self, rows: Sequence[Row]) -> tuple[list[RowId], Exception | None]:
        for row in rows:
            self.broker.append(row.id.topic, row.records)
        return [r.id for r in rows], None

    async def renew(self) -> None:
        return


class MemoryConsumer:
    """`Consumer` of all partitions that `reads` names; `task_of` groups them into tasks."""

    def __init__(
        self, broker: MemoryBroker, reads: Callable[[str], bool], task_of: Callable[[str, int], TaskId]
    ) -> None:
        self.broker, self.reads, self.task_of = broker, reads, task_of
        self.positions: dict[Place, int] = {}
        self.playing: dict[TaskId, Mapping[str, int]] = {}

    def pause(self, task: TaskId) -> None:
        self.playing.pop(task, None)

    def play(self, task: TaskId, offsets: Mapping[str, int]) -> None:
        self.playing[task] = offsets
        self.positions |= {p: offsets.get(p[0], 0) for p in self.places() if self.task_of(*p) == task}

    async def ends(self, tasks: Iterable[TaskId]) -> dict[TaskId, dict[str, int]]:
        found: dict[TaskId, dict[str, int]] = {task: {} for task in tasks}
        for place in self.places():
            if (task := self.task_of(*place)) in found:
                found[task][place[0]] = len(self.broker.logs[place])
        return found

    async def hints(self, tasks: Iterable[TaskId]) -> dict[TaskId, dict[str, int]]:
        """Nobody tells any."""
        return {}

    def places(self) -> list[Place]:
        return [place for place in self.broker.logs if self.reads(place[0])]

    def tasks(self) -> set[TaskId]:
        return {self.task_of(*place) for place in self.places()}

    def poll(self, most: int) -> list[Record]:
        """The next records of what is playing, at most so many of each partition."""
        batch = []
        for place in self.places():
            if (task := self.task_of(*place)) in self.playing:
                at = self.positions.get(place, self.playing[task].get(place[0], 0))
                records = self.broker.read(place, at, most)
                self.positions[place] = at + len(records)
                batch += records
        return batch


async def run_until_quiet(cores: Sequence[tuple[Core, MemoryConsumer]], batch: int = 500) -> None:
    """Drive the cores, without faults, until every log is consumed, the outboxes are empty and no cursor is open.

    Raises `RuntimeError` when a task is halted or dropped: offline nothing may fail.
    """
    relays = [asyncio.create_task(core.relay.run()) for core, _ in cores]
    try:
        busy = True
        while busy:
            busy = False
            for core, consumer in cores:
                busy |= await turn(core, consumer, batch)
    finally:
        for relay in relays:
            relay.cancel()
        await asyncio.gather(*relays, return_exceptions=True)


async def turn(core: Core, consumer: MemoryConsumer, batch: int) -> bool:
    """One batch of one core, with all that follows from it; whether there was anything to do."""
    if new := consumer.tasks() - core.wanted:
        core.assigned(core.wanted | new)
        await core.claim()
    records = consumer.poll(batch)
    if records:
        await core.handle(records)
    elif core.open():  # what comes may change what is reconsidered, so records go first
        await core.reconsider()
    else:
        return False
    await core.relay.idle.wait()  # what follows is in the logs before anybody finds them at their ends
    if not core.ready:
        raise RuntimeError(
            f"a task failed: {core.halted or core.stopped or core.relay.stuck or core.wanted - core.tasks.keys()}"
        )
    return True
