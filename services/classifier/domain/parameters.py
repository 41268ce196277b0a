"""What concerns everyone, prepared for the staircase: agreements, national averages, lists and the areas' figures."""

from collections.abc import Mapping
from datetime import date
from functools import cached_property

from services.classifier.domain.designations import AreaFacts, InUse
from services.classifier.domain.figures import Averages
from shared.agreement.everyone import Successions
from shared.agreement.inforce import Agreement, Agreements
from shared.events.inbound import IndicatorObserved, ListPublished, ReferencePublished
from shared.events.internal import AreaNamed
from shared.events.values import Designation
from shared.runtime.contract import Fact, Slot


class Parameters:
    """Made once per change; what is asked of an area is computed when it is asked for, and kept."""

    def __init__(self, everyone: Mapping[Slot, Fact]) -> None:
        self.everyone = everyone
        bodies = [f.body for f in everyone.values()]
        self.averages = Averages(b for b in bodies if isinstance(b, ReferencePublished))
        self.lists = {b.list_date.year: b for b in bodies if isinstance(b, ListPublished)}
        self.observed: dict[str, list[IndicatorObserved]] = {}
        for body in bodies:
            if isinstance(body, IndicatorObserved):
                self.observed.setdefault(body.subject.id, []).append(body)
        self.named = {b.area_id for b in bodies if isinstance(b, AreaNamed)}
        self.areas: dict[str, AreaFacts] = {}
        self.designated: dict[tuple[str, date, str | None], dict[Designation, InUse]] = {}

    @cached_property
    def successions(self) -> Successions:
        return Successions(self.everyone)

    @cached_property
    def agreements(self) -> Agreements:
        return Agreements(self.everyone)

    def area(self, name: str) -> AreaFacts:
        """Any area, also one of which nothing is known."""
        if name not in self.areas:
            self.areas[name] = AreaFacts(name, self.observed.get(name, ()), self.lists, self.averages)
        return self.areas[name]

    def names(self) -> set[str]:
        """The areas that somebody has told anything of."""
        listed = {a for li in self.lists.values() for d in li.lists.values() for a in (*d.areas, *d.off)}
        return self.named | self.observed.keys() | listed

    def designations(self, area: str, day: date, agreement: Agreement | None) -> dict[Designation, InUse]:
        """Without an agreement: as published only. Kept by the day since when it is so, for many days are asked."""
        facts = self.area(area)
        since = facts.since(day)
        key = area, since, agreement.version if agreement else None
        if key not in self.designated:
            self.designated[key] = facts.on(since, agreement)
        return self.designated[key]

    def days(self) -> set[date]:
        """On which a list or a national average takes effect."""
        return {date(year, 12, 1) for year in self.lists} | set(self.averages.by_date)
