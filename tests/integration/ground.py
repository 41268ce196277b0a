"""All services over real PostgreSQL and a broker in memory: what a state is made of, with no wait for a real one."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg

from services.cli.evaluate import DOMAINS, HEADERS, NEVER, is_inbound
from services.cli.ground.quiet import Operator
from services.cli.ground.reading import Place, Topics
from services.cli.ground.rebuild import Rebuilt, rebuilt
from services.cli.ground.said import Said, home_of, read
from services.cli.ground.shadow import Ground
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from services.cli.state import empty
from services.ingest.contract import task_of as of_partition
from services.ingest.service import IngestHandler
from services.ingest.store import PostgresIngestStore
from shared.clock import utc_now
from shared.database.pool import open_pool
from shared.events.decoding import route
from shared.events.internal import AreaNamed, LedgerLine
from shared.events.partitioning import PARTITIONS
from shared.events.topics import CONCLUDED, INTERNAL, READS
from shared.runtime.contract import Outgoing, Record
from shared.runtime.core import Core
from shared.runtime.keyed import KeyedHandler, of_number
from shared.runtime.memory import MemoryBroker, MemoryConsumer, MemoryPublisher, run_until_quiet
from shared.runtime.overflow import Overflow
from shared.runtime.postgres import PostgresStore
from shared.runtime.relay import Relay
from shared.runtime.views import State, merge, view

SMALL = (Path(__file__).parents[2] / "examples" / "small.ndjson").read_bytes().splitlines()
LINES = [*SMALL, *(line(event).encode() for event in simulate(4, afdelinger=3, broken=0.02))]
OPERATOR = Operator("drift-7", "a test")
SPOILT = b'{"version": 1}'
"""Of a record that can not be used."""


class MemoryTopics(Topics):
    """The broker's logs as topics."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.broker, self.ends = broker, {place: (0, len(log)) for place, log in broker.logs.items()}

    def read(self, targets: Mapping[Place, int]) -> Iterator[Record]:
        for place, at in targets.items():
            yield from self.broker.read(place, 0, at)


class Live:
    """The services, from `start` to `stop`. `halfway`: where the topics ended in the middle of the year."""

    def __init__(self, dsn: str, broker: MemoryBroker | None = None) -> None:
        self.dsn, self.broker, self.pools = dsn, MemoryBroker(), list[asyncpg.Pool]()
        self.halfway: dict[Place, int] = {}
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

    async def goes_on(self) -> None:
        """Start again, do what there is to do, and stop."""
        await self.start()
        await self.settle()
        await self.stop()

    async def spoil(self) -> None:
        """Two records come that neither quota nor matching can use; one is sent again, as it should have been."""
        log = next(log for (topic, _), log in self.broker.logs.items() if topic == "vacancies.v1" and log)
        good, at = log[0], str(len(log)).encode()
        told = {**dict(good.headers), "ce_id": b"spoilt"}
        log += [good._replace(value=SPOILT, headers=tuple(told.items()))] * 2
        await self.settle()
        log.append(good._replace(headers=(*good.headers, ("redrive_offset", at), ("redrive_attempt", b"1"))))
        await self.settle()

    async def stop(self) -> None:
        for pool in self.pools:
            await pool.close()
        self.pools.clear()

    async def rebuild(self, service: str, *, accept: bool = False, dry_run: bool = False) -> Rebuilt:
        """While nobody runs."""
        ground = Ground(partial(MemoryTopics, self.broker), self.dsn, lambda _words: None)
        return await rebuilt(ground, service, OPERATOR, accept=accept, dry_run=dry_run)

    async def state(self) -> State:
        """What the services show together; `refused` hangs on the order in which things came."""
        whole = empty()
        for service, domain in DOMAINS.items():
            merge(whole, await view(domain(), PostgresStore(await self.pool(service))))
        await self.stop()
        return {**whole, "refused": None}

    def sizes(self) -> dict[Place, int]:
        return {place: len(log) for place, log in self.broker.logs.items() if log}


async def told(dsn: str, sql: str, *values: Any) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql, *values)
    finally:
        await connection.close()


def assert_versions_are_whole(broker: MemoryBroker) -> None:
    """Of each conclusion the versions are 1, 2, 3 …; no journal has a hole; no event has two contents."""
    versions: dict[object, set[int]] = defaultdict(set)
    contents: dict[object, set[bytes | None]] = defaultdict(set)
    found = Said()
    for (topic, _), log in broker.logs.items():
        for record in log if topic in INTERNAL and not topic.endswith("dead-letters.v1") else ():
            told_by = dict(record.headers)
            if AreaNamed.kind not in str(told_by["ce_type"]):  # each registration names its area, at its own time
                contents[topic, told_by["ce_type"], told_by["ce_id"]].add(record.value)
            if topic in CONCLUDED:
                told = read(record)
                versions[topic, home_of(told), told.kind, told.entity(), told.key()].add(told.version)
                found.hear(record)
    numbered = {v: n for v, n in versions.items() if LedgerLine.kind not in str(v)}

    assert {v for v, numbers in numbered.items() if numbers != set(range(1, len(numbers) + 1))} == set()
    assert {event: told for event, told in contents.items() if len(told) > 1} == {}
    assert found.twice == []
    assert all(list(found.lines(home)) for home in found.journals)  # raises where there is a hole


def assert_all_were_told(broker: MemoryBroker) -> None:
    """What concerns everyone is in every partition."""
    told = [{dict(r.headers)["ce_id"] for r in log} for (topic, _), log in broker.logs.items() if topic == "control.v1"]

    assert len(told) == PARTITIONS
    assert [ids for ids in told if ids != told[0]] == []
