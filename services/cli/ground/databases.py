"""Databases beside one another: who has one open, and one that takes the other's name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg

from services.cli.ground.quiet import refuse_beside_another, refuse_while_alive
from services.cli.ground.reading import Impossible
from services.cli.system import asking_the_database
from shared.events.topics import SERVICES

# Whoever is connected to a database, beside those who clean it and give way by themselves.
SESSIONS = """
FROM pg_stat_activity
WHERE datname = $1 AND pid <> pg_backend_pid() AND backend_type IS DISTINCT FROM 'autovacuum worker'
"""
OPEN = f"""
SELECT concat(coalesce(nullif(application_name, ''), 'somebody'), ' (user ', usename, ', pid ', pid, ')') {SESSIONS}
ORDER BY pid
"""
END = f"SELECT pg_terminate_backend(pid) {SESSIONS}"
THERE = "SELECT true FROM pg_database WHERE datname = $1"


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Raises `Unreachable` where there is no answer."""
    with asking_the_database(dsn):
        connection = await asyncpg.connect(dsn, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


def aside(name: str) -> str:
    """By which what stood there is kept: never a name that an earlier run has used."""
    return f"{name}_{datetime.now(UTC):%Y%m%d_%H%M%S_%f}_before"


async def refuse_while_open(admin: asyncpg.Connection, name: str) -> None:
    """A database that somebody has open can not be put aside. Raises `Impossible`."""
    if who := [r[0] for r in await admin.fetch(OPEN, name)]:
        raise Impossible(
            f"the database {name} is held open by {', '.join(who)}: end that, or give --disconnect, which ends their"
            " sessions when the backup takes its place (monitoring comes back by itself)"
        )


async def take_name(admin: asyncpg.Connection, fresh: str, name: str, *, disconnect: bool) -> str | None:
    """`fresh` is called `name` from here on, and what was called so is kept: under the name that is returned, if any.

    Both or nothing. Raises `Impossible` while somebody has one of them open; also while a service, or another command,
    has come meanwhile, whose session is not ended: what it has written would be put aside with the database.
    """
    kept = aside(name) if await admin.fetchval(THERE, name) else None
    await refuse_while_alive(admin, SERVICES, name)
    await refuse_beside_another(admin, name)
    try:
        async with admin.transaction():
            if kept:
                if disconnect:
                    await admin.execute(END, name)
                await admin.execute(f'ALTER DATABASE "{name}" RENAME TO "{kept}"')
            await admin.execute(f'ALTER DATABASE "{fresh}" RENAME TO "{name}"')
    except asyncpg.ObjectInUseError as error:
        await refuse_while_open(admin, name)
        raise Impossible(f"{error}, so nothing was put in its place: run it again") from error
    return kept
