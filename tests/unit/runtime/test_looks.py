"""A look that fails, however it fails, is a reason not to be ready; the next one comes."""

import asyncio
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from shared.database.migrations import migrations
from shared.metrics import Metrics
from shared.runtime.app import Process
from shared.runtime.counting import Counting
from shared.runtime.health import Health
from shared.runtime.looks import APPLIED, Looks
from shared.settings import Settings
from shared.version import VERSION

TORN = asyncpg.InternalClientError("got result for unknown protocol state 3")
"""What asyncpg raised of a connection that was swallowed for a while: neither of the server nor of the interface."""


async def torn(*_words: Any) -> Any:
    raise TORN


@pytest.fixture
def looks() -> Looks:
    core = SimpleNamespace(wanted={"0"}, tasks={}, relay=SimpleNamespace(tasks=set()))
    watch = Counting(Metrics())
    watch.signals = [SimpleNamespace(look=torn)]
    settings = Settings(instance="quota-1", kafka="localhost:9092", database="postgresql://localhost/none")
    return Looks(settings, "quota", SimpleNamespace(fetch=torn), SimpleNamespace(core=core, ends=torn), watch)


async def test_a_torn_connection_is_told_and_ends_nothing(looks: Looks) -> None:
    await looks.look_at_database()
    await looks.look_at_broker()

    assert looks.database == "the database does not answer: InternalClientError"
    assert looks.broker == "the broker does not answer: InternalClientError"


async def test_an_older_process_leaves_its_group_when_something_was_taken_away(
    looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied, happened = [m.name for m in migrations("quota")], list[str]()
    monkeypatch.setattr("shared.runtime.looks.OUTGROWN", lambda **told: happened.append(told["migration"]))

    async def database(sql: str, *_words: Any) -> list[dict[str, str]]:
        return [{"name": name} for name in applied] if sql == APPLIED else []

    def noted(what: str) -> Any:
        async def note(*_words: Any) -> None:
            happened.append(what)

        return note

    looks.pool.fetch = database
    monkeypatch.setattr(Process, "start", noted("joined"))
    core = SimpleNamespace(wanted=set(), tasks={}, relay=looks.core.relay, stop=noted("gave up its tasks"))
    looks.subscriber = SimpleNamespace(core=core, stop=noted("left"))
    health = Health(looks.core, SimpleNamespace(beat=0.0), looks)
    belonging = asyncio.create_task(Process("quota", looks.settings).belong(looks.subscriber, health))
    await asyncio.sleep(0)

    assert happened == []

    await looks.look_at_database()
    await asyncio.sleep(0)

    assert happened == ["joined"]

    applied.append("9000_narrower.post.sql")
    await looks.look_at_database()
    await asyncio.sleep(0)
    await looks.look_at_database()

    assert not belonging.done()
    assert happened == ["joined", "9000_narrower.post.sql", "left", "gave up its tasks"]
    assert health.missing() == (
        f"a newer version has taken away what this one, {VERSION}, may need: 9000_narrower.post.sql was run"
    )
    belonging.cancel()


@pytest.mark.parametrize("loop", ["run", "signal"])
async def test_its_loops_go_on(looks: Looks, loop: str) -> None:
    going = asyncio.create_task(getattr(looks, loop)())
    done, _ = await asyncio.wait([going], timeout=0.05)
    going.cancel()

    assert done == set()


async def test_what_a_source_that_is_stopped_has_in_its_outbox_is_seen(
    looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in no task that is claimed, and the relay has it before it."""
    looks.core.relay.tasks = {"0"}

    async def rows(_sql: str, tasks: list[str]) -> list[dict[str, Any]]:
        return [{"task": task, "rows": 500, "first": 3} for task in tasks]

    monkeypatch.setattr(looks.pool, "fetch", rows)
    await looks.look_at_outbox()

    assert looks.metrics.registry.get_sample_value("trappetrin_outbox_rows") == 500
