"""What the classifier tells operations: the staircase as a whole, what moves on it, and how old the newest list is."""

from collections.abc import Sequence
from typing import get_args

import asyncpg

from shared.events.internal import Colours
from shared.events.values import Colour
from shared.metrics import ColourMetrics, Metrics
from shared.runtime.contract import EVERYONE, Draft, TaskId
from shared.runtime.signals import age

# Afdelinger by the colour that the newest facts lead to; and the date of the newest list that is not taken back, which
# is the same in every task.
STANDING = f"""
WITH line AS (
    SELECT body->'timeline'->-1->>'colour' AS colour FROM conclusion WHERE task = ANY($1) AND kind = 'colours')
SELECT colour, count(*) AS afdelinger, NULL AS list FROM line GROUP BY colour
UNION ALL
SELECT NULL, 0, max((body->>'list_date')::date) FROM fact
WHERE task = ANY($1) AND entity = '{EVERYONE}' AND kind = 'list.published' AND NOT body @> '{{"retracted": true}}'
"""  # noqa: S608 - all parts are ours


class ColourSignals:
    """The `Signals` of the classifier."""

    def __init__(self, pool: asyncpg.Pool, metrics: Metrics) -> None:
        self.pool, self.metrics = pool, ColourMetrics(metrics.registry)
        for colour in get_args(Colour):
            self.metrics.afdelinger.labels(colour)

    def committed(self, draft: Draft) -> None:
        for colours in draft.conclusions.values():
            if isinstance(colours, Colours):
                for change in colours.change:
                    self.metrics.changes.labels(change.before, change.after).inc()

    async def look(self, tasks: Sequence[TaskId]) -> None:
        *rows, newest = await self.pool.fetch(STANDING, tasks)
        count = {r["colour"]: r["afdelinger"] for r in rows}
        for colour in get_args(Colour):
            self.metrics.afdelinger.labels(colour).set(count.get(colour, 0))
        self.metrics.list_age.set(age(newest["list"]))
