"""What concerns everyone, as quota and matching use it: agreements, successions, and the last day that is over."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from shared.agreement.inforce import Agreement, Agreements
from shared.events.inbound import AfdelingSucceeded, DayClosed, IndicatorObserved, ListPublished, ReferencePublished
from shared.events.internal import AreaNamed
from shared.runtime.contract import Fact, Slot

OF_AREAS = frozenset(fact.kind for fact in (IndicatorObserved, ListPublished, ReferencePublished, AreaNamed))
"""What quota and matching know by the colours that the classifier makes of it. There is much of it, and each change of
what concerns everyone has every afdeling considered anew.
"""


class Succession(NamedTuple):
    """From `on`, `of` goes on in `to`: whole, or in a split with `share` of it."""

    of: str
    to: str
    on: date
    share: Fraction | None
    fact: Fact


class Successions:
    """All that are known, by who is succeeded and by who succeeds, in the order of their days."""

    def __init__(self, everyone: Mapping[Slot, Fact]) -> None:
        self.by_of: dict[str, list[Succession]] = defaultdict(list)
        self.by_to: dict[str, list[Succession]] = defaultdict(list)
        for fact in everyone.values():
            if isinstance(told := fact.body, AfdelingSucceeded):
                share = None if told.share is None else Fraction(told.share)
                for of in told.from_:
                    one = Succession(of, told.to, told.on, share, fact)
                    self.by_of[of].append(one)
                    self.by_to[told.to].append(one)
        for its in (*self.by_of.values(), *self.by_to.values()):
            its.sort(key=lambda s: (s.on, s.of, s.to))

    def of(self, afdeling: str) -> list[Succession]:
        """By which the afdeling is succeeded."""
        return self.by_of.get(afdeling, [])

    def to(self, afdeling: str) -> list[Succession]:
        """By which the afdeling succeeds others."""
        return self.by_to.get(afdeling, [])


def closed_day(everyone: Mapping[Slot, Fact]) -> date | None:
    """The last day that was closed; None while none was."""
    fact = everyone.get((DayClosed.kind, ""))
    return fact.body.day if fact and isinstance(fact.body, DayClosed) else None


class Everyone:
    """Made once per change. `closed`: see `closed_day`."""

    def __init__(self, everyone: Mapping[Slot, Fact]) -> None:
        self.agreements, self.successions = Agreements(everyone), Successions(everyone)
        self.closed = closed_day(everyone)

    def current(self, municipality: str) -> Agreement | None:
        """In force on the closed day; the one with the latest `effective_from` while no day was closed."""
        if self.closed is None:
            return self.agreements.latest(municipality)
        return self.agreements.on(municipality, self.closed)

    def has_come(self, day: date) -> bool:
        """Whether the day is reached; every day is while none was closed."""
        return self.closed is None or day <= self.closed
