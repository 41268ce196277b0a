"""What a backup holds is of one moment, whatever else is done meanwhile."""

import asyncio
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from services.cli.ground import backup
from services.cli.ground.reading import Impossible
from tests.integration.ground import Live, told

WAITS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> tuple[Event, Event]:
    """Told when the dump is about to begin; it begins when the other is set."""
    begun, go, dump = Event(), Event(), backup.run

    def run(*words: Any) -> None:
        begun.set()
        go.wait(60)
        dump(*words)

    monkeypatch.setattr(backup, "run", run)
    return begun, go


async def test_a_rebuilt_state_takes_its_place_once_the_backup_is_made(
    live: Live, tmp_path: Path, held: tuple[Event, Event]
) -> None:
    begun, go = held
    facts = await told(live.dsn, "SELECT count(*) FROM quota.fact")
    making = asyncio.create_task(live.backup(tmp_path))
    await asyncio.to_thread(begun.wait, 60)
    rebuilding = asyncio.create_task(live.rebuild("quota"))
    while not (rebuilding.done() or await told(live.dsn, WAITS)):
        pass  # each look is a request
    go.set()
    folder, manifest = await making

    assert manifest.tables["quota.fact"].rows == facts
    assert (await rebuilding).swapped

    await live.restore((folder, manifest), topics_lost=True)

    assert await told(live.dsn, "SELECT count(*) FROM quota.fact") == facts


async def test_a_table_may_be_called_anything(live: Live, tmp_path: Path) -> None:
    await told(live.dsn, 'CREATE TABLE public."Odd ""one""" AS SELECT 7 AS seven')
    await live.restore(await live.backup(tmp_path), topics_lost=True)

    assert await told(live.dsn, 'SELECT seven FROM public."Odd ""one"""') == 7


async def test_what_the_address_asks_for_the_tools_are_told(live: Live) -> None:
    with pytest.raises(Impossible, match=r"pg_dump failed: .*SSL"):
        backup.run(f"{live.dsn}?sslmode=require", "pg_dump")
