"""classifier: observations × lists × placements × agreement → the colour timeline of each afdeling.

figures (what is in force) → designations (of areas) → staircase (one day) → timeline (all days).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Literal

from services.classifier.domain.designations import ALL, InUse
from services.classifier.domain.kin import kin_of, relatives, untold
from services.classifier.domain.parameters import Parameters
from services.classifier.domain.staircase import Afdeling
from services.classifier.domain.timeline import areas, timeline
from shared.agreement.registrations import Registrations
from shared.events.inbound import DayClosed, IndicatorObserved, PlacementDecided, TwinsCompared
from shared.events.internal import Area, AreaYear, Colours, Conclusion
from shared.events.values import Designation
from shared.runtime.contract import Entity, Fact, Ours, Slot

AFTER_EVERYTHING = date.max
STRICTEST: tuple[Designation, ...] = ("omdannelse", "parallelsamfund", "udsat", "forebyggelse")


class Classifier:
    """The `Domain` of the classifier. Colours are told for all days, so it does not matter which of them are over."""

    ignores = frozenset({DayClosed.kind})

    def parameters(self, everyone: Mapping[Slot, Fact]) -> Parameters:
        return Parameters(dict(everyone))

    def conclude(self, afdeling: str, known: Entity, parameters: Parameters) -> Iterable[Conclusion]:
        own, recorded_at = known_of(known.facts), max(f.recorded_at for f in known.facts.values())
        if not own.registrations:
            yield from emptied(known, recorded_at)
            return
        kin = kin_of(afdeling, known, parameters)
        yield Colours(
            recorded_at=recorded_at,
            afdeling_id=afdeling,
            agreements=parameters.agreements.version,
            timeline=timeline(own, kin, parameters),
            areas=areas(own, parameters),
        )
        yield from relatives(afdeling, known, parameters, lambda some: timeline(own, some, parameters), recorded_at)

    def conclude_everyone(self, parameters: Parameters, ours: Ours) -> Iterable[Conclusion]:
        """The designations of every area of which anything is known, by the newest facts."""
        recorded_at = max(f.recorded_at for f in parameters.everyone.values())
        return [area_of(name, parameters, recorded_at) for name in sorted(parameters.names()) if ours(name)]

    def view(
        self, entity: str, facts: Mapping[Slot, Fact], conclusions: Mapping[Slot, Conclusion], parameters: Parameters
    ) -> dict[str, Any]:
        registrations, colours = Registrations(facts), conclusions.get((Colours.kind, ""))
        if not registrations or not isinstance(colours, Colours):
            return {}
        line = [{"from": str(s.from_), "colour": s.colour, "at_least": s.at_least} for s in colours.timeline]
        named = {r.area_id for r in registrations.all if r.area_id is not None}
        by = [{"by": s.to, "on": str(s.on)} for s in parameters.successions.of(entity)]
        return {
            "afdelinger": {entity: {"timeline": line, **({"succeeded": by} if by else {})}},
            "areas": {name: area_view(name, parameters) for name in named},
        }


def emptied(known: Entity, recorded_at: datetime) -> Iterator[Conclusion]:
    """Of an afdeling that no longer is registered, if it ever was: no colours, and nothing for its relatives."""
    before = known.conclusions.get((Colours.kind, ""))
    if isinstance(before, Colours):
        yield before.model_copy(update={"timeline": [], "areas": [], "version": 0, "recorded_at": recorded_at})
    yield from untold(known, set(), recorded_at)


def known_of(facts: Mapping[Slot, Fact]) -> Afdeling:
    """The afdeling's own facts; a retraction is of another model, so what it takes back is not among them."""
    bodies = [f.body for f in facts.values()]
    return Afdeling(
        Registrations(facts),
        [b for b in bodies if isinstance(b, IndicatorObserved)],
        [b for b in bodies if isinstance(b, TwinsCompared)],
        [b for b in bodies if isinstance(b, PlacementDecided)],
    )


def designated(name: str, parameters: Parameters) -> dict[Designation, InUse]:
    """As of a day after every fact, with the limits of the agreement with the latest `effective_from`."""
    return parameters.designations(name, AFTER_EVERYTHING, parameters.agreements.latest_of_all())


def list_year(in_use: Mapping[Designation, InUse]) -> int | None:
    """The newest that counts for any designation."""
    return max((d.year for d in in_use.values() if d.year is not None), default=None)


def area_of(name: str, parameters: Parameters, recorded_at: datetime) -> Area:
    in_use, area = designated(name, parameters), parameters.area(name)
    agreement = parameters.agreements.latest_of_all()
    return Area(
        recorded_at=recorded_at,
        area_id=name,
        list_year=list_year(in_use),
        udsat=in_use["udsat"].result,
        parallelsamfund=in_use["parallelsamfund"].result,
        omdannelse=in_use["omdannelse"].result,
        forebyggelse=in_use["forebyggelse"].result,
        headline=headline(in_use),
        years=[AreaYear(year=y, designations=area.shown(y, AFTER_EVERYTHING, agreement)) for y in area.years],
    )


def headline(in_use: Mapping[Designation, InUse]) -> Designation | Literal["none", "unknown"]:
    """The strictest that holds; unknown where none is known to hold and not all are known not to."""
    holds = next((d for d in STRICTEST if in_use[d].result), None)
    return holds or ("unknown" if any(d.result is None for d in in_use.values()) else "none")


def area_view(name: str, parameters: Parameters) -> dict[str, Any]:
    in_use = designated(name, parameters)
    return {"list_year": list_year(in_use), **{d: in_use[d].result for d in ALL}}
