"""All services over real PostgreSQL and a broker in memory: what a state is made of, with no wait for a real one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import asyncpg

from services.cli.evaluate import DOMAINS, HEADERS, NEVER, is_inbound
from services.cli.ground.quiet import Operator
from services.cli.ground.reading import Place, Topics
from services.cli.ground.rebuild import Rebuilt, rebuilt
from services.cli.ground.shadow import Ground
from services.ingest.contract import task_of as of_partition
from services.ingest.service import IngestHandler
from services.ingest.store import PostgresIngestStore
from shared.clock import utc_now
from shared.database.pool import open_pool
from shared.events.decoding import route
from shared.events.topics import READS
from shared.runtime.contract import Outgoing, Record
from shared.runtime.core import Core
from shared.runtime.keyed import KeyedHandler, of_number
from shared.runtime.memory import MemoryBroker, MemoryConsumer, MemoryPublisher, run_until_quiet
from shared.runtime.overflow import Overflow
from shared.runtime.postgres import PostgresStore
from shared.runtime.relay import Relay

OPERATOR = Operator("drift-7", "a test")


class MemoryTopics(Topics):
    """The broker's logs as topics."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.broker, self.ends = broker, {place: (0, len(log)) for place, log in broker.logs.items()}

    def read(self, targets: Mapping[Place, int]) -> Iterator[Record]:
        for place, at in targets.items():
            yield from self.broker.read(place, 0, at)


class Live:
    """The services, from `start` to `stop`."""

    def __init__(self, dsn: str, broker: MemoryBroker | None = None) -> None:
        self.dsn, self.broker, self.pools = dsn, MemoryBroker(), list[asyncpg.Pool]()
        for place, log in (broker.logs if broker else {}).items():
            self.broker.logs[place] = list(log)

    async def start(self) -> None:
        edge = PostgresIngestStore(await self.pool("ingest"))
        self.handler = IngestHandler(edge, utc_now)
        self.cores = [self.run(edge, self.handler, is_inbound, of_partition)]
        for service, domain in DOMAINS.items():
            store = PostgresStore(await self.pool(service))
            handler = KeyedHandler(domain(), service, store)
            self.cores.append(self.run(store, handler, frozenset(READS[service]).__contains__, of_number))
        for core, consumer in self.cores:
            core.assigned(consumer.tasks())
            await core.claim()

    async def pool(self, service: str) -> asyncpg.Pool:
        self.pools.append(await open_pool(self.dsn, service))
        return self.pools[-1]

    def run(self, store: Any, handler: Any, reads: Any, task_of: Any) -> tuple[Core, MemoryConsumer]:
        consumer = MemoryConsumer(self.broker, reads, task_of)
        relay = Relay(store, MemoryPublisher(self.broker), most=NEVER)
        return Core(store, consumer, relay, handler, task_of=task_of, overflow=Overflow(run=NEVER, share=1)), consumer

    async def settle(self, lines: Sequence[bytes] = ()) -> None:
        for one in lines:
            topic, key = route(one)
            self.broker.logs[topic, 0].append(Outgoing(0, key, one, HEADERS))
        await run_until_quiet(self.cores)
        while waiting := await self.handler.waiting():
            self.cores[0][0].look_again(waiting)
            await run_until_quiet(self.cores)

    async def stop(self) -> None:
        for pool in self.pools:
            await pool.close()
        self.pools.clear()

    async def rebuild(self, service: str, *, accept: bool = False, dry_run: bool = False) -> Rebuilt:
        """While nobody runs."""
        ground = Ground(MemoryTopics(self.broker), self.dsn, lambda _words: None)
        return await rebuilt(ground, service, OPERATOR, accept=accept, dry_run=dry_run)

    def sizes(self) -> dict[Place, int]:
        return {place: len(log) for place, log in self.broker.logs.items() if log}


async def told(dsn: str, sql: str, *values: Any) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql, *values)
    finally:
        await connection.close()
