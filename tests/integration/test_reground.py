"""What the databases say again of topics that are lost: the very records that were there, and all that readers need."""

from collections import Counter, defaultdict
from collections.abc import Coroutine
from typing import Any

import asyncpg
import orjson
import pytest

from services.cli.ground import reground
from services.cli.ground.again import said
from services.cli.ground.reading import Impossible
from services.cli.ground.reground import LETTERS, Plan, planned, regrounded, set_back
from services.cli.ground.said import home_of, read
from services.cli.system import System
from shared.clock import utc_now
from shared.events.internal import Chained, Decision, LedgerLine
from shared.events.topics import CONCLUDED, INTERNAL
from shared.runtime.contract import Outgoing
from shared.runtime.footing import EMPTIED
from tests.integration.ground import OPERATOR, SPOILT, Live, MemoryTopics, told

ALL = INTERNAL.keys() - LETTERS
FLAWS = """
INSERT INTO quota.flaw VALUES ('3', '0001-001', 'vacancies.v1', 3, 17, 'x'),
    ('3', '0002-001', 'decisions.v1', 3, 9, 'x'), ('4', '0003-001', 'vacancies.v1', 4, 2, 'x')
"""

STOP = "INSERT INTO quota.stop (task, why, lifted_at) VALUES ($1, $2, $3)"
LEFT = "SELECT array_agg(entity ORDER BY 1) FROM quota.flaw WHERE entity < '0100'"


async def again(live: Live, lost: set[str]) -> set[tuple[str, Outgoing]]:
    connection = await asyncpg.connect(live.dsn)
    try:
        async with connection.transaction(readonly=True):
            return {(topic, plain(record)) async for topic, record in said(connection, lost)}
    finally:
        await connection.close()


def plain(record: Outgoing) -> Outgoing:
    """The database keeps an object's keys in an order of its own; of a journal's entry it keeps the bytes."""
    headers = tuple(record.headers)
    if any(model.kind.encode() in (dict(headers)["ce_type"] or b"") for model in (Decision, LedgerLine)):
        return record._replace(headers=headers)
    value = orjson.dumps(orjson.loads(record.value or b""), option=orjson.OPT_SORT_KEYS)
    return record._replace(value=value, headers=headers)


def published(live: Live) -> list[tuple[str, Outgoing]]:
    """By the services, in their own name."""
    return [
        (topic, plain(record))
        for (topic, _), log in live.broker.logs.items()
        for record in log
        if topic in ALL and record.value != SPOILT and "redrive_offset" not in dict(record.headers)
    ]


def needed(live: Live) -> set[tuple[str, Outgoing]]:
    """Of everything that was published what is not replaced by a newer version of the same."""
    newest: dict[object, tuple[str, Outgoing]] = {}
    for topic, record in published(live):
        told = read(record) if topic in CONCLUDED else None
        single = told is None or isinstance(told, Chained)
        name = record if told is None or single else (home_of(told), told.kind, told.entity(), told.key())
        newest[topic, name] = topic, record
    return set(newest.values())


async def test_the_very_records_are_written_again(live: Live) -> None:
    written = await again(live, set(ALL))

    assert {topic for topic, _ in written} >= {"control.v1", "vacancies.v1", "colours.v1", "decisions.v1", "ledger.v1"}
    assert needed(live) - written == set()
    assert written - set(published(live)) == set()


async def test_only_what_was_lost_is_written(live: Live) -> None:
    counted: dict[str, int] = defaultdict(int)
    for topic, _ in await again(live, {"vacancies.v1", "ledger.v1"}):
        counted[topic] += 1
    there = Counter(topic for topic, _ in published(live) if topic in counted)

    assert dict(counted) == there
    assert counted.keys() == {"vacancies.v1", "ledger.v1"}


async def test_lost_is_what_ends_before_it_was_consumed_and_what_is_empty_and_has_a_writer(live: Live) -> None:
    [inbound] = {t for t, _ in live.broker.logs if t.startswith("municipality") and t.endswith("facts.in.v1")}
    for (topic, _), log in live.broker.logs.items():
        if topic in ("colours.v1", "ledger.v1", inbound):
            log.clear()
    log = next(log for (topic, _), log in live.broker.logs.items() if topic == "vacancies.v1" and log)
    del log[-1:]
    connection = await asyncpg.connect(live.dsn)
    try:
        plan = await planned(connection, MemoryTopics(live.broker), ["offers.v1"], everything=False)
    finally:
        await connection.close()
    silent = {t for t in ALL if not any(log for (n, _), log in live.broker.logs.items() if n == t)}

    assert plan.lost == {"colours.v1", "ledger.v1", "vacancies.v1", "offers.v1", inbound} | silent
    assert {(service, topic) for service, _, topic in plan.back} == {
        ("ingest", inbound), ("quota", "colours.v1"), ("matching", "colours.v1"), ("quota", "vacancies.v1"),
        ("matching", "vacancies.v1"), ("matching", "offers.v1"),
    }  # fmt: skip


async def test_lost_is_what_a_task_is_stopped_for_also_where_it_has_grown_past_what_was_consumed(live: Live) -> None:
    task = await told(live.dsn, "SELECT min(task) FROM quota.task WHERE offsets ? 'vacancies.v1'")
    for topic, lifted_at in (("vacancies.v1", None), ("offers.v1", utc_now())):
        why = f"{EMPTIED}: {topic} at 5, it ends at 2"
        await told(live.dsn, STOP, task, why, lifted_at)
    connection = await asyncpg.connect(live.dsn)
    try:
        plan = await planned(connection, MemoryTopics(live.broker), [], everything=False)
        await set_back(connection, plan, OPERATOR)
    finally:
        await connection.close()

    assert plan.lost & {"vacancies.v1", "offers.v1"} == {"vacancies.v1"}
    assert ("quota", task, "vacancies.v1") in plan.back
    assert await told(live.dsn, "SELECT count(*) FROM quota.stop WHERE lifted_at IS NULL") == 0


async def test_records_that_are_read_again_leave_no_mark(live: Live) -> None:
    """The other afdeling's record lies in a topic that stands."""
    await told(live.dsn, FLAWS)
    connection = await asyncpg.connect(live.dsn)
    try:
        await set_back(connection, Plan({"vacancies.v1"}, [("quota", "3", "vacancies.v1")]), OPERATOR)
    finally:
        await connection.close()

    assert await told(live.dsn, LEFT) == ["0002-001", "0003-001"]


def dry(live: Live, *named: str) -> Coroutine[Any, Any, dict[str, Any]]:
    system = System([], {}, live.dsn)
    return regrounded(system, named, OPERATOR, lambda _words: None, everything=False, dry_run=True)


async def test_a_dry_run_tells_of_a_topic_that_the_run_would_make(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    there = [place for place in live.broker.logs if place[0] == "offers.v1"]
    number = sum(len(live.broker.logs.pop(place)) for place in there)
    monkeypatch.setattr(reground, "Topics", lambda _system: MemoryTopics(live.broker))

    assert (await dry(live, "offers.v1"))["records"]["offers.v1"] == number


@pytest.mark.parametrize("name", ["quota.dead-letters.v1", "municipality.0851.receipts.v1", "org.9999.in.v1", "orders"])
async def test_a_topic_of_which_nothing_is_held_is_refused(live: Live, name: str) -> None:
    with pytest.raises(Impossible, match=f"no database holds anything of {name}: "):
        await dry(live, name)
