"""Who writes while a state is made anew is noticed, and who only believes that a task is his writes nothing."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

import asyncpg
import pytest

from services.cli.ground.quiet import Claimed, claim
from services.cli.ground.rebuild import made
from services.cli.ground.shadow import Ground, Made, Moved
from shared.runtime.contract import Draft, Task
from shared.runtime.postgres import PostgresStore
from tests.integration.ground import Live, MemoryTopics, told

VERSIONS = "SELECT array_agg(version ORDER BY task) FROM quota.task"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
NOTED = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('quota_shadow', 'quota_before')"


@asynccontextmanager
async def being_made(live: Live, service: str = "quota") -> AsyncIterator[tuple[Made, Mapping[str, Claimed]]]:
    """A state that lies beside the live one and is about to be put in its place."""
    connection = await asyncpg.connect(live.dsn)
    try:
        claimed = await claim(connection, service)
        ground = Ground(partial(MemoryTopics, live.broker), live.dsn, lambda _words: None)
        async with made(ground, connection, service, claimed, whole=False) as state:
            yield state, claimed
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "sql",
    ["UPDATE quota.task SET version = version + 1 WHERE task = '3'", "INSERT INTO quota.task (task) VALUES ('3x')"],
    ids=["claimed", "a new one"],
)
async def test_a_task_that_moved_meanwhile_keeps_the_live_state(live: Live, sql: str) -> None:
    async with being_made(live) as (state, claimed):
        await told(live.dsn, sql)
        with pytest.raises(Moved, match=r"^quota wrote meanwhile, in task 3x?: stop all of its processes$"):
            await state.shadow.swap(claimed, state.offsets)

    assert await told(live.dsn, NOTED) == 0
    assert "3" in await told(live.dsn, "SELECT array_agg(task) FROM quota.task")


async def test_who_waits_to_claim_while_the_tables_are_replaced_writes_nothing(live: Live) -> None:
    store = PostgresStore(await live.pool("quota"))
    async with being_made(live) as (state, claimed), state.shadow.connection.transaction():
        await state.shadow.swap(claimed, state.offsets)
        waiting = [asyncio.create_task(store.claim(claimed)) for _ in (1, 2)]
        while await told(live.dsn, WAITING) < len(waiting):
            pass  # each look is a statement
    for tasks in await asyncio.gather(*waiting):
        drafts = [Draft(task, {"vacancies.v1": 0}, None) for task in tasks.values()]

        assert {task.version for task in tasks.values()} != set()
        assert await store.commit(drafts) == set()

    assert await store.claim(claimed) != {}


async def test_a_process_of_the_lost_database_is_behind_what_was_restored(live: Live) -> None:
    """It was frozen, far ahead of the backup, and wakes when the restored database has its name."""
    lost = {str(n): Task(str(n), version, {}) for n, version in enumerate(await told(live.dsn, VERSIONS))}
    async with being_made(live) as (state, claimed):
        await state.shadow.swap(claimed, state.offsets)
    restored = await told(live.dsn, VERSIONS)

    assert [task.version + 10_000_000 < now for task, now in zip(lost.values(), restored, strict=True)] == [True] * 6


async def test_what_an_operator_decides_while_it_is_made_comes_along(live: Live) -> None:
    """And the trace on which a parked fact goes on."""
    await told(live.dsn, "UPDATE ingest.fact SET trace = 'of ' || key WHERE parked")
    traces = "SELECT array_agg(trace ORDER BY key) FROM ingest.fact WHERE parked"
    before = await told(live.dsn, traces)
    async with being_made(live, "ingest") as (state, claimed):
        await told(
            live.dsn,
            """INSERT INTO ingest.discard (sequence, key, revision, by, why, topic, partition, "offset")
            SELECT sequence, key, revision, 'drift-7', 'mistyped', topic, partition, "offset"
            FROM ingest.fact WHERE parked""",
        )
        await state.shadow.swap(claimed, state.offsets)

    assert await told(live.dsn, traces) == before
    assert len(before) == await told(live.dsn, "SELECT count(*) FROM ingest.discard")
