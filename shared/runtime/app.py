"""One process of a service: settings → store, handler, core, relay, broker, web, until it is told to stop.

Nothing that is away ends the process: the database and the broker are tried again, and /ready says what is missing.
"""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncpg
import stamina
import uvicorn

from shared.database.pool import open_pool
from shared.events.decoding import dump
from shared.events.partitioning import partition_of
from shared.events.topics import READS
from shared.logging import configure
from shared.loglines import CANNOT_JOIN, STARTED, STOPPING
from shared.metrics import Metrics
from shared.runtime.contract import Handler, TaskId
from shared.runtime.core import Core
from shared.runtime.counting import Counting
from shared.runtime.health import Health
from shared.runtime.http import Answer, web
from shared.runtime.kafka import KafkaPublisher, Subscriber
from shared.runtime.keyed import Domain, KeyedHandler, of_number
from shared.runtime.looks import Looks
from shared.runtime.overflow import Overflow
from shared.runtime.postgres import Outbox, PostgresStore
from shared.runtime.relay import Relay
from shared.runtime.signals import Incomplete, Make
from shared.runtime.tracing import Tracer, Untraced
from shared.runtime.views import view
from shared.settings import Settings, from_environment

HINT_EVERY, PAGE, FLAWS_AT_MOST = 5.0, 50, 10_000
P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Parts:
    """What makes a process this service. `pattern` instead of `topics`: what it reads appears while it runs.

    `left`: what `settle` must wait for beside records, outbox and re-evaluations, by task. `beside`: what else runs,
    given the core, until cancelled. `signals`: what it tells of its own matter.
    """

    store: Any
    handler: Handler
    task_of: Callable[[str, int], TaskId]
    answers: Mapping[str, Answer]
    topics: Sequence[str] = ()
    pattern: str | None = None
    believes_gaps: Callable[[str], bool] = field(default=lambda _topic: False)
    left: Callable[[], Awaitable[Mapping[str, Mapping[TaskId, int]]]] | None = None
    beside: Sequence[Callable[[Core], Coroutine[Any, Any, None]]] = ()
    signals: Sequence[Make] = ()


def serve_keyed(service: str, domain: Domain[P], signals: Make) -> None:
    """Run a keyed service until SIGTERM."""

    def parts(pool: asyncpg.Pool) -> Parts:
        store = PostgresStore(pool)

        async def state(_query: Mapping[str, str]) -> Any:
            return await view(domain, store)

        async def journal(query: Mapping[str, str]) -> Any:
            """The whole journals of the next afdelinger after `after`, of the kind that is asked for."""
            written = await store.journal(query["kind"], query.get("after", ""), PAGE)
            return [w._asdict() for w in written]

        async def concluded(query: Mapping[str, str]) -> Any:
            """What the service last concluded of an entity, as it was published."""
            name = query["entity"]
            found = await store.load([(str(partition_of(name)), name)])
            return [{"kind": c.kind, "body": dump(c)} for e in found.values() for c in e.conclusions.values()]

        handler = KeyedHandler(domain, service, store)

        async def incomplete(_query: Mapping[str, str]) -> Any:
            return [flaw._asdict() for flaw in await store.flaws(FLAWS_AT_MOST)]

        answers = {"/state": state, "/journal": journal, "/conclusions": concluded, "/incomplete": incomplete}
        return Parts(store, handler, of_number, answers, topics=READS[service], signals=(Incomplete, signals))

    serve(service, from_environment(), parts)


def serve(service: str, settings: Settings, parts: Callable[[asyncpg.Pool], Parts]) -> None:
    """Run a service until SIGTERM or SIGINT."""
    configure(settings.log_level, service=service, instance=settings.instance)
    asyncio.run(Process(service, settings).run(parts))


class Process:
    def __init__(self, service: str, settings: Settings) -> None:
        self.service, self.settings = service, settings
        self.metrics = Metrics()
        self.watch = Counting(self.metrics)

    async def run(self, parts_of: Callable[[asyncpg.Pool], Parts]) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        pool = await open_pool(self.settings.database, self.service, self.settings.instance, watch=self.watch.statement)
        parts = parts_of(pool)
        self.watch.signals = [make(pool, self.metrics) for make in parts.signals]
        publisher = KafkaPublisher(self.settings)
        relay, tracer = Relay(parts.store, publisher, observer=self.watch), self.tracer()
        subscriber = Subscriber(self.settings, self.service, parts.task_of, topics=parts.topics, pattern=parts.pattern)
        core = subscriber.core = Core(
            parts.store,
            subscriber,
            relay,
            parts.handler,
            task_of=parts.task_of,
            believes_gaps=parts.believes_gaps,
            observer=self.watch,
            tracer=tracer,
            overflow=Overflow(
                self.settings.overflow_run,
                self.settings.overflow_share,
                self.settings.overflow_window,
                everyones=bool(parts.topics),
            ),
        )
        looks = Looks(self.settings, self.service, pool, subscriber, self.watch)
        health = Health(core, self.watch, looks)
        self.measure(pool, subscriber, health)
        async with self.listening(health, parts):
            endless = {
                "the relay": relay.run(),
                "the keeper": core.tend(),
                "the looks": looks.run(),
                "the signals": looks.signal(),
                "the hints": hinting(subscriber),
                **{run.__name__: run(core) for run in parts.beside},
            }
            belonging = asyncio.create_task(self.belong(subscriber, health), name="the membership")
            loops = [asyncio.create_task(loop, name=name) for name, loop in endless.items()]
            health.loops = [belonging, *loops]
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait([*health.loops, stopping], return_when=asyncio.FIRST_COMPLETED)
            STOPPING()
            belonging.cancel()
            await asyncio.gather(belonging, return_exceptions=True)
            await core.stop()
            await subscriber.stop()
            for task in (*health.loops, stopping):
                task.cancel()
            ended = await asyncio.gather(*health.loops, return_exceptions=True)
            await publisher.stop()
        await pool.close()
        tracer.close()
        for failure in ended:
            if isinstance(failure, Exception):
                raise failure

    def tracer(self) -> Tracer:
        """OpenTelemetry is loaded where it is wanted only."""
        if not self.settings.traces:
            return Untraced()
        from shared.runtime.traces import Traces

        return Traces(self.service, self.settings.instance)

    async def belong(self, subscriber: Subscriber, health: Health) -> None:
        """A member of the group while this version may work on the database; it would only hold up who can.

        Until cancelled, also when it is no member any more.
        """
        await health.looks.fit.wait()
        await self.start(subscriber, health)
        await health.looks.outgrown.wait()
        await subscriber.stop()  # first, or the group might give us tasks anew
        await subscriber.core.stop()
        await asyncio.Event().wait()

    async def start(self, subscriber: Subscriber, health: Health) -> None:
        """Join the group, however long the broker is away, and whatever a library makes of that."""
        async for attempt in stamina.retry_context(on=Exception, attempts=None, timeout=None, wait_max=5.0):
            with attempt:
                try:
                    await subscriber.broker.start()
                except Exception as error:
                    CANNOT_JOIN(error=error)
                    with suppress(Exception):  # it is tried anew in any case
                        await subscriber.broker.stop()
                    raise
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        health.joined = True
        STARTED()

    def measure(self, pool: asyncpg.Pool, subscriber: Subscriber, health: Health) -> None:
        """What is asked for at the moment of the scrape, and never waited for."""
        core, metrics = subscriber.core, self.metrics
        metrics.tasks.set_function(lambda: len(core.tasks))
        metrics.tasks_expected.set_function(lambda: len(subscriber.every_task()))
        metrics.halted.set_function(lambda: len(core.halted) + len(core.stopped) + len(core.relay.stuck))
        metrics.reconsidering.set_function(lambda: len(core.open()))
        metrics.ready.set_function(lambda: health.missing() is None)
        metrics.pool.labels("open").set_function(pool.get_size)
        metrics.pool.labels("idle").set_function(pool.get_idle_size)
        metrics.pool.labels("most").set_function(pool.get_max_size)

    @asynccontextmanager
    async def listening(self, health: Health, parts: Parts) -> AsyncIterator[None]:
        async def progress(_query: Mapping[str, str]) -> Any:
            return await progress_of(parts)

        checks = {"/startup": health.startup, "/live": health.live, "/ready": health.ready}
        app = web(checks, {"/progress": progress, **parts.answers}, self.metrics.registry)
        server = Web(
            uvicorn.Config(
                app,
                host=self.settings.http_host,
                port=self.settings.http_port,
                log_config=None,
                access_log=False,
                lifespan="off",
            )
        )
        serving = asyncio.create_task(server.serve())
        try:
            yield
        finally:
            server.should_exit = True
            await serving


class Web(uvicorn.Server):
    """Leaves the signals to the process: the web goes last."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def hinting(subscriber: Subscriber) -> None:
    """Tell the group how far we are, for lag tools."""
    while True:
        await asyncio.sleep(HINT_EVERY)
        await subscriber.hint({task.id: task.offsets for task in subscriber.core.tasks.values()})


async def progress_of(parts: Parts) -> dict[str, Any]:
    """How far the whole service is, by its database: next offset per topic and partition, and what is left to do, in
    all and by task.
    """
    store: Outbox = parts.store
    offsets: dict[str, dict[str, int]] = {}
    outbox: dict[TaskId, int] = {}
    reconsidering: dict[TaskId, int] = {}
    tasks = await store.progress()
    for task in tasks:
        partition = task["task"].rpartition("/")[2]
        for topic, offset in task["offsets"].items():
            offsets.setdefault(topic, {})[partition] = offset
        for what, found in (("outbox", outbox), ("reconsidering", reconsidering)):
            if task[what]:
                found[task["task"]] = int(task[what])
    stopped = await store.stops(task["task"] for task in tasks)
    beside = await parts.left() if parts.left else {}
    by_task = {"outbox": outbox, "reconsidering": reconsidering, **beside}
    told = {what: sum(left.values()) for what, left in by_task.items()}
    return {"offsets": offsets, "stopped": stopped, "by_task": by_task, **told}
