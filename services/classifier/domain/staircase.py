"""The staircase on one day: red, yellow, green or unknown, strictest first, with the whole trace.

Source: the inbound contract, "Colour on day d", "Twins on day d"; annex 7 of the agreement is not public (assumption).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from services.classifier.domain.designations import InUse
from services.classifier.domain.figures import figures
from services.classifier.domain.parameters import Parameters
from shared.agreement.criteria import FOUR, Applied, Figures, all_of, any_of, at_least, conjunct, four
from shared.agreement.document import Needed, Red, TwinGap
from shared.agreement.inforce import Agreement
from shared.agreement.registrations import Registrations
from shared.events.inbound import Comparison, IndicatorObserved, PlacementDecided, TwinsCompared
from shared.events.internal import Criterion, Reason, Verdict
from shared.events.values import Colour, Designation

WayName = Literal[
    "placement", "registration", "agreement", "area", "own_figures", "twins", "predecessors", "successors"
]


class Afdeling(NamedTuple):
    """What is known of one afdeling, taken back facts left out."""

    registrations: Registrations
    observed: Sequence[IndicatorObserved]
    twins: Sequence[TwinsCompared]
    placements: Sequence[PlacementDecided]


class Way(NamedTuple):
    """One way to a step: whether it holds, and the whole trace, made only where it is shown."""

    step: Literal["red", "yellow"] | None
    verdict: Verdict
    told: Callable[[], Reason]


class Step(NamedTuple):
    """Where the afdeling stands on a day, and why."""

    colour: Colour
    at_least: Literal["yellow"] | None = None
    manual: str | None = None
    agreement: str | None = None
    ways: Sequence[Way] = ()


def step_on(afdeling: Afdeling, day: date, parameters: Parameters) -> Step:
    """The colour on the day."""
    registration = afdeling.registrations.on(day)
    if registration is None:
        return Step("unknown", ways=[plain("registration", None, "not registered on the day")])
    agreement = parameters.agreements.on(registration.municipality, day)
    if agreement is None:
        return Step("unknown", ways=[plain("agreement", None, "no agreement in force")])
    if placed := placement_on(afdeling.placements, day):
        way = plain("placement", True, placed.reason)
        return Step(placed.colour, None, placed.placement_id, agreement.version, [way])
    return by_rule(afdeling, registration.area_id, day, agreement, parameters)


def plain(way: WayName, verdict: Verdict, note: str, step: Literal["red", "yellow"] | None = None) -> Way:
    """One without criteria."""
    return Way(step, verdict, lambda: Reason(way=way, step=step, verdict=verdict, note=note))


def placement_on(placements: Iterable[PlacementDecided], day: date) -> PlacementDecided | None:
    """In force on the day: the latest `valid_from`, then the highest id as text."""
    in_force = (p for p in placements if p.valid_from <= day and (p.valid_to is None or day < p.valid_to))
    return max(in_force, key=lambda p: (p.valid_from, p.placement_id), default=None)


def by_rule(afdeling: Afdeling, area: str | None, day: date, agreement: Agreement, parameters: Parameters) -> Step:
    staircase = agreement.document.staircase
    own, national = figures(afdeling.observed, day), parameters.averages.on(day)
    ways = []
    for name, rules in (("red", staircase.red), ("yellow", staircase.yellow)):
        step: Literal["red", "yellow"] = "red" if name == "red" else "yellow"
        designated = parameters.designations(area, day, agreement) if area is not None else None
        ways.append(area_way(step, rules, area, designated))
        if rules.own_criteria:
            criteria = getattr(agreement.document.criteria, rules.own_criteria)
            enough, applied = four(criteria, own, national)
            applied = [*own_conjuncts(agreement, rules, own), *applied]
            verdict = all_of([enough, *(c.verdict for c in applied if c.name == "nonwestern")])
            ways.append(own_way(step, verdict, applied, criteria.at_least))
    if (gap := staircase.yellow.twin_gap) and not gap.off:
        ways.append(twin_way(afdeling.twins, day, gap, gap.origin or staircase.yellow.origin or staircase.origin))
    red = any_of(w.verdict for w in ways if w.step == "red")
    yellow = any_of(w.verdict for w in ways if w.step == "yellow")
    colour, at_least_ = placed_by(red, yellow)
    return Step(colour, at_least_, None, agreement.version, ways)


def placed_by(red: Verdict, yellow: Verdict) -> tuple[Colour, Literal["yellow"] | None]:
    """A step is taken only when every stricter one is known not to hold."""
    if red:
        return "red", None
    if red is None:
        return "unknown", "yellow" if yellow else None
    if yellow:
        return "yellow", None
    return ("unknown" if yellow is None else "green"), None


def own_way(step: Literal["red", "yellow"], verdict: Verdict, applied: Sequence[Applied], needed: Needed) -> Way:
    def told() -> Reason:
        note = at_least_of(needed.value, sum(a.name in FOUR for a in applied), needed.origin)
        return Reason(way="own_figures", step=step, verdict=verdict, criteria=[a.told() for a in applied], note=note)

    return Way(step, verdict, told)


def at_least_of(needed: int, of: int, origin: str | None) -> str:
    return f"at least {needed} of {of}" + (f": {origin}" if origin else "")


def own_conjuncts(agreement: Agreement, rules: Red, own: Figures) -> list[Applied]:
    """On an afdeling's own figures there is no minimum of residents; forebyggelse asks for `nonwestern` too."""
    if rules.own_criteria != "forebyggelse":
        return []
    return conjunct("nonwestern", agreement.document.criteria.forebyggelse.nonwestern, own)


def area_way(
    step: Literal["red", "yellow"], rules: Red, area: str | None, designated: Mapping[Designation, InUse] | None
) -> Way:
    """Whether the area is designated so; an afdeling in no area is in none that is."""
    if designated is None:
        return plain("area", False, "in no area", step)
    verdict = any_of(designated[name].result for name in rules.area_designated)

    def told() -> Reason:
        criteria = [
            Criterion(
                name=name,
                verdict=designated[name].result,
                note=f"list year {designated[name].year}" if designated[name].year else "no list year counts",
            )
            for name in rules.area_designated
        ]
        return Reason(way="area", step=step, verdict=verdict, criteria=criteria, note=area)

    return Way(step, verdict, told)


def twin_way(compared: Iterable[TwinsCompared], day: date, gap: TwinGap, origin: str | None) -> Way:
    """Twins only add: without a comparison, or with the own figure missing, the afdeling is not worse."""
    newest = max((t for t in compared if t.effective_from <= day), key=lambda t: t.as_of, default=None)
    if newest is None:
        return plain("twins", False, "no comparison; missing counts as not worse", "yellow")
    compared_on = [(c, worse_by(c)) for c in newest.comparisons if c.indicator in gap.indicators]
    verdict = at_least(gap.indicators_at_least, (w is not None and w >= gap.points for _, w in compared_on))

    def told() -> Reason:
        criteria = [
            Criterion(
                name=c.indicator,
                verdict=worse is not None and worse >= gap.points,
                value=c.own,
                limit=gap.points,
                distance=None if worse is None else worse - gap.points,
                source=origin,
                note=f"mean of the twins {c.twin_mean}"
                if c.own is not None
                else "own figure missing: counts as not worse",
            )
            for c, worse in compared_on
        ]
        note = at_least_of(gap.indicators_at_least, len(gap.indicators), origin)
        return Reason(way="twins", step="yellow", verdict=verdict, criteria=criteria, note=note)

    return Way("yellow", verdict, told)


def worse_by(comparison: Comparison) -> Decimal | None:
    """By how much the afdeling is worse than its twins; None where its own figure is missing."""
    own, mean = comparison.own, comparison.twin_mean
    if own is None:
        return None
    return mean - own if comparison.indicator == "income" else own - mean
