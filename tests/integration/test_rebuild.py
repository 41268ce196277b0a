"""A state made anew from the topics: the same where nothing is wrong; where something is, it is named and mended."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.cli.ground.dumping import named
from services.cli.ground.reading import Impossible
from services.cli.ground.said import Said
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from shared.database.migrations import apply
from shared.events.topics import CONCLUDED, SERVICES
from tests.integration.ground import Live, told

SMALL = (Path(__file__).parents[2] / "examples" / "small.ndjson").read_bytes().splitlines()
YEAR = [line(event).encode() for event in simulate(4, afdelinger=3, broken=0.02)]


@pytest.fixture(scope="module")
def settled(database: str) -> Live:
    """A year that had all its effect, in a database of its own; nobody runs."""

    async def settle() -> Live:
        await told(database, "CREATE DATABASE settled")
        dsn = named(database, "settled")
        await apply(dsn)
        live = Live(dsn)
        await live.start()
        await live.settle([*SMALL, *YEAR])
        await live.stop()
        return live

    return asyncio.run(settle())


@pytest.fixture
async def live(settled: Live, database: str) -> AsyncIterator[Live]:
    """A copy of it."""
    await told(database, "CREATE DATABASE copied TEMPLATE settled")
    live = Live(named(database, "copied"), settled.broker)
    yield live
    await live.stop()
    await told(database, "DROP DATABASE copied")


async def goes_on(live: Live) -> None:
    """All services start again, and find nothing more to do."""
    await live.start()
    await live.settle()
    await live.stop()


def said(live: Live) -> Said:
    found = Said()
    for (topic, _), log in live.broker.logs.items():
        for record in log if topic in CONCLUDED else ():
            found.hear(record)
    return found


def assert_versions_are_whole(live: Live) -> None:
    """Of each conclusion the versions are 1, 2, 3 …, and the journals have no hole and nothing twice."""
    versions: dict[tuple[object, ...], set[int]] = defaultdict(set)
    found = said(live)
    for (topic, _), log in live.broker.logs.items():
        for record in log if topic in CONCLUDED else ():
            headers = dict(record.headers)
            one = Said()
            one.hear(record)
            for home, slots in one.stated.items():
                for slot, (version, _) in slots.items():
                    versions[topic, home, slot, headers["ce_type"]].add(version)

    assert {v for v, numbers in versions.items() if numbers != set(range(1, len(numbers) + 1))} == set()
    assert found.twice == []
    assert all(list(found.lines(home)) for home in found.journals)  # raises where there is a hole


async def test_nothing_differs_and_nothing_is_said_anew(live: Live) -> None:
    before = live.sizes()
    for service in SERVICES:
        done = await live.rebuild(service)

        assert (done.differing, done.news, done.swapped) == ([], [], True)
        assert done.live == done.rebuilt

    await goes_on(live)

    assert live.sizes() == before
    assert [(await live.rebuild(s, dry_run=True)).differing for s in SERVICES] == [[], [], [], []]


@pytest.mark.parametrize(
    ("service", "sql", "what"),
    [
        ("quota", "UPDATE quota.conclusion SET body = jsonb_set(body, '{due}', '99') WHERE kind = 'quota'", "quota"),
        ("quota", "DELETE FROM quota.conclusion WHERE kind = 'quota'", "quota is missing"),
        ("quota", "DELETE FROM quota.conclusion WHERE kind = 'position'", "position"),
        ("quota", "UPDATE quota.journal SET body = replace(body, 'vacancy_counted', 'taken_over')", "ledger.line"),
        ("matching", "UPDATE matching.journal SET hash = 'x' WHERE number = 1", "decision 1 is not as published"),
        ("matching", "DELETE FROM matching.conclusion WHERE kind = 'decision'", "decision"),
        ("classifier", "DELETE FROM classifier.conclusion WHERE entity = ''", "area"),
        ("classifier", "DELETE FROM classifier.fact WHERE entity <> ''", "fact"),
    ],
)
async def test_what_the_live_state_has_wrong_is_named_and_mended_without_a_word(
    live: Live, service: str, sql: str, what: str
) -> None:
    await told(live.dsn, sql)
    before = live.sizes()
    done = await live.rebuild(service)

    assert done.swapped is False
    assert done.differing
    assert all(what in one for one in done.differing)
    assert done.news == []

    assert (await live.rebuild(service, accept=True)).swapped
    await goes_on(live)

    assert live.sizes() == before  # what was published was right
    assert (await live.rebuild(service, dry_run=True)).differing == []


async def test_a_wrong_conclusion_that_was_published_is_followed_by_the_right_one(live: Live) -> None:
    fact = """
        UPDATE quota.fact SET body = jsonb_set(body, '{dwelling}', '"youth"') WHERE kind = 'vacancy.reported'
        AND body ->> 'dwelling' = 'family' AND body ->> 'reason' = 'external'"""
    await told(live.dsn, fact)
    await told(live.dsn, "UPDATE quota.task SET cursor = ''")
    await goes_on(live)
    wrong = await live.rebuild("quota")

    assert any("fact vacancy.reported" in one for one in wrong.differing)
    assert any(": quota" in one for one in wrong.news)
    assert any("ledger.line" in one for one in wrong.news)
    assert wrong.live != wrong.rebuilt

    await live.rebuild("quota", accept=True)
    await goes_on(live)
    right = await live.rebuild("quota")

    assert (right.differing, right.news) == ([], [])
    assert right.rebuilt == wrong.rebuilt
    assert_versions_are_whole(live)


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("DELETE FROM ingest.fact WHERE kind LIKE 'vacancy.%'", "is missing"),
        ("UPDATE ingest.fact SET content = 'x' WHERE kind = 'agreement.published'", "is not as it was sent"),
        ("DELETE FROM ingest.refusal", "is missing"),
        ("DELETE FROM ingest.fixed", "is not what was fixed first"),
    ],
)
async def test_what_the_edge_has_wrong_is_named_and_mended(live: Live, sql: str, what: str) -> None:
    await told(live.dsn, sql)
    before = live.sizes()
    done = await live.rebuild("ingest", accept=True)

    assert done.swapped
    assert done.differing
    assert all(what in one for one in done.differing)

    await goes_on(live)

    assert live.sizes() == before
    assert (await live.rebuild("ingest", dry_run=True)).differing == []


async def test_a_service_that_runs_is_not_rebuilt(live: Live) -> None:
    await live.start()
    with pytest.raises(Impossible, match="quota must be stopped first: `trappetrin down quota`"):
        await live.rebuild("quota")


async def test_a_task_that_was_being_reconsidered_is_named(live: Live) -> None:
    await told(live.dsn, "UPDATE quota.task SET cursor = '' WHERE task = '3'")
    with pytest.raises(Impossible, match="stopped while it was reconsidering task 3"):
        await live.rebuild("quota")


async def test_a_service_whose_own_topic_is_empty_is_not_rebuilt(live: Live) -> None:
    for place in [p for p in live.broker.logs if p[0] == "decisions.v1"]:
        del live.broker.logs[place]
    with pytest.raises(Impossible, match=r"decisions\.v1 is empty, and matching has published there"):
        await live.rebuild("matching")
