"""That the fence refused a write is told whoever has the task by now."""

from collections.abc import Sequence
from typing import Any

import pytest

from shared.runtime.contract import Draft
from shared.runtime.core import Core
from shared.runtime.keyed import of_number
from shared.runtime.memory import MemoryBroker, MemoryConsumer, MemoryPublisher, MemoryStore
from shared.runtime.observer import Nobody
from shared.runtime.relay import Relay


class Dropped(Nobody):
    def __init__(self) -> None:
        self.whys = list[str]()

    def dropped(self, why: str) -> None:
        self.whys.append(why)


class Late(MemoryStore):
    """Another process has claimed the task before the commit comes; and, where `given_back`, the group has told so."""

    core: Core

    def __init__(self, *, given_back: bool) -> None:
        super().__init__()
        self.given_back = given_back

    async def commit(self, drafts: Sequence[Draft]) -> set[str]:
        await self.claim([draft.task.id for draft in drafts])
        if self.given_back:
            self.core.revoked()
        return await super().commit(drafts)


@pytest.mark.parametrize("given_back", [False, True])
async def test_a_write_that_the_fence_refused_is_told(given_back: bool) -> None:
    store, broker, watch = Late(given_back=given_back), MemoryBroker(), Dropped()
    consumer = MemoryConsumer(broker, "vacancies.v1".__eq__, of_number)
    handler: Any = None  # no record comes
    relay = Relay(store, MemoryPublisher(broker))
    core = store.core = Core(store, consumer, relay, handler, task_of=of_number, observer=watch)
    core.assigned({"0"})
    await core.claim()

    assert await core.commit([Draft.of(core.tasks["0"])]) == set()
    assert (watch.whys, core.tasks) == (["fenced"], {})
