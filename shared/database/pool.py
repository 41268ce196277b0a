"""The pool of one service: its schema first in the search path, every statement with a limit, none left open."""

import asyncpg

STATEMENT_LIMIT = 15.0


async def open_pool(dsn: str, schema: str, most: int = 6) -> asyncpg.Pool:
    """Connects at the first statement, so that a process can say that the database is away.

    A frozen process may hold no lock, so idle transactions end after 3 s, below the group's session timeout.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=most,
        command_timeout=STATEMENT_LIMIT,
        timeout=5,
        server_settings={
            "search_path": schema,
            "idle_in_transaction_session_timeout": "3s",
            "application_name": f"trappetrin-{schema}",
        },
    )
