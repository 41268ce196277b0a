"""A migration that fails half way leaves nothing of itself, is named, and goes in when it is mended."""

from pathlib import Path

import asyncpg
import pytest

from shared.database import migrations
from shared.database.migrations import MigrationFailed, apply

FIRST, HALF = "CREATE TABLE first (id int);", "CREATE TABLE second (id int); CREATE TABLE third (id nonsense);"


@pytest.mark.schema("quota")
async def test_half_a_migration_is_none(
    pool: asyncpg.Pool, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "FOLDERS", {"mended": (tmp_path,)})
    (tmp_path / "0001_first.sql").write_text(FIRST)
    (tmp_path / "0002_half.sql").write_text(HALF)

    async def tables() -> list[str]:
        return [
            r[0] for r in await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'mended' ORDER BY 1")
        ]

    with pytest.raises(MigrationFailed, match=r"migration mended/0002_half\.sql failed and left nothing .*nonsense"):
        await apply(database)

    assert await tables() == ["first"]

    (tmp_path / "0002_half.sql").write_text(HALF.replace("nonsense", "int"))

    assert await apply(database) == ["mended/0002_half.sql"]
    assert await tables() == ["first", "second", "third"]
    await pool.execute("DROP SCHEMA mended CASCADE")
    await pool.execute("DELETE FROM public.migration WHERE schema = 'mended'")
