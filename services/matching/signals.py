"""What matching tells operations: decisions as they are made, and offers that wait for an answer."""

from collections.abc import Sequence
from typing import get_args

import asyncpg

from shared.events.internal import Decision, Outcome
from shared.metrics import Metrics, OfferMetrics
from shared.runtime.contract import Draft, TaskId
from shared.runtime.signals import age

TO_ANSWER: tuple[Outcome, ...] = ("accepted", "accepted_with_conditions", "referred")
"""Outcomes after which somebody is to act: boliganvisningen, or the two who look at what is referred."""

# Offers by the outcome that stands; of those that wait for an answer how many, and when the first was submitted.
STANDING = """
WITH life AS (
    SELECT body->>'outcome' AS outcome, (body->>'submitted_on')::date AS submitted_on,
        body->>'state' = 'decided' AND body->>'outcome' = ANY($2) AS waits
    FROM conclusion WHERE task = ANY($1) AND kind = 'offer.life' AND body->>'outcome' IS NOT NULL)
SELECT outcome, count(*) AS offers, count(*) FILTER (WHERE waits) AS unanswered,
    min(submitted_on) FILTER (WHERE waits) AS since
FROM life GROUP BY outcome
"""


class OfferSignals:
    """The `Signals` of matching."""

    def __init__(self, pool: asyncpg.Pool, metrics: Metrics) -> None:
        self.pool, self.metrics = pool, OfferMetrics(metrics.registry)
        for outcome in get_args(Outcome):
            self.metrics.decisions.labels(outcome)
            self.show(outcome)

    def show(self, outcome: Outcome, row: asyncpg.Record | None = None) -> None:
        self.metrics.offers.labels(outcome).set(row["offers"] if row else 0)
        if outcome in TO_ANSWER:
            self.metrics.unanswered.labels(outcome).set(row["unanswered"] if row else 0)
            self.metrics.unanswered_age.labels(outcome).set(age(row["since"] if row else None))

    def committed(self, draft: Draft) -> None:
        for decision in draft.conclusions.values():
            if isinstance(decision, Decision):
                self.metrics.decisions.labels(decision.outcome).inc()
                for reason in decision.reasons:
                    self.metrics.reasons.labels(reason.code, reason.kind).inc()

    async def look(self, tasks: Sequence[TaskId]) -> None:
        rows = {r["outcome"]: r for r in await self.pool.fetch(STANDING, tasks, list(TO_ANSWER))}
        for outcome in get_args(Outcome):
            self.show(outcome, rows.get(outcome))
