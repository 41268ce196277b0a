"""While the database is away it is asked now and then, not by every task that was dropped."""

import asyncio
from collections.abc import Iterable
from typing import Any

from services.quota.domain import QuotaDomain
from shared.clock import utc_now
from shared.runtime.contract import Task, TaskId
from shared.runtime.core import Core
from shared.runtime.keyed import KeyedHandler, of_number
from shared.runtime.memory import MemoryBroker, MemoryConsumer, MemoryPublisher, MemoryStore
from shared.runtime.relay import Relay
from tests.simulation.virtual import VirtualLoop

TASKS, SECONDS = 60, 30.0


class Away(MemoryStore):
    asked = 0

    async def claim(self, ids: Iterable[TaskId]) -> dict[TaskId, Task]:
        self.asked += 1
        if self.asked > 1:
            raise ConnectionRefusedError
        return await super().claim(ids)


async def asked_while_away() -> int:
    store, broker = Away(), MemoryBroker()
    consumer: Any = MemoryConsumer(broker, "vacancies.v1".__eq__, of_number)
    relay, handler = Relay(store, MemoryPublisher(broker)), KeyedHandler(QuotaDomain(), "quota", store, clock=utc_now)
    core = Core(store, consumer, relay, handler, task_of=of_number)
    keeper = asyncio.create_task(core.tend())
    core.assigned({str(n) for n in range(TASKS)})
    await asyncio.sleep(0.1)
    for n in range(TASKS):
        core.drop(str(n), "fault")
    await asyncio.sleep(SECONDS)
    keeper.cancel()
    return store.asked


def test_many_dropped_tasks_are_one_wait() -> None:
    loop = VirtualLoop()
    asked = loop.run_until_complete(asked_while_away())
    loop.close()

    assert 8 < asked < 25
