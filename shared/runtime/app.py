"""One process of a service: settings → store, handler, core, relay, broker, web, until it is told to stop.

Nothing that is away ends the process: the database and the broker are tried again, and /ready says what is missing.
"""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

import asyncpg
import stamina
import structlog
import uvicorn
import uvloop
from aiokafka.errors import KafkaError

from shared.database.pool import open_pool
from shared.events.decoding import dump
from shared.events.partitioning import partition_of
from shared.events.topics import READS
from shared.logging import configure
from shared.metrics import Counting, Metrics
from shared.runtime.contract import Handler, TaskId
from shared.runtime.core import Core
from shared.runtime.ground import Ground
from shared.runtime.http import Answer, web
from shared.runtime.kafka import KafkaPublisher, Subscriber
from shared.runtime.keyed import Domain, KeyedHandler, of_number
from shared.runtime.postgres import Outbox, PostgresStore
from shared.runtime.relay import Relay
from shared.runtime.views import view
from shared.settings import Settings

HINT_EVERY, DEAF, PAGE = 5.0, 60.0, 50
log = structlog.get_logger()
P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Parts:
    """What makes a process this service. `pattern` instead of `topics`: what it reads appears while it runs.

    `left`: what `settle` must wait for beside records, outbox and re-evaluations. `beside`: what else runs, given the
    core, until cancelled.
    """

    store: Any
    handler: Handler
    task_of: Callable[[str, int], TaskId]
    answers: Mapping[str, Answer]
    topics: Sequence[str] = ()
    pattern: str | None = None
    believes_gaps: Callable[[str], bool] = field(default=lambda _topic: False)
    left: Callable[[], Awaitable[Mapping[str, int]]] | None = None
    beside: Sequence[Callable[[Core], Coroutine[Any, Any, None]]] = ()


def serve_keyed(service: str, domain: Domain[P]) -> None:
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
        answers = {"/state": state, "/journal": journal, "/conclusions": concluded}
        return Parts(store, handler, of_number, answers, topics=READS[service])

    serve(service, Settings(), parts)


def serve(service: str, settings: Settings, parts: Callable[[asyncpg.Pool], Parts]) -> None:
    """Run a service until SIGTERM or SIGINT."""
    configure(settings.log_level, service=service, instance=settings.instance)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Process(service, settings).run(parts))


class Process:
    def __init__(self, service: str, settings: Settings) -> None:
        self.service, self.settings = service, settings
        self.metrics = Metrics(service)
        self.watch = Counting(self.metrics)
        self.started = False
        self.loops: list[asyncio.Task[Any]] = []

    async def run(self, parts_of: Callable[[asyncpg.Pool], Parts]) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        pool = await open_pool(self.settings.database, self.service)
        parts = parts_of(pool)
        publisher = KafkaPublisher(self.settings)
        relay = Relay(parts.store, publisher)
        subscriber = Subscriber(self.settings, self.service, parts.task_of, topics=parts.topics, pattern=parts.pattern)
        core = subscriber.core = Core(
            parts.store,
            subscriber,
            relay,
            parts.handler,
            task_of=parts.task_of,
            believes_gaps=parts.believes_gaps,
            observer=self.watch,
        )
        ground = Ground({"database": lambda: pool.fetchval("SELECT 1"), "broker": subscriber.answers})
        self.measure(core)
        async with self.listening(core, parts, ground):
            beside = (run(core) for run in parts.beside)
            endless = (relay.run(), core.tend(), hinting(subscriber), ground.watch(), *beside)
            self.loops = [asyncio.create_task(loop) for loop in endless]
            starting = asyncio.create_task(self.start(subscriber))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait([*self.loops, stopping], return_when=asyncio.FIRST_COMPLETED)
            log.info("stopping")
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            await core.stop()
            await subscriber.broker.stop()
            for task in (*self.loops, stopping):
                task.cancel()
            ended = await asyncio.gather(*self.loops, return_exceptions=True)
            await publisher.stop()
        await pool.close()
        for failure in ended:
            if isinstance(failure, Exception):
                raise failure

    async def start(self, subscriber: Subscriber) -> None:
        """Join the group, however long the broker is away."""
        async for attempt in stamina.retry_context(on=(KafkaError, OSError), attempts=None, timeout=None, wait_max=5.0):
            with attempt:
                try:
                    await subscriber.broker.start()
                except BaseException:
                    await subscriber.broker.stop()
                    raise
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        self.started = True
        log.info("started")

    def measure(self, core: Core) -> None:
        self.metrics.tasks.set_function(lambda: len(core.tasks))
        self.metrics.halted.set_function(lambda: len(core.halted) + len(core.relay.stuck))
        self.metrics.outbox.set_function(lambda: len(core.relay.rows))

    @asynccontextmanager
    async def listening(self, core: Core, parts: Parts, ground: Ground) -> AsyncIterator[None]:
        async def progress(_query: Mapping[str, str]) -> Any:
            return await progress_of(parts)

        def live() -> Mapping[str, Any]:
            why = next((f"{t.get_coro()} ended" for t in self.loops if t.done()), None)
            if monotonic() - self.watch.beat > DEAF:
                why = f"the keeper's loop has not turned for {DEAF:g} s"
            return {"ok": why is None, "why": why}

        def ready() -> Mapping[str, Any]:
            why = self.missing(core, ground)
            return {"ok": why is None, "why": why, "tasks": sorted(core.tasks)}

        app = web(live, ready, {"/progress": progress, **parts.answers}, self.metrics.registry)
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

    def missing(self, core: Core, ground: Ground) -> str | None:
        """What is not there, in words."""
        if not self.started:
            return "the broker does not answer yet"
        if ground.away:
            return "; ".join(f"the {name} does not answer: {why}" for name, why in sorted(ground.away.items()))
        if core.halted or core.relay.stuck:
            return "; ".join(f"{task}: {why}" for task, why in sorted((core.halted | core.relay.stuck).items()))
        if unclaimed := core.wanted - core.tasks.keys():
            return f"not claimed yet: {', '.join(sorted(unclaimed))}"
        return "the producer is not connected" if core.relay.spoiled else None


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
    """How far the whole service is, by its database: next offset per topic and partition, and what is left to do."""
    store: Outbox = parts.store
    offsets: dict[str, dict[str, int]] = {}
    told = {"outbox": 0, "reconsidering": 0}
    for task in await store.progress():
        partition = task["task"].rpartition("/")[2]
        for topic, offset in task["offsets"].items():
            offsets.setdefault(topic, {})[partition] = offset
        told["outbox"] += task["outbox"]
        told["reconsidering"] += task["reconsidering"]
    return {"offsets": offsets, **told, **(await parts.left() if parts.left else {})}
