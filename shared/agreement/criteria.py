"""The criteria of the law, each met, not met or unknown, with value, limit, distance and source.

Compared exactly: published decimals, or numerator and denominator as a fraction where they are given. "Over" and
"under" are strict, "at least" is not. Source: almenboligloven §§ 61 a and 61 b.
"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple

from shared.agreement.document import AtLeast, FourCriteria, Limit, Over, TimesNational, Under
from shared.events.inbound import IndicatorObserved
from shared.events.internal import Criterion, Verdict
from shared.events.values import Indicator

FOUR: tuple[Indicator, ...] = ("out_of_work", "convicted", "basic_education", "income")


class Figure(NamedTuple):
    """One figure as it is compared; None is missing, whatever the reason."""

    exact: Fraction | None
    published: Decimal | None

    @classmethod
    def of(cls, observed: IndicatorObserved | None) -> "Figure":
        if observed is None or observed.value is None:
            return cls(None, None)
        if observed.numerator is not None and observed.denominator is not None:
            return cls(Fraction(observed.numerator) / Fraction(observed.denominator) * 100, observed.value)
        return cls(Fraction(observed.value), observed.value)


Figures = Mapping[Indicator, Figure]
MISSING = Figure(None, None)


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Three-valued OR: true where one is, unknown where one is unknown."""
    seen = set(verdicts)
    return True if True in seen else None if None in seen else False


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Three-valued AND: false where one is, unknown where one is unknown."""
    seen = set(verdicts)
    return False if False in seen else None if None in seen else True


def at_least(needed: int, verdicts: Iterable[Verdict]) -> Verdict:
    """At least so many: met when so many are known to be, not met when even the unknown ones would not do."""
    seen = list(verdicts)
    met, unknown = seen.count(True), seen.count(None)
    return True if met >= needed else False if met + unknown < needed else None


class Applied(NamedTuple):
    """One criterion as it was applied; told in full only where it is shown."""

    name: Indicator
    limit: Limit
    figure: Figure
    bound: Fraction | None
    verdict: Verdict

    def told(self) -> Criterion:
        value, bound, limit = self.figure.exact, self.bound, self.limit
        return Criterion(
            name=self.name,
            verdict=self.verdict,
            value=self.figure.published,
            limit=None if bound is None else decimal(bound),
            distance=None if value is None or bound is None else decimal(value - bound),
            source=limit.origin,
            note="no national average for the year" if bound is None else None,
        )


def criterion(name: Indicator, limit: Limit, figure: Figure, national: Decimal | None) -> Applied:
    """`national`: the two-year average in %, for `convicted`."""
    bound = bound_of(limit, national)
    verdict = None if figure.exact is None or bound is None else met(limit, figure.exact, bound)
    return Applied(name, limit, figure, bound, verdict)


def bound_of(limit: Limit, national: Decimal | None) -> Fraction | None:
    match limit:
        case Over():
            return Fraction(limit.over)
        case Under():
            return Fraction(limit.under)
        case AtLeast():
            return Fraction(limit.value)
        case TimesNational():
            return None if national is None else Fraction(limit.at_least_times_national) * Fraction(national)
        case _:
            raise TypeError(f"{type(limit).__name__} is no limit of an indicator")


def met(limit: Limit, value: Fraction, bound: Fraction) -> bool:
    match limit:
        case Over():
            return value > bound
        case Under():
            return value < bound
        case _:
            return value >= bound


def decimal(value: Fraction) -> Decimal:
    """For people: six places at the most; never compared."""
    with localcontext() as context:
        context.prec = 40
        return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(
            Decimal("0.000001"), rounding=ROUND_HALF_EVEN
        )


def four(criteria: FourCriteria, figures: Figures, national: Decimal | None) -> tuple[Verdict, list[Applied]]:
    """At least k of the four that are not switched off."""
    limits = {name: getattr(criteria, name) for name in FOUR}
    applied = [criterion(n, li, figures.get(n, MISSING), national) for n, li in limits.items() if not li.off]
    return at_least(criteria.at_least.value, (c.verdict for c in applied)), applied


def conjunct(name: Indicator, limit: Limit, figures: Figures) -> list[Applied]:
    """One member of a conjunction; none when it is switched off."""
    return [] if limit.off else [criterion(name, limit, figures.get(name, MISSING), None)]
