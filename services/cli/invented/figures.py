"""LBF's figures of the afdelinger over three years, comparisons with their twins, and manual placements."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from services.cli.invented.everyone import NATIONAL_AVERAGE
from services.cli.invented.lots import Lots
from services.cli.invented.municipality import Afdeling, Municipality
from services.cli.invented.telling import Told, instant, office_hours, tell

COMPARED = ("out_of_work", "basic_education", "income", "nonwestern")
SUPPRESSED_BELOW, CONVICTED_BELOW = 16, 40
"""Homes below which no figure at all is published, and below which `convicted` is not."""


@dataclass(slots=True)
class Figures:
    """The figures of the afdelinger by year; None is missing."""

    of: dict[tuple[str, int], dict[str, float | None]] = field(default_factory=dict)

    def hidden(self, afdeling: str, year: int) -> bool:
        """No figure of that year is known, so the colour is not either."""
        return all(v is None for v in self.of[afdeling, year].values())


def _drawn(lots: Lots, afdeling: Afdeling) -> dict[str, float]:
    s = min(1.0, max(0.0, afdeling.strain + lots.gauss(0, 0.02)))
    national = NATIONAL_AVERAGE * (0.4 + 2.9 * s) + lots.gauss(0, 0.12)
    return {
        "out_of_work": max(3, 10 + 36 * s + lots.gauss(0, 2)),
        "convicted": max(0.1, national),
        "basic_education": max(8, 22 + 45 * s + lots.gauss(0, 3)),
        "income": max(40, 94 - 42 * s + lots.gauss(0, 2.5)),
        "nonwestern": max(1, 4 + 22 * s + 38 * s**3 + lots.gauss(0, 3)),
        "residents": max(1, afdeling.residents + lots.randint(-3, 3)),
    }


def figures_of(seed: int, whole: Municipality, year: int) -> Figures:
    """Small afdelinger are suppressed, new ones not collected, a few left out of a year."""
    lots, found = Lots(seed, "figures"), Figures()
    for afdeling in whole.afdelinger:
        for y in (year - 2, year - 1, year):
            drawn: dict[str, float | None] = dict(_drawn(lots, afdeling))
            if len(afdeling.homes) < SUPPRESSED_BELOW or afdeling.built >= y or lots.chance(0.02):
                drawn = dict.fromkeys(drawn)
            elif len(afdeling.homes) < CONVICTED_BELOW:
                drawn["convicted"] = None
            found.of[afdeling.id, y] = drawn
    return found


def _published(lots: Lots, afdeling: Afdeling, indicator: str, value: float) -> dict[str, Any]:
    """The figure as text; of some shares also the persons behind it."""
    if indicator == "residents":
        return {"value": f"{value:.0f}"}
    if indicator in ("out_of_work", "nonwestern") and lots.chance(0.4):
        whole = max(1, round(afdeling.residents * (0.55 if indicator == "out_of_work" else 1)))
        part = round(value * whole / 100)
        return {"value": f"{part * 100 / whole:.2f}", "numerator": str(part), "denominator": str(whole)}
    return {"value": f"{value:.{2 if indicator == 'convicted' else 1}f}"}


def tell_figures(seed: int, whole: Municipality, figures: Figures, year: int, first_day: date) -> Iterator[Told]:
    """They count from 1 September; the year's own come from August on, so some of them late."""
    lots = Lots(seed, "told figures")
    for afdeling in whole.afdelinger:
        for y in (year - 2, year - 1, year):
            at = office_hours(lots, first_day if y < year else lots.day(date(y, 8, 1), date(y, 9, 20)))
            for indicator, value in figures.of[afdeling.id, y].items():
                reason = "not_collected" if afdeling.built >= y else "suppressed"
                what = (
                    {"value": None, "missing": reason}
                    if value is None
                    else _published(lots, afdeling, indicator, value)
                )
                told = tell(
                    at, "lbf", "indicator.observed",
                    subject={"kind": "afdeling", "id": afdeling.id}, source="lbf", indicator=indicator,
                    as_of=date(y, 1, 1), effective_from=date(y, 9, 1), **what,
                )  # fmt: skip
                yield told
                draw, later = lots.random(), at + timedelta(days=lots.randint(5, 120))
                if draw < 0.02 and value is not None and "numerator" not in what:
                    yield told.revised(later, **_corrected(lots, indicator, value))
                elif draw < 0.023:
                    wrong = told._replace(data=told.data | {"as_of": f"{y}-01-02"})
                    yield wrong
                    yield wrong.retracted(later)
            if y >= year - 1:
                yield from _twins(lots, whole, afdeling, figures.of[afdeling.id, y], year=y, at=at)


def _corrected(lots: Lots, indicator: str, value: float) -> dict[str, Any]:
    changed = value * lots.uniform(0.95, 1.05)
    return {"value": f"{changed:.0f}" if indicator == "residents" else f"{changed:.2f}"}


def _twins(
    lots: Lots, whole: Municipality, afdeling: Afdeling, own: dict[str, float | None], *, year: int, at: datetime
) -> Iterator[Told]:
    """Three in four are compared; where an afdeling is worse than its twins, it is so on several indicators."""
    others = [a.id for a in lots.sample(whole.afdelinger, min(5, len(whole.afdelinger))) if a.id != afdeling.id]
    worse = lots.gauss(0, 2.2)
    if not lots.chance(0.75) or not others:
        return
    comparisons = []
    for indicator in COMPARED:
        value = own[indicator]
        gap = (worse + lots.gauss(0, 1.5)) * (-1 if indicator == "income" else 1)
        mean = min(100.0, max(0.0, (30.0 if value is None else value) - gap))
        shown = None if value is None else f"{value:.1f}"
        comparisons.append({"indicator": indicator, "own": shown, "twin_mean": f"{mean:.1f}"})
    told = tell(
        at + timedelta(hours=1), "lbf", "twins.compared",
        afdeling_id=afdeling.id, as_of=date(year, 1, 1), effective_from=date(year, 10, 1),
        comparisons=comparisons, twins=others,
    )  # fmt: skip
    yield told
    draw = lots.random()
    if draw < 0.02:
        yield told.revised(told.at + timedelta(days=30), twins=others[:-1] or others)
    elif draw < 0.03:
        yield told.retracted(told.at + timedelta(days=40))


def tell_placements(seed: int, whole: Municipality, year: int) -> Iterator[Told]:
    """About one afdeling in fifty is placed by hand for a time; every third is shortened, the second taken back."""
    lots = Lots(seed, "placements")
    for n, afdeling in enumerate(lots.sample(whole.afdelinger, max(1, len(whole.afdelinger) // 50))):
        begins = lots.day(date(year, 2, 1), date(year, 8, 31))
        told = tell(
            instant(begins - timedelta(days=10), 9), f"municipality/{whole.code}", "placement.decided",
            placement_id=f"opdigtet-placering-{n + 1}", afdeling_id=afdeling.id,
            colour=lots.choice(("yellow", "yellow", "green", "red")), valid_from=begins,
            valid_to=None if n % 4 == 3 else begins + timedelta(days=180), reason="opdigtet: renovering i afdelingen",
            proposed_by="opdigtet-sagsbehandler-1", approved_by="opdigtet-leder-1",
        )  # fmt: skip
        yield told
        if n % 3 == 1:
            yield told.retracted(told.at + timedelta(days=20))
        elif n % 3 == 2:
            yield told.revised(told.at + timedelta(days=50), valid_to=(begins + timedelta(days=90)).isoformat())
