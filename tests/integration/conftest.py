"""A PostgreSQL of the tests' own, with the services' tables; empty for every test."""

import signal
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from deploy.local import postgres
from deploy.local.processes import spawn, stop, tail
from deploy.local.settings import free_port
from shared.database.migrations import migrate
from shared.database.pool import open_pool

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
