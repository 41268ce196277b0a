"""A hole in a topic's offsets is believed only when the very next look after the seek back shows it again."""

from datetime import UTC, datetime

from services.quota.domain import QuotaDomain
from shared.runtime.contract import Record
from shared.runtime.core import Core
from shared.runtime.keyed import KeyedHandler, of_number
from shared.runtime.memory import MemoryBroker, MemoryConsumer, MemoryPublisher, MemoryStore
from shared.runtime.relay import Relay

TOPIC = "vacancies.v1"


async def assigned() -> Core:
    store, broker = MemoryStore(), MemoryBroker()
    handler = KeyedHandler(QuotaDomain(), "quota", store, clock=lambda: datetime(2026, 1, 2, tzinfo=UTC))
    relay = Relay(store, MemoryPublisher(broker))
    relay.spoiled = False
    relay.measure()
    consumer = MemoryConsumer(broker, TOPIC.__eq__, of_number)
    core = Core(store, consumer, relay, handler, task_of=of_number, believes_gaps=lambda _topic: True)
    core.assigned({"0"})
    await core.claim()
    return core


def record(offset: int) -> Record:
    return Record(TOPIC, 0, offset, b"0123-001", b"no event")


async def test_a_hole_that_is_there_again_after_the_seek_is_believed() -> None:
    core = await assigned()
    await core.handle([record(5)])

    assert core.tasks == {}

    await core.claim()
    await core.handle([record(5)])

    assert core.tasks["0"].offsets == {TOPIC: 6}


async def test_holes_after_a_record_of_the_same_fetch_are_believed() -> None:
    core = await assigned()
    await core.handle([record(offset) for offset in (0, 1, 3, 4, 6, 9)])

    assert core.tasks["0"].offsets == {TOPIC: 10}


async def test_an_old_batch_after_another_claim_is_no_hole() -> None:
    core = await assigned()
    await core.handle([record(5)])
    await core.claim()
    core.drop("0", "fault")
    await core.claim()
    await core.handle([record(5)])

    assert core.tasks == {}

    await core.claim()
    await core.handle([record(offset) for offset in range(7)])

    assert core.tasks["0"].offsets == {TOPIC: 7}
