"""What the databases say again of topics that are lost: the very records that were there, and all that readers need."""

from collections import Counter, defaultdict

import asyncpg
import orjson

from services.cli.ground.again import said
from services.cli.ground.reground import LETTERS, planned
from services.cli.ground.said import home_of, read
from shared.events.internal import Chained, Decision, LedgerLine
from shared.events.topics import CONCLUDED, INTERNAL
from shared.runtime.contract import Outgoing
from tests.integration.ground import SPOILT, Live, MemoryTopics

ALL = INTERNAL.keys() - LETTERS


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
