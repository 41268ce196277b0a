"""A migration that fails half way leaves nothing of itself, is named, and goes in when it is mended; one that takes
something away waits until no process of another version is left.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from shared.database import migrations
from shared.database.migrations import MigrationFailed, OthersLive, apply, standing
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


async def test_nothing_is_taken_away_while_another_version_lives(database: str, folder: Path) -> None:
    (folder / "0001_first.sql").write_text(FIRST)
    await apply(database)
    (folder / "0002_wider.sql").write_text("ALTER TABLE first ADD more int")
    (folder / "0002_narrower.post.sql").write_text("ALTER TABLE first DROP id")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "VERSION", "0.0.1")
        old = await open_pool(database, "mended", "mended-2")
    await old.fetchval("SELECT 1")
    name = "trappetrin/mended/0.0.1/mended-2"

    assert await apply(database) == ["mended/0002_wider.sql"]
    assert await standing(database) == ([], [("mended", folder / "0002_narrower.post.sql")], [name])

    with pytest.raises(OthersLive, match=f"this is version {VERSION}, and {name} of another version still lives"):
        await apply(database, post=True)

    await old.close()

    assert await apply(database, post=True) == ["mended/0002_narrower.post.sql"]
    assert await standing(database, post=True) == ([], [], [])


async def test_a_new_database_gets_all_at_once(database: str, folder: Path) -> None:
    (folder / "0001_first.sql").write_text(FIRST)
    (folder / "0001_narrower.post.sql").write_text("ALTER TABLE first DROP id")

    assert await apply(database) == ["mended/0001_first.sql", "mended/0001_narrower.post.sql"]
