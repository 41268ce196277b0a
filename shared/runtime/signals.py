"""What a service tells of its own matter, beside what the runtime tells of every service: the agreement's signals."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from typing import Protocol

import asyncpg

from shared.metrics import Metrics
from shared.runtime.contract import Draft, TaskId


class Signals(Protocol):
    def committed(self, draft: Draft) -> None:
        """Count what the draft tells: it has just been written, and its task is still as it was before."""

    async def look(self, tasks: Sequence[TaskId]) -> None:
        """Read how these tasks stand, by one aggregate statement, and set the gauges. Raises what the database does."""


Make = Callable[[asyncpg.Pool, Metrics], Signals]
"""How a service makes its signals."""

# How many entities lack a record that became a dead letter.
INCOMPLETE = "SELECT count(DISTINCT entity) FROM flaw WHERE task = ANY($1)"


class Incomplete:
    """The `Signals` that every keyed service has."""

    def __init__(self, pool: asyncpg.Pool, metrics: Metrics) -> None:
        self.pool, self.metrics = pool, metrics
        for kind in ("invalid", "refused", "raised"):  # there from the start: an increase is seen from the first on
            metrics.dead_letters.labels(kind)

    def committed(self, draft: Draft) -> None: ...

    async def look(self, tasks: Sequence[TaskId]) -> None:
        self.metrics.incomplete.set(await self.pool.fetchval(INCOMPLETE, tasks))


def age(since: date | datetime | None) -> float:
    """Seconds since then, of a day since its beginning; 0 when there is none, or when it is yet to come."""
    if since is None:
        return 0.0
    at = since if isinstance(since, datetime) else datetime.combine(since, time(), UTC)
    return max(0.0, (datetime.now(UTC) - at).total_seconds())
