"""An older database under newer topics: what was said since is read back, and nothing is said twice or otherwise."""

import asyncpg
import pytest

from services.cli.evaluate import fold
from services.cli.ground.restore import read_back
from services.cli.ground.shadow import Ground
from shared.events.topics import SERVICES
from tests.integration.ground import LINES, Live, MemoryTopics, assert_all_were_told, assert_versions_are_whole


async def restored(live: Live) -> None:
    connection = await asyncpg.connect(live.dsn)
    try:
        await read_back(Ground(MemoryTopics(live.broker), live.dsn, lambda _words: None), connection)
    finally:
        await connection.close()


async def folded() -> object:
    state, _ = await fold([("told", n, one) for n, one in enumerate(LINES, 1)])
    return {**state, "refused": None}


async def test_what_the_topics_have_is_read_back_and_nothing_is_said_anew(older: Live) -> None:
    before = older.sizes()
    await restored(older)
    await older.goes_on()

    assert older.sizes() == before
    assert await older.state() == await folded()
    assert [(await older.rebuild(s, dry_run=True)).differing for s in SERVICES] == [[], [], [], []]


@pytest.mark.parametrize(
    "cut",
    [
        {"receipts": 5},
        {"vacancies.v1": 2, "offers.v1": 1, "afdelinger.v1": 1},
        {"decisions.v1": 3, "ledger.v1": 4, "quotas.v1": 2, "colours.v1": 1},
        {"receipts": 7, "vacancies.v1": 1, "decisions.v1": 2, "ledger.v1": 1, "dead-letters": 1},
        {"control.v1/3": 2, "control.v1/4": 1},
        {"control.v1/0": 3, "control.v1/5": 40, "receipts": 3},
    ],
)
async def test_what_the_lost_database_had_not_published_is_said_once(older: Live, cut: dict[str, int]) -> None:
    """Cut: so many of the last records of these topics, or of one partition of theirs, had not gone out."""
    for (topic, partition), log in older.broker.logs.items():
        if number := next((n for name, n in cut.items() if name in f"{topic}/{partition}"), 0):
            del log[-number:]
    await restored(older)
    await older.goes_on()

    assert await older.state() == await folded()
    assert_versions_are_whole(older.broker)
    assert_all_were_told(older.broker)
