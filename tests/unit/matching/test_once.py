"""What is the same for all offers of an afdeling is made once, however many there are."""

from typing import Any

from services.matching.domain import MatchingDomain
from shared.events.partitioning import partition_of
from shared.runtime.contract import EVERYONE, Entity, Fact, Slot
from tests.offline import made
from tests.unit.test_cases import AFDELING, given, plain


class Counted(dict[Slot, Fact]):
    """Facts that know how often all of them were gone through."""

    times = 0

    def values(self) -> Any:
        self.times += 1
        return super().values()


def gone_through(offers: int) -> int:
    """How often, to conclude of an afdeling with so many offers."""
    names = [f"b{n}" for n in range(1, offers + 1)]
    case = {"givet": [{"ledige": {"antal": offers}}, {"tilbud": names}]}
    store = made((kind, plain(data)) for kind, data in given(case)).stores["matching"]
    task, domain = str(partition_of(AFDELING)), MatchingDomain()
    facts = Counted(store.entities[task, AFDELING].facts)
    parameters = domain.parameters(store.entities[task, EVERYONE].facts)

    assert len(list(domain.conclude(AFDELING, Entity(facts), parameters))) == 2 * offers

    return facts.times


def test_all_facts_are_gone_through_as_often_for_many_offers_as_for_few() -> None:
    assert gone_through(6) == gone_through(2)
