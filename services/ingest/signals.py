"""What ingest tells operations: what becomes of inbound events, and which of them wait."""

from collections.abc import Sequence
from typing import get_args

import asyncpg

from services.ingest.domain import RefusalKind
from shared.metrics import IngestMetrics, Metrics
from shared.runtime.contract import Draft, TaskId
from shared.runtime.signals import age

FATES = ("accepted", "parked", "released", "duplicate", "refused")

# What waits for its afdeling to be registered, and since when the first of it.
STANDING = "SELECT count(*) AS events, min(recorded_at) AS since FROM fact WHERE parked AND task = ANY($1)"


class IngestSignals:
    """The `Signals` of ingest."""

    def __init__(self, pool: asyncpg.Pool, metrics: Metrics) -> None:
        self.pool, self.metrics = pool, IngestMetrics(metrics.registry)
        for fate in FATES:
            self.metrics.events.labels(fate)
        for kind in get_args(RefusalKind):
            metrics.dead_letters.labels(kind)

    def committed(self, draft: Draft) -> None:
        if draft.extra is not None:
            for fate, events in draft.extra.fates.items():
                self.metrics.events.labels(fate).inc(events)

    async def look(self, tasks: Sequence[TaskId]) -> None:
        [row] = await self.pool.fetch(STANDING, tasks)
        self.metrics.parked.labels("afdeling_not_registered").set(row["events"])
        self.metrics.oldest_parked.set(age(row["since"]))
