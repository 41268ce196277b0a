"""A connection that swallows everything is given up in the time that is promised, not in twice of it."""

import asyncio
from collections.abc import Iterator
from time import monotonic
from urllib.parse import urlsplit

import pytest

from shared.database.pool import GIVEN_BACK, open_pool
from tests.chaos.wire import Wire


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.close()


async def test_who_waits_no_longer_is_let_go_and_the_next_one_has_another_connection(database: str, wire: Wire) -> None:
    port = urlsplit(database).port or 5432
    door = wire.door("postgres", port)
    pool = await open_pool(database.replace(f":{port}/", f":{door.port}/"), "quota")
    await pool.fetch("SELECT 1")
    wire.set("postgres".__eq__, swallow=True)
    began = monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await pool.fetch("SELECT 2")
    took = monotonic() - began
    wire.set("postgres".__eq__)

    assert 0.5 <= took < 0.5 + GIVEN_BACK + 1
    assert await pool.fetchval("SELECT 3") == 3
    await pool.close()
