"""One process: the real core, relay and handler; every wait for the outside goes through its gate."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from services.quota.domain import QuotaDomain
from shared.agreement.everyone import Everyone
from shared.events.inbound import VacancyReported
from shared.events.internal import Conclusion
from shared.events.topics import INTERNAL
from shared.runtime.contract import Draft, Entity, Record, Refused, Row, RowId, Task, TaskId
from shared.runtime.core import Core
from shared.runtime.keyed import KeyedHandler, of_number
from shared.runtime.relay import Relay
from tests.simulation import guards
from tests.simulation.facts import RAISES, REFUSED, TOPICS
from tests.simulation.world import SERVICE, World


class Stumbling(QuotaDomain):
    """quota, but that it raises on a certain vacancy."""

    def conclude(self, afdeling: str, known: Entity, parameters: Everyone) -> Iterable[Conclusion]:
        if any(isinstance(f.body, VacancyReported) and f.body.vacancy_id == RAISES for f in known.facts.values()):
            raise ArithmeticError(f"cannot count {RAISES}")
        return super().conclude(afdeling, known, parameters)


class Replica:
    """Dies without a word, freezes for as long as it likes; the core's `Consumer`."""

    def __init__(self, world: World) -> None:
        self.world, self.alive, self.frozen = world, True, False
        self.lots = random.Random(world.lots.random())
        self.thaw = asyncio.Event()
        self.mine: set[TaskId] = set()
        self.positions: dict[tuple[str, TaskId], int] = {}
        self.paused: set[TaskId] = set()
        self.generation = 0
        store = GatedStore(self)
        self.relay = Relay(store, GatedPublisher(self), at_once=3, most=6, lots=self.lots)
        handler = KeyedHandler(Stumbling(), SERVICE, store, clock=world.clock, chunk=2)
        self.core = Core(store, self, self.relay, handler, task_of=of_number, lots=self.lots, cache=5_000)
        guards.take_out(self, world.without)
        self.jobs = [asyncio.create_task(job) for job in (self.poll(), self.core.tend(), self.relay.run())]

    async def gate(self, fail: float = 0.0, longest: float = 0.05) -> None:
        """A wait; the dead never come back from it, the frozen when they thaw; now and then the line is cut."""
        await asyncio.sleep(self.lots.choice((0, self.lots.uniform(0, longest))))
        while self.frozen:
            await self.thaw.wait()
        if not self.alive:
            await asyncio.Event().wait()
        if not self.world.calm and self.lots.random() < fail:
            self.world.seen["cut"] += 1
            raise ConnectionError("cut")

    def freeze(self) -> None:
        self.frozen = True
        self.world.seen["freeze"] += 1

    def melt(self) -> None:
        self.frozen = False
        self.thaw.set()
        self.thaw = asyncio.Event()

    # The group

    def told(self, mine: set[TaskId], delay: float) -> None:
        self.generation += 1
        self.jobs.append(asyncio.create_task(self.listen(mine, delay, self.generation)))

    async def listen(self, mine: set[TaskId], delay: float, generation: int) -> None:
        await asyncio.sleep(delay)
        await self.gate()
        if generation != self.generation:
            return
        self.core.revoked()
        await self.gate()
        if generation != self.generation:
            return
        self.mine = mine
        for task in sorted(mine):  # a new assignment begins at the committed offset: anywhere behind, or ahead
            self.paused.discard(task)
            for topic in TOPICS:
                hint = self.world.offset(task, topic) + self.lots.choice((0, 0, -3, -1, 2))
                self.positions[topic, task] = max(0, hint)
        await self.gate(0, 0.2)  # records may slip through before the listener hears of it
        if generation == self.generation:
            self.core.assigned(mine)

    def pause(self, task: TaskId) -> None:
        self.paused.add(task)

    def play(self, task: TaskId, offsets: Mapping[str, int]) -> None:
        self.paused.discard(task)
        for topic in TOPICS:
            self.positions[topic, task] = offsets.get(topic, 0)

    async def ends(self, tasks: Iterable[TaskId]) -> dict[TaskId, dict[str, int]]:
        await self.gate(0.05)
        return {task: {topic: len(self.world.log[topic, int(task)]) for topic in TOPICS} for task in tasks}

    async def hints(self, tasks: Iterable[TaskId]) -> dict[TaskId, dict[str, int]]:
        await self.gate(0.05)
        return {task: {topic: self.world.offset(task, topic) for topic in TOPICS} for task in tasks}

    async def poll(self) -> None:
        while True:
            await asyncio.sleep(0.06)
            await self.gate()
            batch: list[Record] = []
            for task in sorted(self.mine - self.paused):
                for topic in self.lots.sample(TOPICS, len(TOPICS)):
                    at = self.positions.get((topic, task), 0)
                    found = self.world.log[topic, int(task)][at : at + self.lots.randint(0, 6)]
                    batch += [Record(topic, int(task), at + n, s.key, s.value, s.headers) for n, s in enumerate(found)]
                    self.positions[topic, task] = at + len(found)
            if batch:
                await self.gate(0, 0.6)  # fetched, not yet handled: the group may speak now
                self.world.seen["portions"] += self.core.room.portion() < len(batch)
                await self.core.handle(batch)


class GatedStore:
    """The world's database as this process reaches it."""

    def __init__(self, replica: Replica) -> None:
        self.replica, self.world, self.store = replica, replica.world, replica.world.store

    async def through(self, call: Callable[[], Any], fail: float = 0.05) -> Any:
        """Before it, or after it with the answer lost, the line may be cut or the process may die."""
        await self.replica.gate(fail)
        answer = await call()
        await self.replica.gate(fail)
        return answer

    async def claim(self, ids: Iterable[TaskId]) -> Mapping[TaskId, Task]:
        return await self.through(lambda: self.store.claim(sorted(ids)))

    async def load(self, keys: Sequence[tuple[TaskId, str]]) -> Mapping[tuple[TaskId, str], Entity]:
        return await self.through(lambda: self.store.load(keys), 0.02)

    async def heads(self, task: TaskId) -> Sequence[tuple[str, str, int, str]]:
        return await self.through(lambda: self.store.heads(task), 0.02)

    async def after(self, task: TaskId, entity: str, limit: int) -> Sequence[str]:
        return await self.through(lambda: self.store.after(task, entity, limit), 0.02)

    async def commit(self, drafts: Sequence[Draft]) -> set[TaskId]:
        await self.replica.gate(0.03)
        bodies = (f.body for d in drafts for f in d.facts.values())
        if any(isinstance(b, VacancyReported) and b.vacancy_id == REFUSED for b in bodies):
            raise Refused("check constraint")
        won = await self.written(drafts)
        if len(won) < len(drafts):
            self.world.seen["fenced"] += 1
        await self.replica.gate(0.03)  # committed, and the answer may be lost
        return won

    async def written(self, drafts: Sequence[Draft]) -> set[TaskId]:
        for draft in drafts:
            known = self.store.tasks[draft.task.id]
            back = any(draft.offsets.get(topic, 0) < at for topic, at in known.offsets.items())
            if back and known.version == draft.task.version:
                self.world.broken.append(f"offsets of task {draft.task.id} went back")
        return await self.store.commit(drafts)

    async def pending(self, ids: Iterable[TaskId]) -> Sequence[Row]:
        rows: Sequence[Row] = await self.through(lambda: self.store.pending(ids))
        self.world.seen["left over"] += len(rows)
        return rows

    async def stop(self, task: TaskId, why: str) -> None:
        await self.through(lambda: self.store.stop(task, why))

    async def stops(self, ids: Iterable[TaskId]) -> Mapping[TaskId, str]:
        return await self.through(lambda: self.store.stops(ids), 0.02)

    async def delete(self, ids: Sequence[RowId]) -> None:
        await self.through(lambda: self.store.delete(ids))


class GatedPublisher:
    """An idempotent producer: what is rejected once spoils its place until the producer is renewed."""

    def __init__(self, replica: Replica) -> None:
        self.replica, self.world, self.spoiled = replica, replica.world, set[tuple[str, str]]()

    async def send(self, rows: Sequence[Row]) -> tuple[list[RowId], Exception | None]:
        acknowledged: list[RowId] = []
        error: Exception | None = None
        for row in rows:
            await self.replica.gate(0, 0.3)
            place, lot = (row.id.topic, row.id.task), 1.0 if self.world.calm else self.replica.lots.random()
            too_large = any(r.size() > INTERNAL[row.id.topic].max_message_bytes for r in row.records)
            if place in self.spoiled or lot < 0.05 or too_large:
                self.spoiled.add(place)
                error = RuntimeError("rejected")
                self.world.seen["rejected"] += 1
                continue
            self.world.receive(row.id.topic, row.records)
            if lot < 0.10:
                error = TimeoutError("the acknowledgement was lost")
                self.world.seen["unacknowledged"] += 1
            else:
                acknowledged.append(row.id)
        await self.replica.gate()
        return acknowledged, error

    async def renew(self) -> None:
        await self.replica.gate(0.2, 0.5)
        self.spoiled.clear()
