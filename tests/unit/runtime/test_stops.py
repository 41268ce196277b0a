"""A poisoned task: stopped and written down, let go on by an operator, whole again when its letters are redriven."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, date, datetime

import pytest

from services.quota.domain import QuotaDomain
from shared.agreement.everyone import Everyone
from shared.events.decoding import encode, recorded_model
from shared.events.inbound import MODELS
from shared.events.internal import Conclusion
from shared.runtime.contract import Draft, Entity, Outgoing, Record, Task
from shared.runtime.core import Core
from shared.runtime.deadletters import redriven
from shared.runtime.keyed import KeyedHandler, of_number
from shared.runtime.memory import MemoryBroker, MemoryConsumer, MemoryPublisher, MemoryStore
from shared.runtime.overflow import Overflow
from shared.runtime.relay import Relay

AT = datetime(2026, 1, 2, 8, tzinfo=UTC)
TOPIC, LETTERS = "vacancies.v1", "quota.dead-letters.v1"
SICK, WELL = "0123-001", "0456-001"


class Sick(QuotaDomain):
    """quota, with a fault for one organisation's afdelinger, until it is mended."""

    well = False

    def conclude(self, afdeling: str, known: Entity, parameters: Everyone) -> Iterable[Conclusion]:
        if afdeling == SICK and not self.well:
            raise ArithmeticError("cannot count")
        return super().conclude(afdeling, known, parameters)


def vacancy(afdeling: str, n: int) -> Outgoing:
    fact = MODELS["vacancy.reported", False].model_validate(
        {
            "vacancy_id": f"v{n}", "afdeling_id": afdeling, "dwelling": "family", "reason": "external", "rooms": 2,
            "area_m2": "60", "rent_monthly": "4200", "vacant_from": date(2026, 1, 1).isoformat(), "revision": 1,
        }
    )  # fmt: skip
    told = recorded_model(fact.kind, False)(version=1, recorded_at=AT, source="s", event_id=f"e{n}", fact=fact)
    return Outgoing(0, *encode(told, "ingest"))


class World:
    """One task of quota that stops after four dead letters in a row."""

    def __init__(self) -> None:
        self.store, self.broker, self.domain = MemoryStore(), MemoryBroker(), Sick()
        self.core, self.consumer = self.process()

    def process(self) -> tuple[Core, MemoryConsumer]:
        consumer = MemoryConsumer(self.broker, TOPIC.__eq__, of_number)
        handler = KeyedHandler(self.domain, "quota", self.store, clock=lambda: AT)
        relay = Relay(self.store, MemoryPublisher(self.broker))
        relay.spoiled = False
        relay.measure()
        overflow = Overflow(run=4, share=1, window=100)
        return Core(self.store, consumer, relay, handler, task_of=of_number, overflow=overflow), consumer

    async def bring(self, *records: Outgoing) -> None:
        self.broker.append(TOPIC, records)
        await self.consume()

    async def consume(self) -> None:
        """As the group and the keeper do, then what there is to read, three records a batch, then the relay."""
        if not self.core.wanted:
            self.core.assigned({"0"})
        await self.core.claim()
        while records := self.consumer.poll(3):
            await self.core.handle(records)
        while rows := await self.store.pending(["0"]):
            await self.core.relay.publisher.send(rows)
            await self.store.delete([r.id for r in rows])

    def letters(self) -> list[Record]:
        return self.broker.read((LETTERS, 0), 0, 1_000)

    def redrive(self) -> list[Outgoing]:
        told = [(letter, dict(letter.headers)["dead_letter_offset"]) for letter in self.letters()]
        return [Outgoing(0, r.key, r.value, redriven(r, int(at or b""))) for r, at in told]

    async def known(self) -> dict[str, list[str]]:
        found = await self.store.load([("0", name) for name in (SICK, WELL)])
        return {name: sorted(key for _, key in entity.facts) for (_, name), entity in found.items() if entity.facts}


@pytest.fixture
async def world() -> World:
    return World()


async def test_a_poisoned_source_is_stopped_until_an_operator_lets_it_go_on(world: World) -> None:
    await world.bring(*(vacancy(SICK, n) for n in range(8)))
    why = "vacancies.v1 brought 6 dead letters in a row"

    assert world.core.stopped == world.store.stopped == {"0": why}
    assert (world.core.tasks, world.core.missing) == ({}, set())
    assert len(world.letters()) == 6

    world.core, world.consumer = world.process()  # it stays stopped whoever comes
    await world.consume()

    assert (world.core.stopped, len(world.letters())) == ({"0": why}, 6)

    del world.store.stopped["0"]
    await world.consume()

    assert (world.core.stopped, len(world.letters())) == ({}, 8)
    assert world.core.ready


async def test_what_a_source_had_in_its_outbox_when_it_was_stopped_is_sent_by_who_has_it_next(world: World) -> None:
    """The process died before its relay had sent a row."""
    world.broker.append(TOPIC, [vacancy(SICK, n) for n in range(8)])
    world.core.assigned({"0"})
    await world.core.claim()
    while records := world.consumer.poll(3):
        await world.core.handle(records)
    left = len(world.store.outbox)

    assert (len(world.store.stopped), left > 0, world.letters()) == (1, True, [])

    late = Draft.of(Task("0", world.store.tasks["0"].version, {TOPIC: 6}))
    world.core, world.consumer = world.process()
    world.core.assigned({"0"})
    await world.core.claim()
    await sent(world.core.relay)

    assert (world.core.tasks, len(world.letters()), world.store.outbox) == ({}, 6, {})
    assert await world.store.commit([late]) == set()  # of who had it before nothing more can come into the outbox

    await world.core.claim()

    assert world.core.relay.unread == set()  # it is read once, not at every look for whether it may go on


async def sent(relay: Relay) -> None:
    running = asyncio.create_task(relay.run())
    await relay.idle.wait()
    running.cancel()


async def test_a_few_broken_among_the_good_stop_nothing(world: World) -> None:
    await world.bring(*(vacancy(SICK if n % 3 else WELL, n) for n in range(30)))

    assert world.core.stopped == {}
    assert len(world.letters()) == 20


async def test_redriven_after_the_mend_it_is_as_if_it_had_never_been_broken(world: World) -> None:
    records = [vacancy(SICK if n % 2 else WELL, n) for n in range(6)]
    await world.bring(*records)

    assert sorted(world.store.flaws) == [(SICK, TOPIC, 0, 1), (SICK, TOPIC, 0, 3), (SICK, TOPIC, 0, 5)]
    assert await world.known() == {WELL: ["0456/v0", "0456/v2", "0456/v4"]}

    await world.bring(*world.redrive())  # too early: they are dead letters anew, of the same flaws

    assert sorted(world.store.flaws) == [(SICK, TOPIC, 0, 1), (SICK, TOPIC, 0, 3), (SICK, TOPIC, 0, 5)]

    assert world.store.stopped.pop("0") == "vacancies.v1 brought 4 dead letters in a row"
    world.domain.well = True
    await world.bring(*world.redrive(), *world.redrive())

    assert world.store.flaws == {}
    assert await world.known() == {
        SICK: ["0123/v1", "0123/v3", "0123/v5"],
        WELL: ["0456/v0", "0456/v2", "0456/v4"],
    }
