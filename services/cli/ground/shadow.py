"""The tables of a state that is made anew, beside the live ones: filled, and put in their place."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, ClassVar, NamedTuple

import asyncpg
import orjson

from services.cli.ground.quiet import Claimed
from services.cli.ground.reading import Topics
from services.cli.ground.said import Home
from shared.database.migrations import make
from shared.runtime.contract import Outgoing, TaskId
from shared.runtime.packing import unpack
from shared.runtime.postgres import REFUSALS

AT_ONCE = 5_000
LEAP = 1_000_000_000
"""By how much the tasks' versions move on: also a database that was set back is then ahead of whatever a process knows
of the one that was lost, which had a commit or so for each number.
"""
Say = Callable[[str], None]
OUTBOX = ("task", "version", "topic", "body")

# All that was committed and that the broker does not have yet.
UNSENT = "SELECT topic, body FROM {live}.outbox ORDER BY task, version, topic"

# Of every row in these columns.
HASH = """
SELECT md5(string_agg(row, '' ORDER BY row COLLATE "C"))
FROM (SELECT md5(ROW({columns})::text) AS row FROM {schema}.{table}) AS rows
"""

HOLD = "SELECT task, version FROM {live}.task ORDER BY task FOR UPDATE"
BEGIN = "INSERT INTO {shadow}.task (task, version, offsets, cursor) VALUES ($1, $2, $3, '')"
ALONG = "INSERT INTO {shadow}.{table} SELECT * FROM {live}.{table}"
SWAP = """
DROP SCHEMA IF EXISTS {before} CASCADE;
ALTER SCHEMA {live} RENAME TO {before};
ALTER SCHEMA {shadow} RENAME TO {live};
"""


class Ground(NamedTuple):
    """What a state is made of, and who hears how far it is. `look`: the topics as they are at this moment, which is to
    be one in which nobody can publish any more.
    """

    look: Callable[[], Topics]
    dsn: str
    say: Say


class Moved(Exception):
    """A process of the service is alive: its tasks' versions have moved."""


class Shadow:
    """The tables of one service: the live ones, and those beside them that are made anew. `compared`: which columns of
    which are held against each other; `along`: tables of which the live rows come along, since no topic tells them.
    """

    compared: ClassVar[Mapping[str, Sequence[str]]] = {}
    along: ClassVar[Sequence[str]] = ("outbox", "stop")

    def __init__(self, connection: asyncpg.Connection, service: str) -> None:
        self.connection, self.service = connection, service
        self.names = {"live": service, "shadow": f"{service}_shadow", "before": f"{service}_before"}

    def sql(self, text: str) -> str:
        return text.format(**self.names)

    async def make(self) -> None:
        await make(self.connection, self.service, self.names["shadow"])

    async def drop(self) -> None:
        await self.connection.execute(self.sql("DROP SCHEMA IF EXISTS {shadow} CASCADE"))

    async def unsent(self) -> list[tuple[str, Outgoing]]:
        rows = await self.connection.fetch(self.sql(UNSENT))
        return [(r["topic"], record) for r in rows for record in unpack(r["body"])]

    async def copy(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
        """What the database refuses is left out, and named: halved until it is found, as the services do."""
        await self.connection.execute("SET synchronous_commit = off")  # the swap makes all of it last
        waiting, refused = [rows[n : n + AT_ONCE] for n in range(0, len(rows), AT_ONCE)], list[str]()
        while waiting:
            some = waiting.pop(0)
            try:
                await self.connection.copy_records_to_table(
                    table, schema_name=self.names["shadow"], columns=columns, records=some
                )
            except REFUSALS as error:
                if len(some) == 1:
                    refused.append(f"{table} {' '.join(map(str, some[0][:4]))}: {type(error).__name__}")
                else:
                    middle = len(some) // 2
                    waiting[:0] = [some[:middle], some[middle:]]
        return refused

    async def hash(self, schema: str, news: Iterable[str] = ()) -> str:
        """Of all that is compared, row by row, and of what will be said otherwise."""
        told = sha256()
        for table, names in self.compared.items():
            columns = ", ".join(f'"{name}"' for name in names)
            text = HASH.format(schema=self.names[schema], table=table, columns=columns)
            told.update(f"{table} {await self.connection.fetchval(text)}\n".encode())
        for one in news:
            told.update(f"{one}\n".encode())
        return told.hexdigest()

    async def swap(self, claimed: Mapping[TaskId, Claimed], offsets: Mapping[TaskId, Mapping[str, int]]) -> None:
        """All or nothing; every entity is reconsidered when the service starts. Raises `Moved`.

        A process that was frozen meanwhile finds versions that have moved on, as after any claim; also one whose claim
        waits for this very transaction and then raises the versions of the tables that were replaced.
        """
        async with self.connection.transaction():
            await self.connection.execute("SET LOCAL synchronous_commit = on")
            held = {r["task"]: r["version"] for r in await self.connection.fetch(self.sql(HOLD))}
            if moved := sorted(t for t, version in held.items() if t not in claimed or claimed[t].version != version):
                raise Moved(f"{self.service} wrote meanwhile, in task {', '.join(moved)}: stop all of its processes")
            rows = [(task, held.get(task, 0) + LEAP, orjson.dumps(dict(at)).decode()) for task, at in offsets.items()]
            await self.connection.executemany(self.sql(BEGIN), rows)
            for table in self.along:
                await self.connection.execute(ALONG.format(**self.names, table=table))
            await self.connection.execute(self.sql(SWAP))


class Made(NamedTuple):
    """A state that lies beside the live one. `differing`: what of the live one is not so, by whose it is; `news`: what
    will be said when the service goes on; `problems`: what of the topics could not be read or kept, and is in neither;
    `live`, `made`: hashes of the two, the same where nothing differs and nothing will be said.
    """

    shadow: Shadow
    offsets: Mapping[TaskId, Mapping[str, int]]
    records: int
    entities: int
    differing: Mapping[Home, list[str]]
    news: Mapping[Home, list[str]]
    problems: list[str]
    live: str
    made: str
