"""An afdeling of which the registration is taken back is as if it had never been registered, whenever that comes."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import permutations

from services.cli.evaluate import Offline
from services.matching.domain import MatchingDomain
from shared.events.internal import (
    Amounts,
    Colours,
    Conclusion,
    Decision,
    Handover,
    LedgerLine,
    Position,
    Quota,
    Relative,
    Supply,
)
from shared.events.partitioning import partition_of
from shared.runtime.contract import EVERYONE, Entity
from shared.runtime.views import State
from tests.streams.facts import AGREEMENT, offer, placed, registered, succeeded, unregistered, vacancy

OLD, NEW, SINCE = "0123-001", "0123-002", "2024-01-01"
GROUND = [AGREEMENT, registered(NEW, None, SINCE, 1), *(placed(n, "green", SINCE, None, 1) for n in (OLD, NEW))]
THERE = [registered(OLD, None, SINCE, 1)]
TOLD = [*(vacancy(OLD, n, "3000", "2024-07-01", 1) for n in range(4)), offer(OLD, 0, 1)]
TOLD += [succeeded([OLD], NEW, "2024-10-01", None, 1)]
BACK, AGAIN = [unregistered(OLD, SINCE, 2)], [registered(OLD, None, SINCE, 3)]
CLASSIFIER, QUOTA, MATCHING = range(3)
SAID: Sequence[type[Conclusion]] = (Colours, Relative, Quota, Supply, Handover, Position)


def ended(*lots: Sequence[bytes]) -> Offline:
    """All that follows from each lot follows before the next one comes."""
    offline = Offline()
    asyncio.run(told(offline, lots))
    return offline


async def told(offline: Offline, lots: Iterable[Sequence[bytes]]) -> None:
    for lot in lots:
        for n, line in enumerate(lot):
            offline.send("f", n, line, "0851")
        await offline.settle()


def state(offline: Offline) -> State:
    return asyncio.run(offline.state())


def known(offline: Offline, service: int, name: str) -> Entity:
    _, store = offline.services[service]
    return store.entities[str(partition_of(name)), name]


def lines(offline: Offline, name: str) -> list[LedgerLine]:
    _, store = offline.services[QUOTA]
    journal = store.journals[str(partition_of(name)), name, LedgerLine.kind]
    return [entry.body for entry in journal if isinstance(entry.body, LedgerLine)]


def test_in_any_order_the_others_stand_as_if_it_had_never_been() -> None:
    never = state(ended(GROUND))

    assert never["afdelinger"].keys() == {NEW}
    for lots in permutations([GROUND, THERE, TOLD, BACK]):
        assert state(ended(*lots)) == never


async def test_what_was_said_of_it_is_taken_back() -> None:
    offline = Offline()
    await told(offline, [GROUND, THERE, TOLD])
    before = len(lines(offline, OLD))
    await told(offline, [BACK])
    after = lines(offline, OLD)[before:]

    assert {(x.what, x.cause.type, x.cause.version) for x in after} == {
        ("registration_retracted", "dk.trappetrin.recorded.afdeling.registered.v1", 2)
    }
    assert [lines(offline, name)[-1].balance for name in (OLD, NEW)] == [Amounts(), Amounts()]

    said = [*known(offline, CLASSIFIER, OLD).conclusions.values(), *known(offline, QUOTA, OLD).conclusions.values()]

    assert {one.kind for one in said} >= {model.kind for model in SAID}
    assert [one for one in said if says_anything(one)] == []


def says_anything(one: Conclusion) -> bool:
    match one:
        case Colours() | Relative():
            return one.timeline != []
        case Quota():
            return (one.counting, one.due_exact, one.reported, one.agreement) != (0, "0", 0, None)
        case Supply():
            return one.shelves != []
        case Handover():
            return one.amounts != Amounts()
        case Position():
            return one.line is not None
        case _:
            return True


def test_registered_again_it_stands_where_it_stood() -> None:
    there, again = ended(GROUND, THERE, TOLD), ended(GROUND, THERE, TOLD, BACK, AGAIN)

    assert state(again) == state(there)
    assert state(there)["afdelinger"][NEW]["quota"]["reported"] == 1


def test_no_decision_is_made_on_colours_that_were_taken_back() -> None:
    offline = ended(GROUND, THERE, TOLD)
    there, taken_back = (known(one, MATCHING, OLD) for one in (offline, ended(GROUND, THERE, TOLD, BACK)))
    slot, domain = (Colours.kind, ""), MatchingDomain()
    everyone = offline.services[MATCHING][1].entities[str(partition_of(OLD)), EVERYONE]
    facts = {**there.facts, slot: taken_back.facts[slot]}

    assert list(domain.conclude(OLD, Entity(facts), domain.parameters(everyone.facts))) == []
    assert any(isinstance(c, Decision) for c in there.conclusions.values())
