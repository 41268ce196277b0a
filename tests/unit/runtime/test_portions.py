"""A batch is taken in portions for which there is room; whatever becomes of one, each effect happens once, in order."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

import shared.runtime.core as core_module
from shared.runtime.contract import Cache, Draft, Entity, Fact, Outgoing, Record, Refused
from shared.runtime.core import Core
from shared.runtime.keyed import of_number
from shared.runtime.memory import MemoryBroker, MemoryConsumer, MemoryPublisher, MemoryStore
from shared.runtime.observer import Nobody
from shared.runtime.overflow import Overflow
from shared.runtime.relay import Relay
from shared.runtime.room import Room
from tests.unit.runtime.test_cache import NOW, ONE, body

TOPIC, SAID = "vacancies.v1", "said.v1"
FAULT = Callable[["Faulty"], Awaitable[None]]


class Heavy:
    """Each record touches an entity of its own, so heavy, and has one of its own follow. `sizes`: of the portions."""

    def __init__(self, facts: int) -> None:
        self.facts, self.sizes = facts, list[int]()

    async def prepare(self, batch: Sequence[tuple[Draft, Record]]) -> None:
        self.sizes.append(len(batch))
        for draft, record in batch:
            name = f"{record.offset}"
            facts = [Fact(name, "any", str(n), 1, NOW, body("any")) for n in range(self.facts)]
            draft.entities[name] = Entity({fact.slot: fact for fact in facts})
            draft.out.setdefault(SAID, []).append(Outgoing(0, b"", name.encode(), []))

    def bury(self, draft: Draft, record: Record, _error: Exception) -> None:
        draft.out.setdefault(SAID, []).append(Outgoing(0, b"", f"{record.offset} dead".encode(), []))
        draft.buried.add((record.topic, record.offset))


class Faulty(MemoryStore):
    """At its second commit something befalls it, before or after the write."""

    def __init__(self) -> None:
        super().__init__()
        self.commits, self.before, self.after_write = 0, nothing, nothing
        self.core: Any = None

    async def commit(self, drafts: Sequence[Draft]) -> set[str]:
        self.commits += 1
        second = self.commits == 2
        await (self.before if second else nothing)(self)
        won = await super().commit(drafts)
        await (self.after_write if second else nothing)(self)
        return won


class Watch(Nobody):
    def __init__(self) -> None:
        self.whys, self.turns = Counter[str](), 0

    def dropped(self, why: str) -> None:
        self.whys[why] += 1

    def turned(self) -> None:
        self.turns += 1


async def nothing(_store: Faulty) -> None: ...


async def cut(_store: Faulty) -> None:
    raise ConnectionError("the answer is lost")


async def claimed_by_another(store: Faulty) -> None:
    await store.claim(["0"])


async def given_anew(store: Faulty) -> None:
    store.core.revoked()
    store.core.assigned({"0"})


async def told_to_leave(store: Faulty) -> None:
    store.core.leaving = True


class World:
    """One task of a process with room for four hundred facts, a hundred in a portion: ten records with ten each."""

    def __init__(self, facts: int = 10, rows: int = 10_000) -> None:
        self.store, self.watch = Faulty(), Watch()
        self.handler: Any = Heavy(facts)
        consumer = MemoryConsumer(MemoryBroker(), TOPIC.__eq__, of_number)
        relay = Relay(self.store, MemoryPublisher(MemoryBroker()), most=rows)
        relay.spoiled = False
        relay.measure()
        self.core = self.store.core = Core(
            self.store, consumer, relay, self.handler,
            task_of=of_number, observer=self.watch, cache=400 * ONE, overflow=Overflow(window=100_000),
        )  # fmt: skip
        self.core.room.taken(100 * ONE, 10)
        self.core.assigned({"0"})

    async def bring(self, first: int, last: int) -> None:
        await self.core.claim()
        await self.core.handle([Record(TOPIC, 0, n, b"", b"") for n in range(first, last)])

    def said(self) -> list[str]:
        """In the order in which it is published."""
        rows = sorted(self.store.outbox.values(), key=lambda row: row.id)
        return [(record.value or b"").decode() for row in rows for record in row.records]

    @property
    def stored(self) -> int:
        return self.store.tasks["0"].offsets.get(TOPIC, 0)


async def test_portions_are_as_large_as_there_is_room() -> None:
    world = World()
    await world.bring(0, 300)
    heavy, world.handler.facts, world.handler.sizes = world.handler.sizes, 0, []
    await world.bring(300, 5_000)

    assert heavy == [10] * 30
    assert world.watch.turns == len(heavy) + len(world.handler.sizes)
    assert world.handler.sizes[0] == 10
    assert sorted(world.handler.sizes[:-1]) == world.handler.sizes[:-1]
    assert 10 < max(world.handler.sizes) < 2_000
    assert world.stored == 5_000
    assert world.said() == [str(n) for n in range(5_000)]


def test_what_few_light_ones_touched_says_little_of_the_next() -> None:
    room = Room(4_000_000)
    room.taken(1_900_000, 10)
    for _ in range(20):
        room.taken(5, 5)

    assert room.portion() == 5
    room.taken(0, 2_500)
    assert 60 < room.portion() < 90


@pytest.mark.parametrize(
    ("befalls", "why", "stored", "counted"),
    [
        ({"after_write": cut}, {"fault": 1}, 20, 20),
        ({"before": claimed_by_another}, {"fenced": 1}, 10, 30),
        ({"after_write": given_anew}, {}, 20, 10),
        ({"after_write": told_to_leave}, {}, 20, 30),
    ],
    ids=["answer lost", "fenced", "given anew", "told to leave"],
)
async def test_whatever_befalls_a_portion_each_effect_comes_once(
    befalls: dict[str, FAULT], why: dict[str, int], stored: int, counted: int
) -> None:
    world = World()
    vars(world.store).update(befalls)
    await world.bring(0, 30)

    assert (world.stored, world.store.commits, world.watch.whys) == (stored, 2, Counter(why))
    assert world.said() == [str(n) for n in range(stored)]

    world.core.leaving = False
    await world.bring(0, 30)

    assert world.stored == 30
    assert world.said() == [str(n) for n in range(30)]
    assert world.core.overflow.counts["0", TOPIC].records == counted


async def test_a_record_that_the_database_refuses_costs_its_own_portion_nothing() -> None:
    world = World()
    prepare = world.handler.prepare

    async def prepared(batch: Sequence[tuple[Draft, Record]]) -> None:
        if any(record.offset == 13 for _, record in batch):
            raise Refused("a constraint")
        await prepare(batch)

    world.handler.prepare = prepared
    await world.bring(0, 30)

    assert world.stored == 30
    assert world.said() == [*map(str, range(13)), "13 dead", *map(str, range(14, 30))]


async def test_after_the_last_portion_nobody_waits_for_room() -> None:
    world = World(rows=1)
    await asyncio.wait_for(world.bring(0, 10), 1)

    assert world.core.relay.full
    assert (world.stored, world.core.lock.locked(), world.watch.whys) == (10, False, Counter())


async def test_between_portions_there_must_be_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_module, "PATIENCE", 0.01)
    world = World(rows=1)
    await world.bring(0, 30)

    assert (world.stored, world.watch.whys) == (10, Counter(full=1))


async def test_a_cache_that_is_not_whole_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    world, put = World(), Cache.put

    def stumble(cache: Cache, name: str, entity: Entity) -> int:
        if name == "15":
            raise ArithmeticError(name)
        return put(cache, name, entity)

    await world.bring(0, 10)
    monkeypatch.setattr(Cache, "put", stumble)
    await world.bring(10, 20)
    monkeypatch.undo()
    await world.core.claim()

    assert (world.stored, world.watch.whys) == (20, Counter(fault=1))
    assert list(world.core.tasks["0"].cache.entities) == []


async def test_what_was_not_written_says_nothing_of_how_heavy_records_are() -> None:
    async def other_claimed(store: Faulty) -> None:
        await store.claim(["1"])

    world = World()
    world.store.before, world.store.commits = other_claimed, 1
    world.core.assigned({"0", "1"})
    await world.core.claim()
    await world.core.handle([Record(TOPIC, n % 2, n // 2, b"", b"") for n in range(10)])

    assert (world.stored, world.watch.whys) == (5, Counter(fenced=1))
    assert world.core.room.heavy == 10 * ONE
