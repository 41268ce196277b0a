"""How far a service is, in all and by task: what a task has left is told with its name."""

from typing import Any

from shared.runtime.app import Parts, progress_of
from shared.runtime.contract import Draft, Outgoing
from shared.runtime.keyed import of_number
from shared.runtime.memory import MemoryStore


class Store(MemoryStore):
    """As PostgreSQL tells it."""

    async def progress(self) -> list[dict[str, object]]:
        return [
            {
                "task": task.id,
                "offsets": task.offsets,
                "reconsidering": task.cursor is not None,
                "outbox": sum(row_id.task == task.id for row_id in self.outbox),
            }
            for task in self.tasks.values()
        ]


async def test_what_is_left_is_told_by_task() -> None:
    store = Store()
    three, four = (await store.claim(["3", "4"])).values()
    await store.commit([Draft(three, {"vacancies.v1": 7}, "", out={"quotas.v1": [Outgoing(3, b"k", b"{}")]})])
    await store.commit([Draft(four, {}, None, out={t: [Outgoing(4, b"k", b"{}")] for t in ("quotas.v1", "ledger.v1")})])
    await store.stop("3", "a flood")

    handler: Any = None  # it is not asked

    async def left() -> dict[str, dict[str, int]]:
        return {"releasable": {"3": 2, "4": 5}}

    assert await progress_of(Parts(store, handler, of_number, {}, left=left)) == {
        "offsets": {"vacancies.v1": {"3": 7}},
        "stopped": {"3": "a flood"},
        "by_task": {"outbox": {"3": 1, "4": 2}, "reconsidering": {"3": 1}, "releasable": {"3": 2, "4": 5}},
        "outbox": 3,
        "reconsidering": 1,
        "releasable": 7,
    }
