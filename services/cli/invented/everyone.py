"""What concerns everyone: the agreements, national averages, the ministry's figures of areas and its yearly lists."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.cli.invented.lots import Lots
from services.cli.invented.municipality import Area, Municipality, Profile
from services.cli.invented.telling import Told, instant, office_hours, tell

Document = dict[str, Any]
Range = tuple[float, float]
NATIONAL_AVERAGE = 0.78
"""In %, about the two-year average behind the limits published for the list of 2023."""

INDICATORS = ("out_of_work", "convicted", "basic_education", "income", "nonwestern")
FIGURES: dict[Profile, tuple[Range, ...]] = {
    "none": ((14, 28), (0.6, 1.7), (26, 50), (70, 92), (7, 28)),
    "forebyggelse": ((32, 39), (1.7, 2.6), (52, 60), (57, 64), (32, 48)),
    "udsat": ((41, 48), (2.6, 3.5), (61, 69), (52, 60), (31, 48)),
    "parallelsamfund": ((41, 49), (2.7, 3.6), (61, 71), (50, 58), (52, 69)),
    "omdannelse": ((42, 50), (2.8, 3.8), (62, 73), (49, 56), (54, 74)),
}
"""By profile, for each indicator from and to, in %; `convicted` in multiples of the national average."""

HOLDS: dict[Profile, tuple[str, ...]] = {
    "none": (),
    "forebyggelse": ("forebyggelse",),
    "udsat": ("udsat", "forebyggelse"),
    "parallelsamfund": ("udsat", "parallelsamfund", "forebyggelse"),
    "omdannelse": ("udsat", "parallelsamfund", "omdannelse", "forebyggelse"),
}
LIST_YEARS = 6
FIRST_FOREBYGGELSE = 2021


def agreement_from(document: Document, day: date, municipality: str) -> Document:
    """The same agreement with another first day."""
    return deepcopy(document) | {"effective_from": day.isoformat(), "municipality": municipality}


def with_higher_ceilings(document: Document, day: date, factor: Decimal) -> Document:
    """A new agreement from the day on: the rent ceilings raised, to whole 50 kr."""
    new = deepcopy(document) | {"effective_from": day.isoformat()}
    ceilings = new["relevance"]["rent_monthly_max"]
    for rooms in "1234":
        ceilings[rooms] = int(round(Decimal(str(ceilings[rooms])) * factor / 50) * 50)
    ceilings["assumption"] = "opdigtet forhøjelse af huslejelofterne"
    return new


def tell_agreement(municipality: str, document: Document, day: date) -> Told:
    approval = {"proposed_by": "opdigtet strategisk gruppe", "approved_by": "opdigtet politisk forum"}
    return tell(instant(day), f"municipality/{municipality}", "agreement.published", document=document, **approval)


def _list_date(year: int) -> date:
    return date(year, 12, 1)


def _then(area: Area, list_year: int, year: int) -> Profile:
    """A parallelsamfund was not one earlier than two lists ago, so it is no omdannelse."""
    return "udsat" if area.profile == "parallelsamfund" and list_year < year - 2 else area.profile


def _averages(lots: Lots, year: int) -> dict[int, Decimal]:
    return {
        y: Decimal(f"{NATIONAL_AVERAGE + lots.uniform(-0.03, 0.03):.4f}") for y in range(year - LIST_YEARS, year + 1)
    }


def _figures(lots: Lots, area: Area, list_year: int, year: int, *, average: Decimal, known: date) -> Iterator[Told]:
    subject = {"kind": "area", "id": area.id}
    ranges = zip(INDICATORS, FIGURES[_then(area, list_year, year)], strict=True)
    figures = {n: f"{lots.uniform(*r):.1f}" for n, r in ranges}
    figures["convicted"] = f"{float(figures['convicted']) * float(average):.2f}"
    figures["residents"] = str(area.residents + 5 * (list_year - year))
    for indicator, value in figures.items():
        gone = indicator == "income" and lots.chance(0.05)
        yield tell(
            office_hours(lots, known), "ministry", "indicator.observed",
            subject=subject, source="ministry", indicator=indicator, as_of=date(list_year, 1, 1),
            effective_from=_list_date(list_year), value=None if gone else value,
            **({"missing": "suppressed"} if gone else {}),
        )  # fmt: skip


def _list(lots: Lots, areas: list[Area], list_year: int, year: int, known: date) -> Told:
    """Some of the lists are whole; of the others a part is known, and of some areas that they are off."""
    lists: dict[str, Any] = {}
    for designation in ("udsat", "parallelsamfund", "omdannelse", "forebyggelse"):
        if designation == "forebyggelse" and list_year < FIRST_FOREBYGGELSE:
            continue
        on = [a.id for a in areas if designation in HOLDS[_then(a, list_year, year)]]
        if lots.chance(0.6):
            lists[designation] = {"complete": True, "areas": on}
        else:
            off = [a.id for a in areas if a.id not in on and lots.chance(0.3)]
            lists[designation] = {"complete": False, "areas": [a for a in on if lots.chance(0.7)], "off": off}
    return tell(office_hours(lots, known), "ministry", "list.published", list_date=_list_date(list_year), lists=lists)


def tell_everyone(seed: int, whole: Municipality, year: int, first_day: date) -> Iterator[Told]:
    """Averages, area figures and lists of this and the five years before; what is past is told on the first day."""
    lots = Lots(seed, "everyone")
    averages = _averages(lots, year)
    for list_year, average in averages.items():
        known = max(first_day, _list_date(list_year))
        yield tell(
            instant(known), "ministry", "reference.published",
            indicator="convicted", list_date=_list_date(list_year), national_average=average,
        )  # fmt: skip
        if list_year == year - LIST_YEARS:
            continue
        for area in whole.areas:
            yield from _figures(lots, area, list_year, year, average=average, known=known)
        told = _list(lots, whole.areas, list_year, year, known)
        yield told
        if list_year == year - 1:
            lists = {n: s | {"complete": True} if n == "udsat" else s for n, s in told.data["lists"].items()}
            yield told.revised(told.at + timedelta(days=70), lists=lists)
    yield from _taken_back(year, first_day)


def _taken_back(year: int, first_day: date) -> Iterator[Told]:
    """A list and an average that got the wrong year."""
    wrong, at = {"list_date": _list_date(year - LIST_YEARS - 1)}, instant(first_day, 8)
    lists = {"udsat": {"complete": False, "areas": ["Opdigtet fejlområde"]}}
    for told in (
        tell(at, "ministry", "list.published", **wrong, lists=lists),
        tell(at, "ministry", "reference.published", **wrong, indicator="convicted", national_average="0.9"),
    ):
        yield told
        yield told.retracted(at + timedelta(days=3))
