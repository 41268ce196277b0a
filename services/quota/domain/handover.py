"""What an afdeling that was merged, renumbered or split hands over, and what its successor takes over: exact sums.

Whole: all that is left. A split: the share of the balance as the day begins, sum of shares less reported homes. Only
what came from earlier successions is handed on, so that a circle of them ends. The two may live in different tasks:
what is handed over is an event, to the successor's partition.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from services.quota.domain.counting import Class, Facts, Home
from shared.agreement.everyone import Everyone
from shared.events.internal import Amounts, Handover
from shared.runtime.contract import Entity, Fact

NOTHING, REPORTED, NO_SHARE = Amounts(), Amounts(reported=1), Fraction(0)


class Given(NamedTuple):
    """One handover of this afdeling; `fact`: the succession, None where it is no longer one."""

    of: str
    to: str
    on: date
    amounts: Amounts
    fact: Fact | None

    @property
    def about(self) -> str:
        return f"{self.to} {self.on}"

    def conclusion(self, recorded_at: datetime) -> Handover:
        return Handover(recorded_at=recorded_at, to=self.to, of=self.of, on=self.on, amounts=self.amounts)


def taken(facts: Facts) -> list[tuple[Handover, Fact]]:
    """What predecessors hand over, in the order of the days."""
    found = [(f.body, f) for f in facts.values() if isinstance(f.body, Handover)]
    return sorted(found, key=lambda h: (h[0].on, h[0].of))


def handed(
    afdeling: str, homes: Sequence[Home], received: Sequence[tuple[Handover, Fact]], known: Entity, everyone: Everyone
) -> list[Given]:
    """What goes to each successor whose day has come; nothing to the others, and to those that no longer are one.

    Shares are of what is there when their day begins; who takes over whole on the same day gets what they leave.
    """
    successions = everyone.successions.of(afdeling)
    if not successions:
        return list(withdrawn(known, set()))  # of most there are none, and nothing needs to be summed
    own = sum((amounts_of(home) for home in homes), NOTHING)
    found, gone = list[Given](), NOTHING
    for day, its in groupby(successions, key=lambda s: s.on):
        begins = left = sum((h.amounts for h, _ in received if h.on < day), own) - gone
        for succession in sorted(its, key=lambda s: s.share is None):
            given = NOTHING
            if everyone.has_come(day):
                given = left if succession.share is None else part(begins, succession.share)
            left, gone = left - given, gone + given
            found.append(Given(afdeling, succession.to, day, given, succession.fact))
    return [*found, *withdrawn(known, {(g.to, g.on) for g in found})]


def part(has: Amounts, share: Fraction) -> Amounts:
    return Amounts(share=share * (has.share - has.reported))


def withdrawn(known: Entity, current: set[tuple[str, date]]) -> Iterator[Given]:
    """Those that were told before, and of which no succession tells any longer."""
    for before in known.conclusions.values():
        if isinstance(before, Handover) and (before.to, before.on) not in current:
            yield Given(before.of, before.to, before.on, NOTHING, None)


def amounts_of(home: Home) -> Amounts:
    """What one home adds to the balance, its report among it."""
    return standing_of(home) + (REPORTED if home.reported else NOTHING)


def standing_of(home: Home) -> Amounts:
    """The same without its report."""
    counts = home.kind == "counting"
    return effect_of(home.kind, home.share if counts else NO_SHARE, int(counts and home.colour == "unknown"))


@lru_cache(maxsize=256)
def effect_of(kind: Class, share: Fraction, provisional: int) -> Amounts:
    """One object for the many homes that count alike."""
    counted: Mapping[str, int] = {kind: 1}
    return Amounts(**counted, provisional=provisional, share=share)
