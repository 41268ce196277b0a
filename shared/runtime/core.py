"""The heart of every service: record → draft → one statement → relay. An effect happens once.

One lock; one path for every fault (drop the task, wait, claim it anew); a draft is adopted after its commit or thrown
away. The version of the task is the fence: whoever claimed it last is the only one who can write.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from shared.loglines import BATCH, DEAD_LETTERS, GAP_BELIEVED, KEEPER_RESTARTS, RELAY_LEFT, TASK_DROPPED, TASK_HALTED
from shared.runtime.backoff import Backoff
from shared.runtime.contract import (
    EVERYONE,
    Consumer,
    Draft,
    Handler,
    Outgoing,
    Record,
    Refused,
    Store,
    Task,
    TaskId,
)
from shared.runtime.deadletters import letter_of
from shared.runtime.footing import EMPTIED, emptied, set_back
from shared.runtime.observer import Nobody, Observer
from shared.runtime.overflow import Overflow, Source, party_of
from shared.runtime.relay import Relay
from shared.runtime.room import Room
from shared.runtime.tracing import Tracer, Untraced

CACHE, LIMIT, BEAT, ROOM, PATIENCE, TRIES = 32_000_000, 30.0, 1.0, 0.05, 2.0, 5
T = TypeVar("T")


class Core:
    """`task_of` names the task of a record's partition; `believes_gaps`: offsets of the topic may rightly have holes.

    `cache`: bytes, as JSON, of the entities in memory; `limit`: seconds for one call of the store; `overflow`: when a
    task is stopped for its dead letters instead of being drained.
    """

    def __init__(
        self,
        store: Store,
        consumer: Consumer,
        relay: Relay,
        handler: Handler,
        *,
        task_of: Callable[[str, int], TaskId],
        believes_gaps: Callable[[str], bool] = lambda _topic: False,
        observer: Observer | None = None,
        tracer: Tracer | None = None,
        lots: random.Random | None = None,
        cache: int = CACHE,
        limit: float = LIMIT,
        overflow: Overflow | None = None,
    ) -> None:
        self.store, self.consumer, self.relay, self.handler = store, consumer, relay, handler
        self.task_of, self.believes_gaps = task_of, believes_gaps
        self.observer, self.tracer = observer or Nobody(), tracer or Untraced()
        self.room, self.limit, self.overflow = Room(cache), limit, overflow or Overflow()
        self.backoff = Backoff(lots or random.Random())  # noqa: S311 - jitter, not a secret
        self.wanted: set[TaskId] = set()  # what the group says is ours
        self.tasks: dict[TaskId, Task] = {}  # what we have claimed of it
        self.known: dict[TaskId, Task] = {}  # what we had before: its cache may still be good
        self.torn: str | None = None  # why nothing that the group gives can be claimed
        self.halted: dict[TaskId, str] = {}  # not claimed again until the group says so anew
        self.stopped: dict[TaskId, str] = {}  # for their dead letters, until an operator lets them go on
        self.gaps: dict[tuple[str, int], tuple[int, int]] = {}  # where we sought back once, and in which version
        self.turn = 0
        self.waiting = False  # to try again: one wait for all that failed meanwhile
        self.leaving = False  # nothing is taken any more, though the group may still give
        self.lock, self.wake = asyncio.Lock(), asyncio.Event()

    # What the group tells us. Synchronous: a listener neither waits nor fails.

    def revoked(self) -> None:
        self.known |= self.tasks
        self.tasks, self.wanted = {}, set()

    def assigned(self, ids: Iterable[TaskId], torn: str | None = None) -> None:
        self.revoked()
        self.torn = torn
        given = set(ids)
        for task in given:
            self.consumer.pause(task)
        self.wanted = set() if self.leaving else given
        self.halted.clear()
        self.stopped.clear()
        self.overflow.counts.clear()
        self.relay.keep(self.wanted)
        self.observer.assigned()
        self.wake.set()

    @property
    def missing(self) -> set[TaskId]:
        """What is ours, not claimed, and nobody must look at."""
        return self.wanted - self.tasks.keys() - self.halted.keys() - self.stopped.keys()

    @property
    def ready(self) -> bool:
        """Everything that is ours is claimed, and nothing is halted, stopped or stuck."""
        return self.tasks.keys() >= self.wanted and not self.halted and not self.relay.stuck

    def drop(self, task_id: TaskId, why: str, **told: object) -> None:
        """Give the task up; the keeper claims it anew after a wait. `told` is logged."""
        if task := self.tasks.pop(task_id, None):
            self.known[task_id] = task
            self.consumer.pause(task_id)
            self.observer.dropped(why)
            TASK_DROPPED(task=task_id, why=why, **told)
            self.try_again()

    def fenced(self, task_id: TaskId) -> None:
        """Another process has it, and nothing was written; told also where the group has taken it back meanwhile."""
        if task_id in self.tasks:
            self.drop(task_id, "fenced")
        else:
            self.observer.dropped("fenced")
            TASK_DROPPED(task=task_id, why="fenced")

    def try_again(self) -> None:
        """After a wait; many tasks that are dropped at once are one fault, so it is one wait."""
        if not self.waiting:
            self.waiting = True
            asyncio.get_running_loop().call_later(self.backoff.next(), self.waited)

    def waited(self) -> None:
        self.waiting = False
        self.wake.set()

    def halt(self, task_id: TaskId, kind: str, why: str) -> None:
        """The ground under the task has moved: it is not claimed again by itself. `kind` is one word, to be logged."""
        self.halted[task_id] = why
        TASK_HALTED(task=task_id, why=kind)

    # Records

    async def handle(self, records: Sequence[Record]) -> None:
        """A batch as it was fetched. Raises nothing: what fails is dropped and comes again."""
        roomy = await self.relay.room(PATIENCE)  # fetching waits meanwhile, and nothing else does
        async with self.lock:
            await self.in_portions(records, roomy=roomy)

    async def in_portions(self, records: Sequence[Record], *, roomy: bool) -> None:
        """So many at a time that there is room for what they touch, by what was learnt of those before.

        The lock is held over all of them: between two, a task that was dropped must not be claimed anew, and what is
        left of an old batch then pass for what was fetched after the claim.
        """
        while records and not self.leaving:
            if not roomy:
                self.drop_all(records, "full")
                break
            now = self.room.portion()
            await self.attempt(records[:now])
            records = records[now:]
            self.observer.turned()  # since the keeper waits for the lock meanwhile
            if records and not self.leaving:
                roomy = await self.relay.room(PATIENCE)

    async def attempt(self, records: Sequence[Record], *, alone: bool = False) -> None:
        try:
            await self.apply(records, alone=alone)
        except Refused as error:
            if alone:
                self.drop(self.task_of(records[0].topic, records[0].partition), "refused", error=error)
            elif len(records) == 1:
                await self.attempt(records, alone=True)
            else:
                middle = len(records) // 2
                await self.attempt(records[:middle])
                await self.attempt(records[middle:])
        except Exception as error:  # noqa: BLE001 - whether it was committed is unknown, so claim anew
            self.drop_all(records, "fault", error=error)

    def drop_all(self, records: Sequence[Record], why: str, **told: object) -> None:
        for task in {self.task_of(r.topic, r.partition) for r in records}:
            self.drop(task, why, **told)

    async def apply(self, records: Sequence[Record], *, alone: bool) -> None:
        """`alone`: the store refused this record by itself, so it becomes a dead letter unread."""
        began = asyncio.get_running_loop().time()
        drafts: dict[TaskId, Draft] = {}
        fresh: list[tuple[Draft, Record]] = []
        for record in records:
            if task := self.tasks.get(self.task_of(record.topic, record.partition)):
                draft = drafts.get(task.id) or drafts.setdefault(task.id, Draft.of(task))
                if self.is_next(draft, record):
                    draft.offsets[record.topic] = record.offset + 1
                    fresh.append((draft, record))
        if not fresh:
            return
        self.tracer.began(drafts.values())
        if alone:
            self.handler.bury(*fresh[0], Refused("the database refused it"))
        else:
            await self.within(self.handler.prepare(fresh))
        won = await self.commit([d for d in drafts.values() if d.offsets != d.task.offsets and d.task.id in self.tasks])
        await self.mind_letters(fresh)
        took = asyncio.get_running_loop().time() - began
        if done := [r for d, r in fresh if d.task.id in won]:
            self.room.taken(sum(d.weight for d in drafts.values()), len(done))
            self.observer.handled(done, took)
            self.tracer.ended([d for d in drafts.values() if d.task.id in won], fresh, took)
        BATCH(records=len(done), tasks=len(won), seconds=round(took, 4))

    def is_next(self, draft: Draft, record: Record) -> bool:
        """Drops what was consumed before anything is computed of it; never advances over what is missing."""
        due, place = draft.offsets.get(record.topic, 0), (record.topic, record.partition)
        if record.offset > due:
            # After a record of the same fetch, which leaves nothing out; or else only of what was fetched after the
            # very seek that the gap led to: anything else may be an old batch.
            fetched = due > draft.task.offsets.get(record.topic, 0)
            sought = self.gaps.get(place) == (due, draft.task.version - 1)
            if self.believes_gaps(record.topic) and (fetched or sought):
                GAP_BELIEVED(task=draft.task.id, topic=record.topic, offset=record.offset, due=due)
                return True
            if draft.task.id in self.tasks:
                self.gaps[place] = due, draft.task.version
                self.drop(draft.task.id, "gap", topic=record.topic, offset=record.offset, due=due)
            return False
        return record.offset == due

    async def commit(self, drafts: Sequence[Draft]) -> set[TaskId]:
        """The tasks whose drafts are written now; the others are dropped."""
        if not drafts:
            return set()
        began = asyncio.get_running_loop().time()
        won = await self.within(self.store.commit(drafts))
        self.observer.committed([d for d in drafts if d.task.id in won], asyncio.get_running_loop().time() - began)
        for draft in drafts:
            task = draft.task
            if task.id not in won:
                self.fenced(task.id)
                continue
            self.relay.offer(draft.rows())
            self.adopt(draft)
            self.tell_letters(draft)
            if task.cursor is not None:
                self.wake.set()
        self.room.tidy(self.tasks.values())
        return won

    def adopt(self, draft: Draft) -> None:
        """The version last: with it a later claim takes the cache for whole."""
        task = draft.task
        for name, entity in draft.entities.items():
            draft.weight += task.cache.put(name, entity)
        task.offsets, task.cursor = draft.offsets, draft.cursor
        task.version += 1

    def tell_letters(self, draft: Draft) -> None:
        if draft.flaws:
            DEAD_LETTERS(task=draft.task.id, records=len(draft.flaws), **letter_of(draft))

    async def mind_letters(self, batch: Sequence[tuple[Draft, Record]]) -> None:
        """A source that brings nothing but broken records is stopped, not drained. After the commit of the batch."""
        outcomes: dict[Source, list[str | None]] = {}
        for draft, record in batch:
            if draft.task.id in self.tasks:
                dead = (record.topic, record.offset) in draft.buried
                outcomes.setdefault((draft.task.id, record.topic), []).append(party_of(record) if dead else None)
        for source, brought in outcomes.items():
            if why := self.overflow.note(source, brought):
                await self.stop_task(source[0], f"{source[1]} brought {why}")

    async def stop_task(self, task_id: TaskId, why: str) -> None:
        await self.within(self.store.stop(task_id, why))
        if task_id in self.wanted:  # the group may have spoken meanwhile
            self.stopped[task_id] = why
        self.overflow.forget(task_id)
        TASK_HALTED(task=task_id, why="flood")
        self.drop(task_id, "flood")

    async def within(self, call: Coroutine[Any, Any, T]) -> T:
        async with asyncio.timeout(self.limit):
            return await call

    # Beside the records: claim what is ours, go on with re-evaluations.

    async def tend(self) -> None:
        """The keeper, until cancelled. Nothing but cancellation comes out."""
        while True:
            try:
                async with asyncio.timeout(BEAT):
                    await self.wake.wait()
            except TimeoutError:
                self.observer.turned()
                if not self.stopped:
                    continue
            self.wake.clear()
            self.observer.turned()
            try:
                async with self.lock:
                    await self.claim()
                while self.open() and not self.relay.full:
                    async with self.lock:
                        await self.reconsider()
                    self.observer.turned()
                if self.open():  # there is room again in a moment
                    asyncio.get_running_loop().call_later(ROOM, self.wake.set)
                self.backoff.reset()
            except Exception as error:  # noqa: BLE001 - whether it was committed is unknown, so claim anew
                KEEPER_RESTARTS(error=error)
                for task in self.open():
                    self.drop(task.id, "fault", error=error)
                self.try_again()

    async def claim(self) -> None:
        if ours := self.wanted - self.tasks.keys() - self.halted.keys():
            stops = await self.within(self.store.stops(ours))
            flooded = {task for task, why in stops.items() if not why.startswith(EMPTIED)}
            if fresh := flooded - self.stopped.keys():
                await self.within(self.store.claim(fresh))  # not to go on with: so that their outboxes are complete
                for task_id in fresh & self.wanted:
                    self.relay.take_over(task_id)
            self.stopped = {task: why for task, why in stops.items() if task in self.wanted}
            self.halted |= {task: why for task, why in self.stopped.items() if task not in flooded}
        missing = self.missing
        if not missing:
            return
        hints = await self.within(self.consumer.hints(missing))  # before the claim, so none can be ahead of it
        claimed = await self.within(self.store.claim(missing))
        ends = await self.within(self.consumer.ends(missing))
        for task_id in sorted(missing):
            if task_id not in self.wanted:  # the group may have spoken meanwhile
                continue
            task, before = claimed[task_id], self.known.pop(task_id, None)
            if why := emptied(task, ends.get(task_id, {})):
                await self.within(self.store.stop(task_id, why))
                if task_id in self.wanted:
                    self.halt(task_id, "emptied", why)
                continue
            if why := set_back(task, hints.get(task_id, {})):
                self.halt(task_id, "setback", why)
                continue
            if before and before.version == task.version - 1:
                task.cache = before.cache
            self.tasks[task_id] = task
            self.relay.take_over(task_id)
            self.consumer.play(task_id, task.offsets)
        self.known.clear()

    async def reconsider(self) -> None:
        """One chunk of one task; records may come in between, they use the newest parameters anyway."""
        if not (tasks := self.open()):
            return
        self.turn += 1
        task = tasks[self.turn % len(tasks)]
        for refusals in range(TRIES):
            began, draft = asyncio.get_running_loop().time(), Draft.of(task)
            self.tracer.began([draft])
            await self.within(self.handler.reconsider(draft, refusals))
            try:
                won = await self.commit([draft])
            except Refused as error:
                refused = error
                continue
            if won:
                self.tracer.ended([draft], (), asyncio.get_running_loop().time() - began)
            return
        self.drop(task.id, "refused", error=refused)

    async def tell(self, task_id: TaskId, topic: str, record: Outgoing) -> None:
        """A record of a task's own making; nothing when the task is not ours, or no longer."""
        async with self.lock:
            if task := self.tasks.get(task_id):
                draft = Draft.of(task)
                draft.out[topic] = [record]
                await self.commit([draft])

    def open(self) -> list[Task]:
        """The tasks with a re-evaluation under way."""
        return [t for _, t in sorted(self.tasks.items()) if t.cursor is not None]

    def look_again(self, ids: Iterable[TaskId]) -> None:
        """Reconsider those of these tasks that are ours, from their beginning."""
        for task in self.tasks.keys() & ids:
            self.tasks[task].cursor = EVERYONE
            self.wake.set()

    async def stop(self, limit: float = 10.0) -> None:
        """Finish the batch in hand, give everything up, and let the relay send what was committed, within the limit."""
        self.leaving = True
        async with self.lock:
            self.revoked()
        try:
            async with asyncio.timeout(limit):
                await self.relay.idle.wait()
        except TimeoutError:
            RELAY_LEFT(rows=len(self.relay.rows))
