"""One fact, or one entity, at fault costs nobody else anything: not the parameters, not a re-evaluation."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.events.internal import AreaNamed, Quota
from shared.runtime.contract import EVERYONE, Draft, Entity, Fact, Ours, Record, Refused, Slot
from shared.runtime.core import Core
from shared.runtime.keyed import KeyedHandler, of_number
from shared.runtime.memory import MemoryBroker, MemoryConsumer, MemoryPublisher, MemoryStore
from shared.runtime.observer import Nobody
from shared.runtime.relay import Relay

AT = datetime(2026, 1, 2, 8, tzinfo=UTC)
HOMES = tuple(f"0123-{n:03d}" for n in range(40))
BAD = "bad"


def fact(entity: str, name: str) -> Fact:
    return Fact(entity, AreaNamed.kind, name, 1, AT, AreaNamed(area_id=name, recorded_at=AT))


def quota(name: str) -> Quota:
    return Quota(
        recorded_at=AT, afdeling_id=name, counting=4, provisional=0, suspended=0, excluded=1, due_exact="1", due=1,
        reported=0, owed=1, credit=0, next_due_in=4, agreement=None,
    )  # fmt: skip


class Names:
    """Each home has a quota; a bad fact of everyone's raises. `with_`: the parameters with which each was concluded."""

    ignores = frozenset[str]()

    def __init__(self) -> None:
        self.with_: list[tuple[str, ...]] = []

    def parameters(self, everyone: Mapping[Slot, Fact]) -> tuple[str, ...]:
        return tuple(sorted(key for _, key in everyone))

    def conclude(self, afdeling: str, known: Entity, parameters: tuple[str, ...]) -> Iterable[Quota]:
        self.with_.append(parameters)
        return [quota(afdeling)]

    def conclude_everyone(self, parameters: tuple[str, ...], ours: Ours) -> Iterable[Quota]:
        if BAD in parameters:
            raise ValueError(BAD)
        return [quota("0123-999")]

    def view(self, *_told: Any) -> dict[str, Any]:
        return {}


class Refusing(MemoryStore):
    """The database, in which these entities break a constraint."""

    def __init__(self, at_fault: Sequence[str]) -> None:
        super().__init__()
        self.at_fault = at_fault

    async def commit(self, drafts: Sequence[Draft]) -> set[str]:
        if any(name in self.at_fault for draft in drafts for name, _ in draft.conclusions):
            raise Refused("UniqueViolationError: counted twice")
        return await super().commit(drafts)


class Drops(Nobody):
    def __init__(self) -> None:
        self.whys: list[str] = []

    def dropped(self, why: str) -> None:
        self.whys.append(why)


async def reconsidered(*at_fault: str) -> tuple[Refusing, Drops]:
    """All homes of a task, and what concerns everyone, of which the database refuses some."""
    store, broker, drops = Refusing(at_fault), MemoryBroker(), Drops()
    for name in (EVERYONE, *HOMES):
        store.entities["0", name] = Entity({f.slot: f for f in [fact(name, "any")]})
    handler = KeyedHandler(Names(), "quota", store, clock=lambda: AT)  # type: ignore[type-var]  # of a quota only
    consumer = MemoryConsumer(broker, "vacancies.v1".__eq__, of_number)
    relay = Relay(store, MemoryPublisher(broker))
    core = Core(store, consumer, relay, handler, task_of=of_number, observer=drops)
    core.assigned({"0"})
    await core.claim()
    core.look_again({"0"})
    while core.open():
        await core.reconsider()
    return store, drops


@pytest.mark.parametrize(
    "at_fault", [(), HOMES[:1], HOMES[7:9], HOMES[-1:], (EVERYONE,), (EVERYONE, HOMES[0]), (EVERYONE, *HOMES)]
)
async def test_a_re_evaluation_leaves_out_what_the_database_refuses_and_goes_on(at_fault: Sequence[str]) -> None:
    store, drops = await reconsidered(*at_fault)

    assert {flaw.entity for flaw in store.flaws.values()} == set(at_fault)
    assert {name for (_, name), e in store.entities.items() if e.conclusions} == {EVERYONE, *HOMES} - set(at_fault)
    assert drops.whys == []


async def test_what_it_left_out_is_whole_once_the_database_takes_it() -> None:
    store, _ = await reconsidered(HOMES[7])
    again, _ = await reconsidered()
    again.flaws |= store.flaws
    core = Core(
        again,
        MemoryConsumer(MemoryBroker(), "vacancies.v1".__eq__, of_number),
        Relay(again, MemoryPublisher(MemoryBroker())),
        KeyedHandler(Names(), "quota", again, clock=lambda: AT),
        task_of=of_number,
    )
    core.assigned({"0"})
    await core.claim()
    core.look_again({"0"})
    while core.open():
        await core.reconsider()

    assert (len(store.flaws), again.flaws) == (1, {})


async def test_after_a_bad_fact_of_everyones_its_task_goes_on_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    store, domain = MemoryStore(), Names()
    [task] = (await store.claim(["0"])).values()
    handler = KeyedHandler(domain, "quota", store, clock=lambda: AT)
    facts = [fact(EVERYONE, "any"), fact(EVERYONE, BAD), fact(HOMES[0], "any")]
    monkeypatch.setattr(handler, "decoded", lambda record: facts[record.offset])
    draft = Draft.of(task)
    await handler.prepare([(draft, Record("control.v1", 0, offset, b"", b"")) for offset in range(3)])

    assert draft.buried == {("control.v1", 1)}
    assert domain.with_ == [("any",)]
