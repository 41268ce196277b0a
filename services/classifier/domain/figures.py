"""Figures in force: of an afdeling on a day, and of an area by list year and day. Source: the inbound contract."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from shared.agreement.criteria import Figure, Figures
from shared.events.inbound import IndicatorObserved, ReferencePublished
from shared.events.values import Indicator


def newest(observed: Iterable[IndicatorObserved], day: date) -> dict[Indicator, IndicatorObserved]:
    """Per indicator the one with the latest `as_of` of those effective by the day."""
    found: dict[Indicator, IndicatorObserved] = {}
    for o in observed:
        if o.effective_from <= day and (o.indicator not in found or found[o.indicator].as_of < o.as_of):
            found[o.indicator] = o
    return found


def figures(observed: Iterable[IndicatorObserved], day: date) -> Figures:
    """If the newest is missing, the figure is: an older one does not step in."""
    return {name: Figure.of(o) for name, o in newest(observed, day).items()}


class Averages:
    """The national two-year averages of `convicted`, in %, by list date."""

    def __init__(self, published: Iterable[ReferencePublished]) -> None:
        self.by_date: Mapping[date, Decimal] = {p.list_date: p.national_average for p in published}

    def on(self, day: date) -> Decimal | None:
        """The latest `list_date` not after the day."""
        known = [d for d in self.by_date if d <= day]
        return self.by_date[max(known)] if known else None

    def of_year(self, year: int) -> Decimal | None:
        return self.by_date.get(date(year, 12, 1))
