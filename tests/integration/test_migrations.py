"""A migration that fails half way leaves nothing of itself, is named, and goes in when it is mended; one that takes
something away waits until no process of another version is left.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from shared.database import migrations
from shared.database.migrations import MigrationFailed, OthersLive, OtherVersion, apply, make, standing
from shared.database.pool import open_pool
from shared.version import VERSION

FIRST, HALF = "CREATE TABLE first (id int);", "CREATE TABLE second (id int); CREATE TABLE third (id nonsense);"
pytestmark = pytest.mark.schema("quota")


@pytest.fixture
async def folder(pool: asyncpg.Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    """Of a service that no one else knows."""
    monkeypatch.setattr(migrations, "FOLDERS", {"mended": (tmp_path,)})
    yield tmp_path
    await pool.execute("DROP SCHEMA mended CASCADE")
    await pool.execute("DELETE FROM public.migration WHERE schema = 'mended'")


async def test_half_a_migration_is_none(pool: asyncpg.Pool, database: str, folder: Path) -> None:
    (folder / "0001_first.sql").write_text(FIRST)
    (folder / "0002_half.sql").write_text(HALF)

    async def tables() -> list[str]:
        return [
            r[0] for r in await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'mended' ORDER BY 1")
        ]

    with pytest.raises(MigrationFailed, match=r"migration mended/0002_half\.sql failed and left nothing .*nonsense"):
        await apply(database)

    assert await tables() == ["first"]

    (folder / "0002_half.sql").write_text(HALF.replace("nonsense", "int"))

    assert await apply(database) == ["mended/0002_half.sql"]
    assert await tables() == ["first", "second", "third"]


@pytest.fixture
async def old(database: str) -> AsyncIterator[asyncpg.Pool]:
    """Of a process of an older version."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "VERSION", "0.0.1")
        old = await open_pool(database, "mended", "mended-2")
    await old.fetchval("SELECT 1")
    yield old
    await old.close()


async def test_nothing_is_taken_away_while_another_version_lives(
    database: str, folder: Path, old: asyncpg.Pool
) -> None:
    (folder / "0001_first.sql").write_text(FIRST)
    await apply(database)
    (folder / "0002_wider.sql").write_text("ALTER TABLE first ADD more int")
    (folder / "0002_narrower.post.sql").write_text("ALTER TABLE first DROP id")
    name = "trappetrin/mended/0.0.1/mended-2"

    assert await apply(database) == ["mended/0002_wider.sql"]
    assert await standing(database) == ([], [("mended", folder / "0002_narrower.post.sql")], [name])

    with pytest.raises(OthersLive, match=f"this is version {VERSION}, and {name} of another version still lives"):
        await apply(database, post=True)

    await old.close()

    assert await apply(database, post=True) == ["mended/0002_narrower.post.sql"]
    assert await standing(database, post=True) == ([], [], [])


async def test_where_one_is_in_the_way_nothing_is_run(database: str, folder: Path, old: asyncpg.Pool) -> None:
    (folder / "0001_first.sql").write_text(FIRST)
    await apply(database)
    (folder / "0002_wider.sql").write_text("ALTER TABLE first ADD more int")
    (folder / "0002_narrower.post.sql").write_text("ALTER TABLE first DROP id")
    (folder / "0003_widest.sql").write_text("ALTER TABLE first ADD most int")
    due = [f"mended/{name}" for name in ("0002_wider.sql", "0002_narrower.post.sql", "0003_widest.sql")]

    with pytest.raises(
        OthersLive,
        match=r"mended/0002_narrower\.post\.sql waits, and nothing was run: .* An earlier post-migration was forgotten:"
        " run `trappetrin migrate --post` by the console of the version that lives, or stop it",
    ):
        await apply(database)

    assert [str(m) for m in (await standing(database)).due] == due

    await old.close()

    assert await apply(database) == due


async def test_a_migration_does_not_wait_for_a_table_for_ever(
    pool: asyncpg.Pool, database: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "0001_first.sql").write_text(FIRST)
    await apply(database)
    (folder / "0002_wider.sql").write_text("ALTER TABLE first ADD more int")
    monkeypatch.setattr(migrations, "PATIENCE", 0.1)
    async with pool.acquire() as holder, holder.transaction():
        await holder.execute("LOCK mended.first IN ACCESS SHARE MODE")

        with pytest.raises(MigrationFailed, match=r"mended/0002_wider\.sql left nothing behind: .*pg_stat_activity"):
            await apply(database)

    assert await apply(database) == ["mended/0002_wider.sql"]


async def test_who_waits_for_another_migration_says_so(pool: asyncpg.Pool, database: str, folder: Path) -> None:
    (folder / "0001_first.sql").write_text(FIRST)
    said: asyncio.Queue[str] = asyncio.Queue()
    async with pool.acquire() as other:
        await other.execute("SELECT pg_advisory_lock($1)", migrations.LOCK)
        waiting = asyncio.create_task(apply(database, say=said.put_nowait))

        assert await said.get() == (
            "another migration of this database is under way, or a command for the bad day: waiting for its end"
        )
        assert await pool.fetchval("SELECT to_regnamespace('mended')") is None

        await other.execute("SELECT pg_advisory_unlock($1)", migrations.LOCK)

    assert await waiting == ["mended/0001_first.sql"]


async def test_a_new_database_gets_all_at_once(database: str, folder: Path) -> None:
    (folder / "0001_first.sql").write_text(FIRST)
    (folder / "0001_narrower.post.sql").write_text("ALTER TABLE first DROP id")

    assert await apply(database) == ["mended/0001_first.sql", "mended/0001_narrower.post.sql"]


async def test_the_tables_of_another_version_are_not_made_anew(pool: asyncpg.Pool, database: str, folder: Path) -> None:
    (folder / "0001_first.sql").write_text(FIRST)
    (folder / "0002_wider.sql").write_text("ALTER TABLE first ADD more int")
    await apply(database)
    (folder / "0002_wider.sql").rename(folder / "0003_widest.sql")
    async with pool.acquire() as connection:
        with pytest.raises(OtherVersion, match=r"the database lacks 0003_widest\.sql: run `trappetrin migrate`"):
            await make(connection, "mended", "mended_shadow")

        (folder / "0003_widest.sql").unlink()
        with pytest.raises(OtherVersion, match=r"newer version than this one, .*: 0002_wider\.sql"):
            await make(connection, "mended", "mended_shadow")

        (folder / "0002_wider.sql").write_text("ALTER TABLE first ADD more int")
        (folder / "0002_narrower.post.sql").write_text("ALTER TABLE first DROP id")
        await make(connection, "mended", "mended_shadow")

    columns = "SELECT array_agg(column_name) FROM information_schema.columns WHERE table_schema = 'mended_shadow'"

    assert await pool.fetchval(columns) == ["id", "more"]  # as the live ones: what is to be taken away is there
    await pool.execute("DROP SCHEMA mended_shadow CASCADE")
