"""A long batch leaves turns to what else runs in the process: the heartbeat of its group, and the web."""

import asyncio
from pathlib import Path

from services.cli.evaluate import Offline, lines_of
from services.quota.domain import QuotaDomain
from shared.runtime.contract import Draft, Record
from shared.runtime.keyed import KeyedHandler
from shared.runtime.memory import MemoryStore

SMALL = Path(__file__).parents[3] / "examples" / "small.ndjson"
TOPICS = ("afdelinger.v1", "vacancies.v1")


async def test_each_entity_of_a_batch_leaves_a_turn() -> None:
    offline, store = Offline(), MemoryStore()
    for line in lines_of([SMALL]):
        offline.send(*line, "0851")
    await offline.settle()
    logs = {place: log for place, log in offline.broker.logs.items() if place[0] in TOPICS and log}
    tasks = await store.claim({str(partition) for _, partition in logs})
    batch = [
        (Draft.of(tasks[str(partition)]), Record(topic, partition, offset, r.key, r.value, r.headers, 0))
        for (topic, partition), log in logs.items()
        for offset, r in enumerate(log)
    ]
    turns = 0

    async def heartbeat() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(heartbeat())
    await KeyedHandler(QuotaDomain(), "quota", store).prepare(batch)
    beside.cancel()
    entities = {(draft.task.id, name) for draft, _ in batch for name in draft.entities}

    assert turns >= len(entities) > 3
