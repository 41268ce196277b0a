"""How far the whole system is, looked at from outside and by no door: topics' ends, stored offsets, outboxes."""

import asyncio
from typing import NamedTuple

import asyncpg
import orjson
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from deploy.local.kafka import SILENT
from shared.events.topics import READS, SERVICES, is_inbound

Place = tuple[str, str, int]
"""Service, topic, partition."""
Row = tuple[str, str, int, str]
"""Service, task, version, topic."""
LIMIT = 10.0
AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class View(NamedTuple):
    """Per reader and place the next offset; the outbox rows."""

    at: dict[Place, int]
    rows: set[Row]


class Progress:
    def __init__(self, servers: list[str], dsn: str) -> None:
        self.admin, self.dsn = AdminClient({"bootstrap.servers": ",".join(servers)}, logger=SILENT), dsn

    def ends(self) -> dict[Place, int]:
        """Where the topics end that each service reads. Raises `KafkaException`."""
        topics = self.admin.list_topics(timeout=LIMIT).topics
        readers = {
            name: [s for s in SERVICES if (is_inbound(name) if s == "ingest" else name in READS[s])] for name in topics
        }
        wanted = {
            TopicPartition(n, p): OffsetSpec.latest() for n, t in topics.items() if readers[n] for p in t.partitions
        }
        asked = self.admin.list_offsets(wanted, request_timeout=LIMIT)
        found = {(p.topic, p.partition): future.result(LIMIT).offset for p, future in asked.items()}
        return {(s, topic, p): end for (topic, p), end in found.items() for s in readers[topic]}

    def stored(self) -> View:
        """Raises `OSError`, `asyncpg.PostgresError`."""
        return asyncio.run(self.read())

    def versions(self, service: str) -> dict[str, int]:
        """Of its tasks; none where the database does not answer."""
        try:
            return asyncio.run(self.ask(service))
        except AWAY:
            return {}

    async def ask(self, service: str) -> dict[str, int]:
        connection = await asyncpg.connect(self.dsn, timeout=LIMIT, command_timeout=LIMIT)
        try:
            found = await connection.fetch(f"SELECT task, version FROM {service}.task")  # noqa: S608 - our own name
            return {r["task"]: r["version"] for r in found}
        finally:
            await connection.close()

    async def read(self) -> View:
        at, rows = dict[Place, int](), set[Row]()
        connection = await asyncpg.connect(self.dsn, timeout=LIMIT, command_timeout=LIMIT)
        try:
            for service in SERVICES:
                for r in await connection.fetch(f"SELECT task, offsets FROM {service}.task"):  # noqa: S608 - our own name
                    partition = int(r["task"].rpartition("/")[2])
                    at |= {(service, topic, partition): o for topic, o in orjson.loads(r["offsets"]).items()}
                found = await connection.fetch(f"SELECT task, version, topic FROM {service}.outbox")  # noqa: S608 - as above
                rows |= {(service, *r) for r in found}
        finally:
            await connection.close()
        return View(at, rows)


class Mark:
    """All that lay in the topics and outboxes at one moment."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.ends: dict[Place, int] | None = None
        self.rows: set[Row] | None = None

    def passed(self) -> bool:
        """Whether all of it is consumed and published. What cannot be looked at now is marked at the next look."""
        try:
            self.ends = self.progress.ends() if self.ends is None else self.ends
            view = self.progress.stored()
        except (KafkaException, *AWAY):
            return False
        self.rows = view.rows if self.rows is None else self.rows & view.rows
        self.ends = {place: end for place, end in self.ends.items() if view.at.get(place, 0) < end}
        return not self.ends and not self.rows
