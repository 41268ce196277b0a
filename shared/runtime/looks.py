"""What a process finds out by looking, beside the records: lag, outbox, schema, and the agreement's signals.

So the web answers at once and from memory, whoever asks and however often. Signals are aggregates over all that the
process's tasks hold; however much that becomes, reading them takes no more than its share of the time.
"""

import asyncio
from collections.abc import Iterable, Sequence
from time import monotonic, time

import asyncpg

from shared.database.migrations import taken, unfit
from shared.loglines import OUTGROWN
from shared.metrics import family
from shared.runtime.contract import TaskId
from shared.runtime.core import Core
from shared.runtime.counting import Counting
from shared.runtime.kafka import Subscriber
from shared.runtime.lag import Behind
from shared.settings import Settings

SOON, ANSWER, LIMIT = 1.0, 3.0, 10.0
"""Seconds: until the next look after one that failed; for one of them; for the agreement's signals, which read more."""

# Which migrations the service's schema has.
APPLIED = "SELECT name FROM public.migration WHERE schema = $1"

# Rows of the outbox by task, and the first of each: what the relay has before it.
OUTBOX = "SELECT task, count(*) AS rows, min(version) AS first FROM outbox WHERE task = ANY($1) GROUP BY task"


class Looks:
    """`database`, `broker`: why the last look at it failed, None when it did not.

    `fit`: set once the database was found to be one that this version may work on; `outgrown`: once a newer version
    was found to have taken something away, after which it may not any more.
    """

    def __init__(
        self, settings: Settings, service: str, pool: asyncpg.Pool, subscriber: Subscriber, watch: Counting
    ) -> None:
        self.settings, self.service, self.pool, self.subscriber = settings, service, pool, subscriber
        self.metrics, self.lag, self.signals = watch.metrics, watch.lag, watch.signals
        self.database: str | None = "the database was not asked yet"
        self.broker: str | None = "the broker was not asked yet"
        self.fit, self.outgrown = asyncio.Event(), asyncio.Event()
        self.first: dict[TaskId, tuple[int, float]] = {}  # the first row of a task, and when it was first seen

    @property
    def core(self) -> Core:
        return self.subscriber.core

    async def run(self) -> None:
        """Until cancelled: lag, outbox and schema."""
        while True:
            await asyncio.gather(self.look_at_database(), self.look_at_broker())
            await asyncio.sleep(SOON if self.database or self.broker else self.settings.look_every)

    async def look_at_database(self) -> None:
        try:
            async with asyncio.timeout(ANSWER):
                applied = {r["name"] for r in await self.pool.fetch(APPLIED, self.service)}
                if (why := unfit(self.service, applied)) is None:
                    self.fit.set()
                    await self.look_at_outbox()
                elif beyond := taken(self.service, applied):
                    self.outgrow(beyond)
                self.database = why
        except asyncpg.UndefinedTableError:
            self.database = "the database has no tables: run `trappetrin migrate`"
        except Exception as error:  # noqa: BLE001 - a connection that broke may fail in any way, and the next look comes
            self.database = f"the database does not answer: {type(error).__name__}"
        self.metrics.database.set(self.database is None)

    def outgrow(self, beyond: Sequence[str]) -> None:
        if not self.outgrown.is_set():
            OUTGROWN(migration=beyond[0])
            self.outgrown.set()

    async def look_at_outbox(self) -> None:
        rows = {r["task"]: r for r in await self.pool.fetch(OUTBOX, sorted(self.core.relay.tasks))}
        now, before = monotonic(), self.first
        self.first = {}
        for task, row in rows.items():
            known = before.get(task)
            self.first[task] = known if known and known[0] == row["first"] else (row["first"], now)
        self.metrics.outbox_rows.set(sum(r["rows"] for r in rows.values()))
        self.metrics.outbox_oldest.set(max((now - since for _, since in self.first.values()), default=0))

    async def look_at_broker(self) -> None:
        wanted = sorted(self.core.wanted)
        before = {task.id: dict(task.offsets) for task in self.core.tasks.values()}
        try:
            async with asyncio.timeout(ANSWER):
                told = await self.subscriber.ends(wanted)
        except Exception as error:  # noqa: BLE001 - as of the database
            self.broker = f"the broker does not answer: {type(error).__name__}"
        else:
            self.broker = None
            ends = {(t, number(task)): end for task, by in told.items() for t, end in by.items()}
            held = {
                (t, number(task.id)): task.offsets.get(t, 0)
                for task in self.core.tasks.values()
                for t in told.get(task.id, ())
            }
            self.show(self.lag.look(time(), ends, held).items())
            for task, offsets in before.items():
                if any(end < offsets.get(topic, 0) for topic, end in told.get(task, {}).items()):
                    self.core.drop(task, "emptied")  # the claim will say why and halt it
        self.metrics.broker.set(self.broker is None)

    def show(self, behind: Iterable[tuple[tuple[str, int], Behind]]) -> None:
        """Per topic the records of all its partitions, and the seconds of the one that is worst."""
        topics: dict[str, Behind] = {}
        for (topic, _), one in behind:
            so_far = topics.get(family(topic), Behind(0, 0.0))
            topics[family(topic)] = Behind(so_far.records + one.records, max(so_far.seconds, one.seconds))
        self.metrics.lag_records.clear()
        self.metrics.lag_seconds.clear()
        for topic, one in topics.items():
            self.metrics.lag_records.labels(topic).set(one.records)
            self.metrics.lag_seconds.labels(topic).set(one.seconds)

    async def signal(self) -> None:
        """Until cancelled: the agreement's signals."""
        while True:
            began = monotonic()
            try:
                async with asyncio.timeout(LIMIT):
                    for one in self.signals:
                        await one.look(sorted(self.core.tasks))
                took = monotonic() - began
                self.metrics.signals_at.set_to_current_time()
                self.metrics.signals_seconds.set(took)
                await asyncio.sleep(max(self.settings.signals_every, took / self.settings.signals_share))
            except Exception:  # noqa: BLE001 - as of the database, which is looked at besides
                await asyncio.sleep(SOON)


def number(task: TaskId) -> int:
    """The partition of a task's name, as it is in all services."""
    return int(task.rpartition("/")[2])
