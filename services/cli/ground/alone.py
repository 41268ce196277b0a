"""One operator at a time: two would drop each other's tables, and a migration between would be swapped away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from services.cli.ground.databases import connected
from services.cli.ground.quiet import refuse_beside_another
from services.cli.ground.reading import Impossible
from shared.database.migrations import LOCK


@asynccontextmanager
async def alone(dsn: str, what: str) -> AsyncIterator[asyncpg.Connection]:
    """To a database in which nobody else does such a thing meanwhile, and migrations wait. `what`: told to others.

    Raises `Impossible` where somebody does, `Unreachable`.
    """
    async with connected(dsn) as connection:
        await connection.execute("SELECT set_config('application_name', $1, false)", f"console/{what}")
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            await refuse_beside_another(connection)
            raise Impossible("another command was under way, and has just ended: run it again")
        try:
            yield connection
        finally:
            if not connection.is_closed():  # or it would be held until the server hears that this has ended
                await connection.execute("SELECT pg_advisory_unlock($1)", LOCK)
