"""What concerns everyone comes to each task of a process, and is held once."""

from datetime import UTC, datetime

from services.classifier.domain import Classifier
from shared.events.decoding import encode
from shared.events.internal import AreaNamed
from shared.runtime.contract import EVERYONE, Draft, Record, Task
from shared.runtime.keyed import KeyedHandler
from shared.runtime.memory import MemoryStore

DAY = datetime(2026, 1, 2, tzinfo=UTC)
SLOT = AreaNamed.kind, "Here"


def record(task: str, version: int) -> Record:
    told = AreaNamed(area_id="Here", recorded_at=DAY.replace(year=DAY.year + version), version=version)
    return Record("control.v1", int(task), version, *encode(told, "ingest"))


async def handled(handler: KeyedHandler[object], store: MemoryStore, *told: tuple[Task, int]) -> None:
    for task, version in told:
        draft = Draft.of(task)
        await handler.prepare([(draft, record(task.id, version))])
        await store.commit([draft])
        task.version += 1
        task.cache.put(EVERYONE, draft.entities[EVERYONE])


def held(task: Task) -> object:
    return task.cache.use(EVERYONE).facts[SLOT]


async def test_of_what_is_the_same_in_two_tasks_there_is_one_object() -> None:
    store = MemoryStore()
    handler = KeyedHandler(Classifier(), "classifier", store)
    first, second = (await store.claim(["0", "1"])).values()
    await handled(handler, store, (first, 1), (second, 1))

    assert held(first) is held(second)

    await handled(handler, store, (first, 2))

    assert held(first) is not held(second)

    await handled(handler, store, (second, 2))

    assert held(first) is held(second)


async def test_also_of_what_was_read_from_the_database() -> None:
    store = MemoryStore()
    tasks = list((await store.claim(["0", "1"])).values())
    for task in tasks:  # each in a process of its own
        await handled(KeyedHandler(Classifier(), "classifier", store), store, (task, 1))
    taken = list((await store.claim(["0", "1"])).values())
    handler = KeyedHandler(Classifier(), "classifier", store)
    await handler.load([(task, EVERYONE) for task in taken])

    assert held(tasks[0]) is not held(tasks[1])
    assert held(taken[0]) is held(taken[1])
