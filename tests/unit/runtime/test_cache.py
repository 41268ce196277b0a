"""What a process remembers is bounded over all its tasks, and what was not used for longest is forgotten first."""

from datetime import UTC, datetime

from services.quota.domain import QuotaDomain
from shared.events.internal import AreaNamed
from shared.runtime.contract import EVERYONE, Cache, Draft, Entity, Fact
from shared.runtime.core import Core
from shared.runtime.keyed import KeyedHandler, of_number
from shared.runtime.memory import MemoryBroker, MemoryConsumer, MemoryPublisher, MemoryStore
from shared.runtime.relay import Relay

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def body(words: str) -> AreaNamed:
    return AreaNamed(area_id=words, recorded_at=NOW)


ONE = len(body("any").model_dump_json())
"""Bytes of one fact."""


def entity(name: str, facts: int) -> Entity:
    return Entity({f.slot: f for f in (Fact(name, "any", str(n), 1, NOW, body("any")) for n in range(facts))})


def test_what_was_used_longest_ago_is_forgotten_first() -> None:
    cache = Cache()
    for name in ("a", "b", "c"):
        cache.put(name, entity(name, 10))
    cache.use("a")
    cache.shrink(20 * ONE)

    assert list(cache.entities) == ["c", "a"]
    assert cache.weight == 20 * ONE


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
    longer = cache.use("a").copy()
    longer.facts["any", "3"] = Fact("a", "any", "3", 2, NOW, body("any" * 5))
    longer.facts["any", "new"] = Fact("a", "any", "new", 1, NOW, body("any"))
    cache.put("a", longer)

    assert cache.weight == 11 * ONE + len("any" * 4)

    shorter = longer.copy()
    del shorter.facts["any", "3"]
    cache.put("a", shorter)

    assert cache.weight == 10 * ONE

    cache.forget("a")

    assert (cache.weight, cache.weights) == (0, {})


async def test_a_process_remembers_no_more_however_many_tasks_it_has() -> None:
    store, broker = MemoryStore(), MemoryBroker()
    consumer = MemoryConsumer(broker, "vacancies.v1".__eq__, of_number)
    handler = KeyedHandler(QuotaDomain(), "quota", store)
    relay = Relay(store, MemoryPublisher(broker))
    core = Core(store, consumer, relay, handler, task_of=of_number, cache=100 * ONE)
    core.assigned({"0", "1", "2"})
    await core.claim()
    held = []
    for n in range(60):
        draft = Draft.of(core.tasks[str(n % 3)])
        draft.entities[f"{n}"] = entity(f"{n}", 10)
        await core.commit([draft])
        held.append(sum(task.cache.weight for task in core.tasks.values()))

    assert max(held) == 100 * ONE
    assert min(held[10:]) >= 30 * ONE
    assert {"57", "58", "59"} <= {name for task in core.tasks.values() for name in task.cache.entities}
