"""A year of lettings: homes that fall vacant, offers of them, and what becomes of the offers.

Moves out to the outside a year: 10.4 % of family homes and 39.9 % of youth homes, most in July; 10 % of lettings are
internal. Of elderly homes 12 %: invented. Every organisation has its own habit of offering, a quarter and more.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from services.cli.invented.everyone import Document
from services.cli.invented.figures import Figures
from services.cli.invented.lots import Lots
from services.cli.invented.municipality import Afdeling, Home, Municipality
from services.cli.invented.telling import Told, office_hours, tell
from shared.events.values import Dwelling, VacancyReason

OUTSIDE: dict[Dwelling, float] = {"family": 0.104, "youth": 0.399, "elderly": 0.12}
REASONS: dict[VacancyReason, float] = {
    "external": 0.87, "internal_move": 0.1, "exchange": 0.01, "rehousing": 0.007, "renovation": 0.006,
    "municipal_hold": 0.004, "sale": 0.002, "demolition": 0.001,
}  # fmt: skip
MONTHS = (7.4, 7.0, 7.8, 7.6, 8.0, 9.3, 13.0, 10.6, 8.9, 8.0, 6.9, 5.5)
PEOPLE = ("opdigtet-sagsbehandler-1", "opdigtet-sagsbehandler-2", "opdigtet-leder-1", "opdigtet-leder-2")


class Vacancy(NamedTuple):
    """One vacancy as first told, and its home."""

    told: Told
    home: Home

    @property
    def countable(self) -> bool:
        return self.home.dwelling == "family" and bool(self.told.data["reason"] == "external")


def _vacant_from(lots: Lots, year: int) -> date:
    month = lots.choices(range(1, 13), MONTHS)[0]
    return date(year, month, lots.choices((1, 15, lots.randint(2, 28)), (0.6, 0.25, 0.15))[0])


def _reason(lots: Lots, afdeling: Afdeling, year: int) -> str:
    reason = lots.choices(list(REASONS), list(REASONS.values()))[0]
    return "first_letting" if reason == "renovation" and afdeling.built >= year - 1 else reason


def _vacant(lots: Lots, afdeling: Afdeling, year: int) -> list[tuple[date, Home]]:
    vacant = [
        (_vacant_from(lots, year), home)
        for home in afdeling.homes
        if lots.chance(OUTSIDE[home.dwelling] / REASONS["external"])
    ]
    return sorted(vacant, key=lambda v: v[0])


def _told_vacancy(lots: Lots, afdeling: Afdeling, number: int, vacant: tuple[date, Home], first_day: date) -> Told:
    """Told within the term of notice; a few only after the home stands empty."""
    day, home = vacant
    notice = lots.randint(-20, -1) if lots.chance(0.04) else lots.randint(25, 80)
    return tell(
        office_hours(lots, max(first_day + timedelta(days=1), day - timedelta(days=notice))),
        f"org/{afdeling.organisation}", "vacancy.reported",
        vacancy_id=f"{afdeling.id}/{number}", afdeling_id=afdeling.id, dwelling=home.dwelling,
        reason=_reason(lots, afdeling, day.year), rooms=home.rooms, area_m2=str(home.area_m2),
        rent_monthly=None if lots.chance(0.015) else home.rent_monthly, vacant_from=day,
    )  # fmt: skip


def _corrections(lots: Lots, told: Told, home: Home) -> Iterator[Told]:
    """One in twelve is corrected; one in thirty cancelled, and of those every eighth told anew."""
    draw, later = lots.random(), told.at + timedelta(days=lots.randint(3, 45), minutes=lots.randint(0, 300))
    last = told
    if told.data["rent_monthly"] is None and draw < 0.5:
        last = told.revised(later, rent_monthly=f"{home.rent_monthly:f}")
    elif draw < 0.06:
        last = told.revised(later, rent_monthly=f"{home.rent_monthly + lots.choice((-250, -120, -60, 60, 120, 250)):f}")
    elif draw < 0.075:
        moved = date.fromisoformat(told.data["vacant_from"]) + timedelta(days=lots.choice((14, 15, 30)))
        last = told.revised(later, vacant_from=moved.isoformat())
    elif draw < 0.08:
        last = told.revised(later, reason="internal_move")
    if last is not told:
        yield last
    if lots.chance(0.033):
        key = {n: told.data[n] for n in ("vacancy_id", "afdeling_id")}
        revision = last.data["revision"] + 1
        yield Told(later + timedelta(days=2), told.source, "vacancy.cancelled", key | {"revision": revision})
        if lots.chance(0.12):
            yield last._replace(at=later + timedelta(days=6), data=last.data | {"revision": revision + 1})


def _offered(lots: Lots, vacancy: Vacancy, habit: float, relevant: bool) -> bool:
    if not vacancy.countable:
        return lots.chance(0.02)
    return lots.chance(habit * (1.2 if relevant else 0.85))


def _is_relevant(vacancy: Vacancy, document: Document) -> bool:
    rooms, relevance = str(min(vacancy.home.rooms, 4)), document["relevance"]
    rent, area = relevance["rent_monthly_max"][rooms], relevance["area_m2_max"][rooms]
    return vacancy.home.rent_monthly <= Decimal(str(rent)) and vacancy.home.area_m2 <= Decimal(str(area))


def _offer(lots: Lots, vacancy: Vacancy, code: str, hidden: bool, relevant: bool) -> Iterator[Told]:
    """The offer, and then its withdrawal, the resolution of two people, or the assignment system's reply."""
    about = vacancy.told.data
    at = vacancy.told.at + timedelta(days=lots.randint(1, 10), minutes=lots.randint(0, 200))
    offer = tell(
        at, f"org/{about['afdeling_id'][:4]}", "offer.submitted",
        offer_id=f"offer-{about['vacancy_id']}", vacancy_id=about["vacancy_id"], afdeling_id=about["afdeling_id"],
        submitted_on=at.date(),
    )  # fmt: skip
    yield offer
    key = {n: offer.data[n] for n in ("offer_id", "afdeling_id")}
    later = at + timedelta(days=lots.randint(1, 8), minutes=lots.randint(0, 300))
    if lots.chance(0.05):
        yield Told(later, offer.source, "offer.withdrawn", key | {"revision": 2})
        if lots.chance(0.25):
            again = later + timedelta(days=4)
            yield offer._replace(at=again, data=offer.data | {"revision": 3, "submitted_on": again.date().isoformat()})
        return
    if lots.chance(0.02):
        yield offer.revised(later, submitted_on=(at - timedelta(days=1)).date().isoformat())
    refers = ["colour_unknown"] * hidden + ["rent_missing"] * (about["rent_monthly"] is None)
    if refers and lots.chance(0.9):
        yield from _resolution(lots, later, code, key, refers)
    if lots.chance(0.85 if relevant else 0.1):
        yield from _reply(lots, later + timedelta(days=1), code, key, relevant)


def _resolution(lots: Lots, at: datetime, code: str, key: dict[str, Any], refers: list[str]) -> Iterator[Told]:
    one, other = lots.sample(PEOPLE, 2)
    told = tell(
        at, f"municipality/{code}", "offer.resolved",
        **key, outcome="accepted" if lots.chance(0.7) else "rejected", resolves=refers,
        reason="opdigtet: set på af to", proposed_by=one, approved_by=other,
    )  # fmt: skip
    yield told
    if lots.chance(0.1):
        yield told.revised(at + timedelta(days=5), outcome="rejected")


def _reply(lots: Lots, at: datetime, code: str, key: dict[str, Any], relevant: bool) -> Iterator[Told]:
    kind = "offer.assigned" if relevant and lots.chance(0.85) else "offer.returned"
    told = tell(at, f"municipality/{code}", kind, **key, on=at.date(), decision_version=1)
    yield told
    if lots.chance(0.03):
        back = told.revised(at + timedelta(days=6), on=(at + timedelta(days=6)).date().isoformat())
        yield back._replace(kind="offer.returned" if kind == "offer.assigned" else "offer.assigned")


def tell_lettings(
    seed: int, whole: Municipality, figures: Figures, document: Document, *, year: int, first_day: date
) -> Iterator[Told]:
    """All vacancies of the year with all that follows from them, afdeling by afdeling."""
    lots = Lots(seed, "lettings")
    habits = {o.id: lots.uniform(0.27, 0.42) for o in whole.organisations}
    for afdeling in whole.afdelinger:
        habit = habits[afdeling.organisation] if afdeling.strain < 0.8 else 0.1
        hidden = figures.hidden(afdeling.id, year - 1)
        for number, (day, home) in enumerate(_vacant(lots, afdeling, year), 1):
            told = _told_vacancy(lots, afdeling, number, (day, home), first_day)
            yield told
            yield from _corrections(lots, told, home)
            vacancy = Vacancy(told, home)
            relevant = _is_relevant(vacancy, document)
            if _offered(lots, vacancy, habit, relevant):
                yield from _offer(lots, vacancy, whole.code, hidden, relevant)
