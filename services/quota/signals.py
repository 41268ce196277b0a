"""What quota tells operations: the 25 % over all afdelinger, and what is owed."""

from collections.abc import Sequence

import asyncpg

from shared.metrics import Metrics, QuotaMetrics
from shared.runtime.contract import Draft, TaskId
from shared.runtime.signals import age

HOMES = ("due", "reported", "owed", "credit")
VACANCIES = ("counting", "suspended", "excluded")

# Sums over the afdelinger; how many of them owe, and since when the first of these does, where that is told.
STANDING = f"""
SELECT {", ".join(f"coalesce(sum((body->>'{name}')::int), 0) AS {name}" for name in (*HOMES, *VACANCIES))},
    count(*) FILTER (WHERE (body->>'owed')::int > 0) AS owing,
    min((body->>'owed_since')::date) FILTER (WHERE (body->>'owed')::int > 0) AS since
FROM conclusion WHERE task = ANY($1) AND kind = 'quota'
"""  # noqa: S608 - all parts are ours


class QuotaSignals:
    """The `Signals` of quota."""

    def __init__(self, pool: asyncpg.Pool, metrics: Metrics) -> None:
        self.pool, self.metrics = pool, QuotaMetrics(metrics.registry)

    def committed(self, draft: Draft) -> None: ...

    async def look(self, tasks: Sequence[TaskId]) -> None:
        [row] = await self.pool.fetch(STANDING, tasks)
        for name in HOMES:
            self.metrics.homes.labels(name).set(row[name])
        for name in VACANCIES:
            self.metrics.vacancies.labels(name).set(row[name])
        self.metrics.owing.set(row["owing"])
        self.metrics.owed_age.set(age(row["since"]))
