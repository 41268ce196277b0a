"""Commands for the bad day have the database to themselves: no other one beside them, no migration, no service."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.cli.ground.alone import alone
from services.cli.ground.dumping import named
from services.cli.ground.reading import Impossible
from services.cli.ground.reground import regrounded
from services.cli.system import System
from shared.database.migrations import LOCK, apply
from tests.integration.ground import OPERATOR, Live, told

NAMES = "SELECT array_agg(datname ORDER BY 1) FROM pg_database WHERE datname LIKE 'copied%'"


def reground(live: Live) -> Awaitable[Any]:
    return regrounded(System([], {}, live.dsn), [], OPERATOR, lambda _words: None, everything=False, dry_run=True)


@pytest.mark.parametrize(
    "second",
    [
        lambda live: live.rebuild("matching"),
        lambda live: live.rebuild("quota", dry_run=True),
        lambda live: live.restore_in_place(),
        reground,
    ],
    ids=["rebuild", "dry run", "restore", "reground"],
)
async def test_beside_one_no_other_is_begun_and_it_says_what_runs(
    live: Live, second: Callable[[Live], Awaitable[Any]]
) -> None:
    async with alone(live.dsn, "rebuild quota"):
        with pytest.raises(Impossible, match=r"^console/rebuild quota \(user \w+, pid \d+\) is under way: run"):
            await second(live)

    assert (await live.rebuild("quota", dry_run=True)).same


async def test_of_two_restores_the_second_leaves_the_first_ones_database_alone(live: Live, tmp_path: Path) -> None:
    backup = await live.backup(tmp_path)
    await told(live.dsn, "CREATE DATABASE copied_restored")
    async with alone(named(live.dsn, "postgres"), "restore"):
        with pytest.raises(Impossible, match=r"console/restore \(.*\) is under way"):
            await live.restore(backup)

    assert await told(live.dsn, NAMES) == ["copied", "copied_restored"]


async def test_beside_a_rebuild_no_backup_is_put_back(live: Live, tmp_path: Path) -> None:
    backup = await live.backup(tmp_path)
    async with alone(live.dsn, "rebuild quota") as connection:
        with pytest.raises(Impossible, match=r"console/rebuild quota \(.*\) is under way"):
            await live.restore(backup, disconnect=True)

        assert await connection.fetchval("SELECT 1") == 1


@pytest.mark.parametrize(
    ("schema", "why"), [("quota", "quota must be stopped first"), ("", r"console/rebuild quota \(.*\) is under way")]
)
async def test_who_writes_meanwhile_is_not_disconnected_and_nothing_is_put_in_place(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: str, why: str
) -> None:
    """What a service consumes while the backup is read back would be put aside with the database."""
    backup, begun = await live.backup(tmp_path), list[Any]()
    async with AsyncExitStack() as until:

        async def comes(*_words: object) -> dict[str, object]:
            late = live.pool(schema) if schema else until.enter_async_context(alone(live.dsn, "rebuild quota"))
            begun.append(await late)
            await begun[0].fetchval("SELECT 1")
            return {}

        monkeypatch.setattr("services.cli.ground.restore.read_back", comes)
        with pytest.raises(Impossible, match=why):
            await live.restore(backup, disconnect=True)

        assert await begun[0].fetchval("SELECT pg_backend_pid() > 0")
        assert await told(live.dsn, NAMES) == ["copied"]


async def test_a_migration_waits_until_it_has_ended(live: Live) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    async with alone(live.dsn, "rebuild quota"):
        waiting = asyncio.create_task(apply(live.dsn, say=said.put_nowait))

        assert "or a command for the bad day: waiting for its end" in await said.get()
        assert not waiting.done()

    assert await waiting == []


async def test_while_a_migration_runs_nothing_is_begun(live: Live) -> None:
    migrating = await asyncpg.connect(live.dsn)
    await migrating.execute("SELECT pg_advisory_lock($1)", LOCK)
    with pytest.raises(Impossible, match=r"^a migration \(user \w+, pid \d+\) is under way"):
        await live.rebuild("quota")

    await migrating.close()
