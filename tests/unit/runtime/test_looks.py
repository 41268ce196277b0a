"""A look that fails, however it fails, is a reason not to be ready; the next one comes."""

import asyncio
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from shared.metrics import Metrics
from shared.runtime.counting import Counting
from shared.runtime.looks import Looks
from shared.settings import Settings

TORN = asyncpg.InternalClientError("got result for unknown protocol state 3")
"""What asyncpg raised of a connection that was swallowed for a while: neither of the server nor of the interface."""


async def torn(*_words: Any) -> Any:
    raise TORN


@pytest.fixture
def looks() -> Looks:
    core = SimpleNamespace(wanted={"0"}, tasks={})
    watch = Counting(Metrics())
    watch.signals = [SimpleNamespace(look=torn)]
    settings = Settings(instance="quota-1", kafka="localhost:9092", database="postgresql://localhost/none")
    return Looks(settings, "quota", SimpleNamespace(fetch=torn), SimpleNamespace(core=core, ends=torn), watch)


async def test_a_torn_connection_is_told_and_ends_nothing(looks: Looks) -> None:
    await looks.look_at_database()
    await looks.look_at_broker()

    assert looks.database == "the database does not answer: InternalClientError"
    assert looks.broker == "the broker does not answer: InternalClientError"


@pytest.mark.parametrize("loop", ["run", "signal"])
async def test_its_loops_go_on(looks: Looks, loop: str) -> None:
    going = asyncio.create_task(getattr(looks, loop)())
    done, _ = await asyncio.wait([going], timeout=0.05)
    going.cancel()

    assert done == set()
