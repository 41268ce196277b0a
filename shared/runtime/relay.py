"""Outbox rows to their topics: at least once, a task's rows in the order of its versions.

What was just committed comes by `offer`; what a predecessor left is read from the table after every claim. After an
error the producer is renewed and the table read again, since whether the rows were taken is unknown.
"""

import asyncio
import random
from collections.abc import Iterable

from shared.loglines import RELAY_RESTARTS, TASK_STOPPED
from shared.runtime.backoff import Backoff
from shared.runtime.contract import Publisher, Row, RowId, Store, TaskId
from shared.runtime.observer import Nobody, Observer

AT_ONCE, MOST, REJECTED_MOST, LIMIT = 64, 256, 10, 30.0


class Relay:
    """`at_once`: rows in one send; `most`: rows known before the handler must wait; `limit`: seconds for one wait."""

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        *,
        at_once: int = AT_ONCE,
        most: int = MOST,
        rejected_most: int = REJECTED_MOST,
        limit: float = LIMIT,
        lots: random.Random | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.store, self.publisher, self.observer = store, publisher, observer or Nobody()
        self.at_once, self.most, self.rejected_most, self.limit = at_once, most, rejected_most, limit
        self.backoff = Backoff(lots or random.Random())  # noqa: S311 - jitter, not a secret
        self.rows: dict[RowId, Row] = {}
        self.tasks: set[TaskId] = set()
        self.unread: set[TaskId] = set()  # tasks whose table has rows that we may not know
        self.rejected: dict[RowId, int] = {}
        self.stuck: dict[TaskId, str] = {}  # tasks of which a row was rejected too often, with the reason
        self.spoiled = True  # a producer is needed: none yet, or a rejected batch has spoiled its sequence
        self.wake = asyncio.Event()
        self.idle = asyncio.Event()
        self.roomy = asyncio.Event()

    def offer(self, rows: Iterable[Row]) -> None:
        """What was just committed."""
        self.rows.update({row.id: row for row in rows if row.id.task not in self.stuck})
        self.rouse()

    def take_over(self, task: TaskId) -> None:
        """After the claim: read what the one before us left."""
        self.tasks.add(task)
        self.unread.add(task)
        self.rouse()

    def keep(self, tasks: set[TaskId]) -> None:
        """The rows of all other tasks are their new owners' business."""
        self.tasks &= tasks
        self.unread &= tasks
        self.rejected = {row_id: n for row_id, n in self.rejected.items() if row_id.task in tasks}
        self.stuck = {t: why for t, why in self.stuck.items() if t in tasks}

    def rouse(self) -> None:
        self.idle.clear()
        self.wake.set()
        self.measure()

    def measure(self) -> None:
        """Tell those who wait whether there is room."""
        if self.full:
            self.roomy.clear()
        else:
            self.roomy.set()

    @property
    def full(self) -> bool:
        return self.spoiled or len(self.rows) >= self.most

    async def room(self, seconds: float) -> bool:
        """Wait for room, so long at the most; whether there is any."""
        try:
            async with asyncio.timeout(seconds):
                await self.roomy.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Until cancelled. Nothing but cancellation comes out."""
        self.rouse()
        while True:
            await self.wake.wait()
            self.wake.clear()
            try:
                if self.spoiled:
                    async with asyncio.timeout(self.limit):
                        await self.publisher.renew()
                    self.spoiled = False
                    self.measure()
                while self.unread or self.rows:
                    await self.round()
                    self.measure()
                self.backoff.reset()
                self.idle.set()
            except Exception as error:  # noqa: BLE001 - one path for every fault: forget, renew, read the table again
                RELAY_RESTARTS(error=error)
                self.observer.restarted()
                self.rows.clear()
                self.unread |= self.tasks - self.stuck.keys()
                self.spoiled = True
                self.measure()
                await asyncio.sleep(self.backoff.next())
                self.wake.set()

    async def round(self) -> None:
        """One read of what is unread, one send, one delete of what was acknowledged."""
        if self.unread:
            tasks, self.unread = self.unread, set()  # a task that is claimed while we read is read again
            async with asyncio.timeout(self.limit):
                left = await self.store.pending(tasks)
            known = {r.id: r for r in (*left, *self.rows.values()) if r.id.task not in self.stuck}
            self.rows = {i: known[i] for i in sorted(known)}
        rows = list(self.rows.values())[: 1 if self.rejected else self.at_once]  # one by one finds the one at fault
        if not rows:
            return
        async with asyncio.timeout(self.limit):
            sent, error = await self.publisher.send(rows)
        if sent:
            async with asyncio.timeout(self.limit):
                await self.store.delete(sent)
            records = {r.id: len(r.records) for r in rows}
            for row_id in sent:
                self.observer.published(row_id.topic, records[row_id])
                self.rows.pop(row_id, None)
                self.rejected.pop(row_id, None)
        if error:
            self.count({r.id for r in rows} - set(sent), error)
            raise error

    def count(self, ids: set[RowId], error: Exception) -> None:
        """A row that is rejected again and again stops its own task, and nobody else's."""
        if isinstance(error, ConnectionError | TimeoutError | OSError):
            return
        for row_id in ids:
            self.rejected[row_id] = self.rejected.get(row_id, 0) + 1
            if self.rejected[row_id] >= self.rejected_most:
                why = f"{row_id.topic} version {row_id.version} rejected: {type(error).__name__}"
                self.stuck[row_id.task] = why
                self.rejected = {i: n for i, n in self.rejected.items() if i.task != row_id.task}
                TASK_STOPPED(task=row_id.task, topic=row_id.topic, error=error)
                break
