"""The agreement's signals: read of a process's own tasks only, so that the sum over processes is the whole."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from services.classifier.signals import ColourSignals
from services.ingest.memory import MemoryIngestStore
from services.ingest.signals import IngestSignals
from services.ingest.store import PostgresIngestStore
from services.matching.signals import OfferSignals
from services.quota.signals import QuotaSignals
from shared.events.decoding import of_line
from shared.events.internal import Colours, Conclusion, Decision, Life, LifeState, OfferReason, Outcome, Quota
from shared.metrics import Metrics
from shared.runtime.contract import EVERYONE, Draft, Fact, Flaw
from shared.runtime.postgres import PostgresStore
from shared.runtime.signals import Incomplete
from tests.edge import ORG, Edge

AT = datetime(2026, 1, 2, 8, tzinfo=UTC)
EDGE = Edge(MemoryIngestStore())
DAY = 86400


def read(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"trappetrin_{name}", labels)


def fact(kind: str, entity: str = EVERYONE, **data: Any) -> Fact:
    body = of_line(EDGE.event(kind, **data))
    return Fact(entity, body.kind, body.key(), body.revision, AT, body)


async def written(pool: asyncpg.Pool, task: str, facts: list[Fact], conclusions: list[Conclusion]) -> Draft:
    store = PostgresStore(pool)
    one = Draft((await store.claim([task]))[task], {}, None)
    one.facts = {(f.entity, f.slot): f for f in facts}
    one.conclusions = {(c.entity(), (c.kind, c.key())): c for c in conclusions}
    assert await store.commit([one]) == {task}
    return one


def decision(offer: str, outcome: str) -> Decision:
    reasons = [OfferReason(code="rent_missing", kind="refer", sentence_da="-")] if outcome == "referred" else []
    return Decision(
        version=1, recorded_at=AT, offer_id=offer, vacancy_id="v", afdeling_id="0123-001", outcome=outcome,
        reasons=reasons, colour="green", agreement=None, vacancy_revision=1, offer_revision=1,
    )  # fmt: skip


def life(offer: str, outcome: Outcome | None, state: LifeState, days: int) -> Life:
    """Of an offer that was submitted so many days ago."""
    return Life(
        version=1, recorded_at=AT, offer_id=offer, vacancy_id=f"v-{offer}", afdeling_id="0123-001", state=state,
        outcome=outcome, submitted_on=datetime.now(UTC).date() - timedelta(days),
    )  # fmt: skip


@pytest.mark.schema("matching")
async def test_offers_that_wait_for_an_answer(pool: asyncpg.Pool) -> None:
    concluded = [
        decision("o1", "accepted"), decision("o2", "accepted"), decision("o3", "referred"), decision("o4", "rejected"),
        life("o1", "accepted", "decided", 9), life("o2", "accepted", "assigned", 30),
        life("o3", "referred", "decided", 3), life("o4", "rejected", "decided", 99), life("o5", None, "submitted", 200),
    ]  # fmt: skip
    metrics = Metrics()
    signals = OfferSignals(pool, metrics)
    signals.committed(await written(pool, "1", [], concluded))
    await written(pool, "2", [], [life("o9", "referred", "decided", 1)])
    await signals.look(["1"])

    assert [read(metrics, "offers", outcome=o) for o in ("accepted", "rejected", "referred", "withdrawn")] == [
        2, 1, 1, 0,
    ]  # fmt: skip
    assert read(metrics, "offers_unanswered", outcome="accepted") == 1
    assert 9 * DAY <= (read(metrics, "oldest_unanswered_offer_seconds", outcome="accepted") or 0) < 10 * DAY
    assert 3 * DAY <= (read(metrics, "oldest_unanswered_offer_seconds", outcome="referred") or 0) < 4 * DAY
    assert read(metrics, "decisions_total", outcome="accepted") == 2
    assert read(metrics, "decision_reasons_total", reason="rent_missing", kind="refer") == 1

    await signals.look(["2"])

    assert read(metrics, "offers_unanswered", outcome="accepted") == 0
    assert read(metrics, "offers_unanswered", outcome="referred") == 1


def quota(afdeling: str, owed: int, credit: int) -> Quota:
    return Quota(
        version=1, recorded_at=AT, afdeling_id=afdeling, counting=8, provisional=0, suspended=2, excluded=1,
        due_exact="2", due=2, reported=2 - owed + credit, owed=owed, credit=credit, next_due_in=4, agreement=None,
    )  # fmt: skip


@pytest.mark.schema("quota")
async def test_homes_owed(pool: asyncpg.Pool) -> None:
    metrics = Metrics()
    await written(pool, "1", [], [quota("0123-001", 2, 0), quota("0123-002", 0, 1)])
    await written(pool, "2", [], [quota("0123-003", 1, 0)])
    signals = QuotaSignals(pool, metrics)
    await signals.look(["1"])

    assert [read(metrics, "quota_homes", count=c) for c in ("due", "reported", "owed", "credit")] == [4, 3, 2, 1]
    assert [read(metrics, "vacancies", count=c) for c in ("counting", "suspended", "excluded")] == [16, 4, 2]
    assert read(metrics, "afdelinger_owing") == 1

    await signals.look([])

    assert read(metrics, "quota_homes", count="owed") == 0


@pytest.mark.schema("classifier")
async def test_colours_and_the_newest_list(pool: asyncpg.Pool) -> None:
    def colours(afdeling: str, *line: str) -> Colours:
        timeline = [
            {"from": f"{2020 + n}-01-01", "colour": c, "at_least": None, "because": []} for n, c in enumerate(line)
        ]
        told = {"afdeling_id": afdeling, "agreements": "a", "timeline": timeline}
        return Colours.model_validate({"version": 1, "recorded_at": AT, **told}).following(None)

    lists = [
        fact("list.published", list_date="2023-12-01", lists={"udsat": {"complete": True, "areas": []}}),
        fact("list.published", list_date="2024-12-01", retracted=True, revision=2),
    ]
    conclusions = [colours("0123-001", "unknown", "green"), colours("0123-002", "unknown"), colours("0123-003", "red")]
    metrics = Metrics()
    signals = ColourSignals(pool, metrics)
    signals.committed(await written(pool, "1", lists, conclusions))
    await signals.look(["1"])

    assert [read(metrics, "afdelinger", colour=c) for c in ("red", "yellow", "green", "unknown")] == [1, 0, 1, 1]
    assert read(metrics, "colour_changes_total", before="unknown", after="green") == 1
    days = (datetime.now(UTC).date() - date(2023, 12, 1)).days
    assert days * DAY <= (read(metrics, "newest_list_age_seconds") or 0) < (days + 1) * DAY


@pytest.mark.schema("ingest")
async def test_what_became_of_inbound_events(pool: asyncpg.Pool) -> None:
    metrics, edge = Metrics(), Edge(PostgresIngestStore(pool))
    signals = IngestSignals(pool, metrics)
    drafts = await edge.drafts([f"{ORG}/0"])
    lines = [edge.event("vacancy.reported"), edge.event("vacancy.reported"), b"{"]
    await edge.handler.prepare([(drafts[f"{ORG}/0"], edge.record(ORG, line)) for line in lines])
    await edge.store.commit(list(drafts.values()))
    signals.committed(drafts[f"{ORG}/0"])
    await signals.look([f"{ORG}/0"])

    assert [read(metrics, "inbound_events_total", fate=f) for f in ("accepted", "parked", "duplicate", "refused")] == [
        0, 1, 1, 1,
    ]  # fmt: skip
    assert drafts[f"{ORG}/0"].letters == {"invalid": 1}
    assert read(metrics, "parked_events", reason="afdeling_not_registered") == 1
    assert (read(metrics, "oldest_parked_event_seconds") or 0) > 0

    await signals.look([f"{ORG}/1"])

    assert read(metrics, "parked_events", reason="afdeling_not_registered") == 0


@pytest.mark.schema("quota")
async def test_entities_that_lack_a_dead_letter(pool: asyncpg.Pool) -> None:
    store, metrics = PostgresStore(pool), Metrics()
    one = Draft((await store.claim(["1"]))["1"], {}, None)
    one.flaws = [Flaw(entity, "vacancies.v1", 1, n, "broken") for n, entity in enumerate(("a", "a", "b"))]
    await store.commit([one])
    await Incomplete(pool, metrics).look(["1"])

    assert read(metrics, "incomplete_entities") == 2
