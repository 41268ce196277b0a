"""Who concludes much at once leaves turns to what else runs in the process: the heartbeat of its group, and the web."""

import asyncio
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

from services.cli.evaluate import Offline, lines_of
from services.quota.domain import QuotaDomain
from shared.agreement.everyone import Everyone
from shared.events.internal import Conclusion
from shared.runtime.contract import EVERYONE, Draft, Entity, Record
from shared.runtime.keyed import KeyedHandler
from shared.runtime.memory import MemoryStore

SMALL = Path(__file__).parents[3] / "examples" / "small.ndjson"
TOPICS = ("afdelinger.v1", "vacancies.v1")


async def settled() -> Offline:
    offline = Offline()
    for line in lines_of([SMALL]):
        offline.send(*line, "0851")
    await offline.settle()
    return offline


async def turns(work: Coroutine[Any, Any, None]) -> int:
    """How many the work left."""
    left = 0

    async def heartbeat() -> None:
        nonlocal left
        while True:
            left += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(heartbeat())
    await work
    beside.cancel()
    return left


async def batch(store: MemoryStore) -> list[tuple[Draft, Record]]:
    """All registrations and vacancies of the example, to a service that knows nothing yet."""
    logs = {place: log for place, log in (await settled()).broker.logs.items() if place[0] in TOPICS and log}
    tasks = await store.claim({str(partition) for _, partition in logs})
    return [
        (Draft.of(tasks[str(partition)]), Record(topic, partition, offset, r.key, r.value, r.headers, 0))
        for (topic, partition), log in logs.items()
        for offset, r in enumerate(log)
    ]


async def test_each_entity_of_a_batch_leaves_a_turn() -> None:
    store = MemoryStore()
    told = await batch(store)
    left = await turns(KeyedHandler(QuotaDomain(), "quota", store).prepare(told))
    entities = {(draft.task.id, name) for draft, _ in told for name in draft.entities}

    assert left >= len(entities) > 3


class Unlucky(QuotaDomain):
    """Raises whatever it is given, so that records are tried one by one."""

    def conclude(self, afdeling: str, known: Entity, parameters: Everyone) -> Iterable[Conclusion]:
        raise ValueError(afdeling)


async def test_each_record_that_is_tried_by_itself_leaves_a_turn() -> None:
    store = MemoryStore()
    told = await batch(store)
    left = await turns(KeyedHandler(Unlucky(), "quota", store).prepare(told))

    assert left >= len(told) > len({(draft.task.id, name) for draft, _ in told for name in draft.entities})


async def test_each_entity_of_a_re_evaluation_leaves_a_turn() -> None:
    _, store = (await settled()).services[1]
    names = {home: [n for t, n in store.entities if t == home and n != EVERYONE] for home in store.tasks}
    task, its = max(names.items(), key=lambda item: len(item[1]))
    draft = Draft.of(store.tasks[task])
    draft.cursor = EVERYONE
    left = await turns(KeyedHandler(QuotaDomain(), "quota", store).reconsider(draft))

    assert draft.entities.keys() == {EVERYONE, *its}
    assert left >= len(draft.entities) > 1
