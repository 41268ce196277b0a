"""A PostgreSQL of the tests' own, with the services' tables; empty for every test."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from deploy.local import postgres
from deploy.local.processes import spawn, stop, tail
from deploy.local.settings import free_port
from services.cli.ground.dumping import named
from shared.database.migrations import apply, migrate
from shared.database.pool import open_pool
from tests.integration.ground import LINES, Live, told

PASSWORD = "of the tests"  # noqa: S105 - of a database that lives as long as the tests


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home, port = tmp_path_factory.mktemp("database"), free_port()
    postgres.initialise(home, PASSWORD)
    spec = postgres.server(home, port, home / "log")
    server = spawn(spec)
    while not postgres.answers(port, PASSWORD):
        assert server.alive, tail(spec.log)
    migrate(postgres.dsn(port, PASSWORD))
    yield postgres.dsn(port, PASSWORD)
    stop([server], signal.SIGINT, 10)


@pytest.fixture
async def pool(database: str, request: pytest.FixtureRequest) -> AsyncIterator[asyncpg.Pool]:
    """Of the schema that the test names by `@pytest.mark.schema`."""
    schema = request.node.get_closest_marker("schema").args[0]
    pool = await open_pool(database, schema)
    tables = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
    await pool.execute(f"TRUNCATE {', '.join(t['tablename'] for t in tables)}")
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
def settled(database: str) -> Live:
    """A year that had all its effect, in the database `settled`; half of it in `half`. Nobody runs.

    Two records among it could not be used by two of the services, and one of them was sent again.
    """

    async def settle() -> Live:
        await told(database, "CREATE DATABASE settled")
        live = Live(named(database, "settled"))
        await apply(live.dsn)
        await live.start()
        await live.settle(LINES[: len(LINES) // 2])
        await live.spoil()
        live.halfway = live.sizes()
        await live.stop()
        await told(database, "CREATE DATABASE half TEMPLATE settled")
        await live.start()
        await live.settle(LINES[len(LINES) // 2 :])
        await live.stop()
        return live

    return asyncio.run(settle())


@pytest.fixture
async def live(settled: Live, database: str) -> AsyncIterator[Live]:
    """A copy of it."""
    async with copied(settled, database, "settled") as live:
        yield live


@pytest.fixture
async def older(settled: Live, database: str) -> AsyncIterator[Live]:
    """Its topics, with the database as it was when half of the year had been."""
    async with copied(settled, database, "half") as live:
        yield live


@asynccontextmanager
async def copied(settled: Live, database: str, template: str) -> AsyncIterator[Live]:
    await told(database, f"CREATE DATABASE copied TEMPLATE {template}")
    live = Live(named(database, "copied"), settled.broker)
    live.halfway = settled.halfway
    try:
        yield live
    finally:
        await live.stop()
        await told(database, "DROP DATABASE copied")
