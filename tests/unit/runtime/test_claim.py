"""What a task is claimed on: a topic that ends before what was consumed of it is another topic, and a database that
knows less than the group was told is an older one.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from services.quota.domain import QuotaDomain
from shared.metrics import Metrics
from shared.runtime.contract import Draft, Outgoing, TaskId
from shared.runtime.core import Core
from shared.runtime.counting import Counting
from shared.runtime.keyed import KeyedHandler, of_number
from shared.runtime.looks import Looks
from shared.runtime.memory import MemoryBroker, MemoryConsumer, MemoryPublisher, MemoryStore
from shared.runtime.relay import Relay
from shared.settings import Settings

TOPIC = "vacancies.v1"


class Found:
    """What a look asks of the subscriber."""

    def __init__(self, core: Core) -> None:
        self.core, self.ends = core, core.consumer.ends


class Hinted(MemoryConsumer):
    """The group was told so."""

    hint: int | None

    async def hints(self, tasks: Iterable[TaskId]) -> dict[TaskId, dict[str, int]]:
        return {task: {TOPIC: self.hint} for task in tasks if self.hint is not None}


async def claimed(consumed: int, held: int, hint: int | None = None) -> Core:
    """A core that was assigned task 0, of whose topic it consumed so many records and the broker holds so many."""
    store, broker = MemoryStore(), MemoryBroker()
    [task] = (await store.claim(["0"])).values()
    await store.commit([Draft(task, {TOPIC: consumed}, None)])
    broker.append(TOPIC, [Outgoing(0, b"0123-001", b"{}")] * held)
    consumer = Hinted(broker, TOPIC.__eq__, of_number)
    consumer.hint = hint
    handler = KeyedHandler(QuotaDomain(), "quota", store, clock=lambda: datetime(2026, 1, 2, tzinfo=UTC))
    core = Core(store, consumer, Relay(store, MemoryPublisher(broker)), handler, task_of=of_number)
    core.assigned({"0"})
    await core.claim()
    return core


async def test_what_the_group_took_back_meanwhile_is_neither_halted_nor_stopped() -> None:
    core: Any = await claimed(consumed=5, held=5)
    stop = core.store.stop

    async def late(task: TaskId, why: str) -> None:
        await stop(task, why)
        core.revoked()

    core.store.stop = late
    await core.stop_task("0", "a flood")

    assert core.stopped == {}

    core.consumer.broker.logs[TOPIC, 0].clear()
    core.store.stopped.clear()
    core.assigned({"0"})
    await core.claim()

    assert (core.halted, core.tasks) == ({}, {})


async def test_a_topic_made_anew_stops_its_task_and_says_so() -> None:
    core = await claimed(consumed=5, held=2)

    assert core.halted == {"0": "ahead of its topics, which were emptied or made anew: vacancies.v1 at 5, it ends at 2"}
    assert (core.tasks, core.ready) == ({}, False)


async def test_a_topic_made_anew_stops_its_task_also_when_it_has_grown_past_what_was_consumed() -> None:
    core = await claimed(consumed=5, held=2)
    core.consumer.broker.append(TOPIC, [Outgoing(0, b"0123-001", b"{}")] * 7)  # type: ignore[attr-defined]  # it is the one in memory
    after = Core(core.store, core.consumer, core.relay, core.handler, task_of=of_number)
    after.assigned({"0"})
    await after.claim()

    assert (after.tasks, after.ready, after.halted) == ({}, False, core.halted)
    assert after.relay.tasks == set()  # what it left in its outbox is sent when it goes on


async def test_a_database_that_was_set_back_stops_its_task_and_says_so() -> None:
    core = await claimed(consumed=5, held=9, hint=8)

    assert core.halted == {
        "0": "behind what was consumed before, the database was set back: vacancies.v1 at 5, was at 8"
    }
    assert (core.tasks, core.ready) == ({}, False)


@pytest.mark.parametrize(("held", "hint"), [(5, None), (6, 5), (6, 3)])
async def test_a_topic_that_holds_what_was_consumed_is_read_on(held: int, hint: int | None) -> None:
    core = await claimed(consumed=5, held=held, hint=hint)

    assert (set(core.tasks), core.ready) == ({"0"}, True)


async def test_a_topic_that_is_emptied_while_its_task_is_owned_is_noticed_by_the_next_look() -> None:
    core = await claimed(consumed=5, held=5)
    watch = Counting(Metrics())
    settings = Settings(kafka=["nowhere:9092"], database="postgresql://nobody@nowhere/none")
    looks = Looks(settings, "quota", None, Found(core), watch)  # type: ignore[arg-type]  # of both it asks no more
    await looks.look_at_broker()

    assert set(core.tasks) == {"0"}

    core.consumer.broker.logs.clear()  # type: ignore[attr-defined]  # it is the one in memory
    core.consumer.broker.append(TOPIC, [Outgoing(0, b"0123-001", b"{}")])  # type: ignore[attr-defined]  # as above
    await looks.look_at_broker()
    await core.claim()

    assert core.halted == {"0": "ahead of its topics, which were emptied or made anew: vacancies.v1 at 5, it ends at 1"}


async def test_who_is_leaving_takes_nothing_that_the_group_still_gives() -> None:
    core = await claimed(consumed=5, held=6)
    await core.stop(limit=0)  # nothing runs that could send what is left
    core.assigned({"0"})
    await core.claim()

    assert (core.wanted, core.tasks) == (set(), {})
