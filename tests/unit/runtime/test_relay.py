"""What was committed is published, also when its task is claimed again while its table is being read."""

import asyncio
from collections.abc import Iterable, Sequence

from shared.runtime.contract import Outgoing, Row, RowId, TaskId
from shared.runtime.memory import MemoryBroker, MemoryPublisher, MemoryStore
from shared.runtime.relay import Relay

ROW = Row(RowId("0", 2, "quotas.v1"), [Outgoing(0, b"0123-001", b"{}")])


class SlowStore(MemoryStore):
    """Answers the first read with what was there when it was asked, once it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def pending(self, ids: Iterable[TaskId]) -> list[Row]:
        rows = await super().pending(ids)
        self.asked.set()
        await self.may_answer.wait()
        return rows


class Rejecting(MemoryPublisher):
    """Rejects the first send, and notes how many rows each had."""

    def __init__(self, broker: MemoryBroker) -> None:
        super().__init__(broker)
        self.sends: list[int] = []
        self.sent = asyncio.Event()

    async def send(self, rows: Sequence[Row]) -> tuple[list[RowId], Exception | None]:
        self.sends.append(len(rows))
        self.sent.set()
        return ([], ValueError("rejected")) if len(self.sends) == 1 else await super().send(rows)


async def test_a_rejected_row_that_went_to_another_process_holds_up_nobody() -> None:
    publisher = Rejecting(MemoryBroker())
    relay = Relay(MemoryStore(), publisher)
    relay.offer([ROW])
    running = asyncio.create_task(relay.run())
    await publisher.sent.wait()
    await asyncio.sleep(0)
    relay.keep({"1"})
    relay.offer(Row(RowId("1", version, "quotas.v1"), ROW.records) for version in range(100))
    await relay.idle.wait()
    running.cancel()

    assert publisher.sends == [1, 64, 36]


async def test_a_task_that_is_claimed_while_it_is_read_is_read_again() -> None:
    store, broker = SlowStore(), MemoryBroker()
    relay = Relay(store, MemoryPublisher(broker))
    relay.take_over("0")
    running = asyncio.create_task(relay.run())
    await store.asked.wait()
    store.outbox[ROW.id] = ROW  # a commit of which the answer was lost
    relay.take_over("0")
    store.may_answer.set()
    await relay.idle.wait()
    running.cancel()

    assert broker.logs["quotas.v1", 0] == list(ROW.records)
    assert store.outbox == {}
