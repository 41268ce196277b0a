"""The pool of one service: its schema first in the search path, every statement with a limit, none left open."""

from collections.abc import Callable
from typing import Any

import asyncpg

from shared.database.migrations import application_name

STATEMENT_LIMIT, GIVEN_BACK = 15.0, 3.0
Watch = Callable[[float, bool], None]
"""Told of a statement: how long it took, in seconds, and whether it failed; never what was in it."""


class Pool(asyncpg.Pool):
    """Ends a connection that does not come back in time.

    Left to itself asyncpg waits as long as a statement may take for the server to confirm that it was cancelled: over
    a connection that swallows everything a look of 3 s took 18, and a statement of 15 s took 30.
    """

    async def release(self, connection: Any, *, timeout: float | None = GIVEN_BACK) -> None:  # noqa: ASYNC109 - theirs
        await super().release(connection, timeout=timeout)


async def open_pool(
    dsn: str, schema: str, instance: str = "", most: int = 6, watch: Watch | None = None
) -> asyncpg.Pool:
    """Connects at the first statement, so that a process can say that the database is away. `watch` is told of every
    statement; `instance` is how the process is called.

    A frozen process may hold no lock, so idle transactions end after 3 s, below the group's session timeout.
    """

    async def begin(connection: asyncpg.Connection) -> None:
        if watch is not None:
            connection.add_query_logger(lambda told: watch(told.elapsed, told.exception is not None))

    pool = Pool(
        dsn,
        init=begin,
        min_size=0,
        max_size=most,
        max_queries=50_000,
        max_inactive_connection_lifetime=300.0,
        loop=None,
        connection_class=asyncpg.Connection,
        record_class=asyncpg.Record,
        command_timeout=STATEMENT_LIMIT,
        timeout=5,
        server_settings={
            "search_path": schema,
            "idle_in_transaction_session_timeout": "3s",
            "application_name": application_name(schema, instance),
        },
    )
    return await pool
