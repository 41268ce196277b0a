"""What a process remembers is bounded over all its tasks, and what was not used for longest is forgotten first."""

from datetime import UTC, datetime

from services.quota.domain import QuotaDomain
from shared.events.internal import AreaNamed
from shared.runtime.contract import EVERYONE, Cache, Entity, Fact
from shared.runtime.core import Core, draft_of
from shared.runtime.keyed import KeyedHandler, of_number
from shared.runtime.memory import MemoryBroker, MemoryConsumer, MemoryPublisher, MemoryStore
from shared.runtime.relay import Relay


def entity(name: str, facts: int) -> Entity:
    body = AreaNamed(area_id="any", recorded_at=(now := datetime(2026, 1, 2, tzinfo=UTC)))
    return Entity({f.slot: f for f in (Fact(name, "any", str(n), 1, now, body) for n in range(facts))})


def test_what_was_used_longest_ago_is_forgotten_first() -> None:
    cache = Cache()
    for name in ("a", "b", "c"):
        cache.put(name, entity(name, 10))
    cache.use("a")
    cache.shrink(20)

    assert list(cache.entities) == ["c", "a"]
    assert cache.weight == 20


def test_what_concerns_everyone_stays_and_is_not_weighed() -> None:
    cache = Cache()
    cache.put(EVERYONE, entity(EVERYONE, 100))
    cache.put("a", entity("a", 10))
    cache.shrink(0)

    assert list(cache.entities) == [EVERYONE]
    assert cache.weight == 0


def test_what_changed_weighs_what_it_is_now() -> None:
    cache = Cache()
    cache.put("a", entity("a", 10))
    cache.put("a", entity("a", 12))

    assert cache.weight == 12


async def test_a_process_remembers_no_more_however_many_tasks_it_has() -> None:
    store, broker = MemoryStore(), MemoryBroker()
    consumer = MemoryConsumer(broker, "vacancies.v1".__eq__, of_number)
    handler = KeyedHandler(QuotaDomain(), "quota", store)
    relay = Relay(store, MemoryPublisher(broker))
    core = Core(store, consumer, relay, handler, task_of=of_number, cache=100)
    core.assigned({"0", "1", "2"})
    await core.claim()
    held = []
    for n in range(60):
        draft = draft_of(core.tasks[str(n % 3)])
        draft.entities[f"{n}"] = entity(f"{n}", 10)
        await core.commit([draft])
        held.append(sum(task.cache.weight for task in core.tasks.values()))

    assert max(held) == 100
    assert min(held[10:]) >= 30
    assert {"57", "58", "59"} <= {name for task in core.tasks.values() for name in task.cache.entities}
