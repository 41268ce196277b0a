"""The designations of an area: as published, as computed, and which list year is in use on a day.

Source: almenboligloven §§ 61 a and 61 b; the inbound contract, "List years", "Published", "Designations".
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from services.classifier.domain.figures import Averages, figures, newest
from shared.agreement.criteria import all_of, conjunct, four
from shared.agreement.inforce import Agreement
from shared.events.inbound import IndicatorObserved, ListPublished
from shared.events.internal import Designated, Verdict
from shared.events.values import Designation

ALL: tuple[Designation, ...] = ("udsat", "parallelsamfund", "omdannelse", "forebyggelse")
INDICATORS = 6
Said = Mapping[Designation, bool]


class InUse(NamedTuple):
    """One designation on a day: the list year in use, None when none counts, and what it says."""

    year: int | None
    result: Verdict


def published(listed: ListPublished | None, area: str) -> Said:
    """What a year's list says of an area, what follows from it among it; what is said stands."""
    said: dict[Designation, bool] = {}
    for name, areas in listed.lists.items() if listed else ():
        if area in areas.areas:
            said[name] = True
        elif areas.complete or area in areas.off:
            said[name] = False
    stricter: tuple[tuple[Designation, Designation], ...] = (
        ("omdannelse", "parallelsamfund"),
        ("parallelsamfund", "udsat"),
    )
    for strict, loose in stricter:
        if said.get(strict) is True:
            said.setdefault(loose, True)
    for strict, loose in reversed(stricter):
        if said.get(loose) is False:
            said.setdefault(strict, False)
    return said


class AreaFacts:
    """What is known of one area: the ministry's figures by list year, and what the lists say of it."""

    def __init__(
        self, name: str, observed: Iterable[IndicatorObserved], lists: Mapping[int, ListPublished], averages: Averages
    ) -> None:
        self.name, self.averages = name, averages
        self.by_year: dict[int, list[IndicatorObserved]] = {}
        for o in observed:
            self.by_year.setdefault(o.as_of.year, []).append(o)
        self.said = {year: said for year, listed in lists.items() if (said := published(listed, name))}
        self.years: Sequence[int] = sorted({*self.by_year, *self.said})
        self.changes = sorted(self.days())
        self.known: dict[tuple[Designation, int, date, str], Verdict] = {}

    def since(self, day: date) -> date:
        """The day from which on is so what is so on this one."""
        at = bisect_right(self.changes, day)
        return self.changes[at - 1] if at else date.min

    def days(self) -> set[date]:
        """On which a designation may begin or end."""
        effective = {o.effective_from for year in self.by_year.values() for o in year}
        return effective | {date(year, 12, 1) for year in self.years}

    def on(self, day: date, agreement: Agreement | None) -> dict[Designation, InUse]:
        """Each designation by the newest list year that counts for it."""
        years = [y for y in reversed(self.years) if day >= date(y, 12, 1)]
        complete = {y for y in years if len(newest(self.by_year.get(y, ()), day)) == INDICATORS}
        found = {}
        for name in ALL:
            year = next((y for y in years if y in complete or name in self.said.get(y, {})), None)
            found[name] = InUse(year, None if year is None else self.result(name, year, day, agreement))
        return found

    def result(self, name: Designation, year: int, day: date, agreement: Agreement | None) -> Verdict:
        """As published, or, where that is not said, computed."""
        said = self.said.get(year, {}).get(name)
        return self.computed(name, year, day, agreement) if said is None else said

    def computed(self, name: Designation, year: int, day: date, agreement: Agreement | None) -> Verdict:
        """From that year's figures effective by the day; three-valued; without an agreement there are no limits."""
        if agreement is None:
            return None
        key = name, year, day, agreement.version
        if key not in self.known:  # the stricter ones ask for the looser ones, and every year for those before it
            self.known[key] = self.by_criteria(name, year, day, agreement)
        return self.known[key]

    def by_criteria(self, name: Designation, year: int, day: date, agreement: Agreement) -> Verdict:
        criteria = agreement.document.criteria
        if name == "omdannelse":
            years = range(year, year - criteria.omdannelse.consecutive_lists.value, -1)
            return all_of([self.result("parallelsamfund", y, day, agreement) for y in years])
        known = figures(self.by_year.get(year, ()), day)
        if name == "parallelsamfund":
            extra = conjunct("nonwestern", criteria.parallelsamfund.nonwestern, known)
            return all_of([self.result("udsat", year, day, agreement), *(c.verdict for c in extra)])
        rules = criteria.udsat if name == "udsat" else criteria.forebyggelse
        conjuncts = conjunct("residents", rules.residents_min, known)
        if name == "forebyggelse":
            conjuncts += conjunct("nonwestern", criteria.forebyggelse.nonwestern, known)
        enough, _ = four(rules, known, self.averages.of_year(year))
        return all_of([enough, *(c.verdict for c in conjuncts)])

    def shown(self, year: int, day: date, agreement: Agreement | None) -> dict[Designation, Designated]:
        """All of a list year, published and computed side by side, for those who compare them."""
        complete = len(newest(self.by_year.get(year, ()), day)) == INDICATORS
        said, computed = self.said.get(year, {}), {n: self.computed(n, year, day, agreement) for n in ALL}
        return {
            name: Designated(
                published=said.get(name),
                computed=computed[name],
                result=said.get(name, computed[name]),
                counts=complete or name in said,
            )
            for name in ALL
        }
