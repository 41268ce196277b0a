"""The usable supply: homes reported, of those relevant, of those used, by rent band and number of rooms.

A home that is too dear still counts as reported for the duty; it is no usable supply. So the three are kept apart.
Rents in kr. a month without heating: under 3,500; from 3,500; from 4,000 to 4,500; above 4,500.
"""

from collections import Counter
from datetime import datetime
from decimal import Decimal

from services.quota.domain.counting import Facts, reports, standing
from shared.events.inbound import VacancyReported
from shared.events.internal import GOOD, Band, Decision, Life, Shelf, Supply

BANDS: tuple[Band, ...] = ("under_3500", "3500_to_4000", "4000_to_4500", "above_4500", "unknown")


def supply_of(afdeling: str, facts: Facts, recorded_at: datetime) -> Supply:
    """Of all homes that are offered, whether or not they count for the 25 %."""
    offers: dict[str, list[Decision]] = {}
    for fact in facts.values():
        if isinstance(fact.body, Decision) and reports(fact.body):
            offers.setdefault(fact.body.vacancy_id, []).append(fact.body)
    lives = (f.body for f in facts.values())
    assigned = {life.offer_id for life in lives if isinstance(life, Life) and life.state == "assigned"}
    reported, relevant, used = (Counter[tuple[Band, int]]() for _ in range(3))
    for fact in standing(facts):
        if isinstance(home := fact.body, VacancyReported) and (its := offers.get(home.vacancy_id)):
            place = band_of(home.rent_monthly), min(home.rooms, 4)
            reported[place] += 1
            relevant[place] += any(d.outcome in GOOD for d in its)
            used[place] += any(d.offer_id in assigned for d in its)
    return Supply(
        recorded_at=recorded_at,
        afdeling_id=afdeling,
        shelves=[
            Shelf(band=band, rooms=rooms, reported=n, relevant=relevant[band, rooms], used=used[band, rooms])
            for (band, rooms), n in sorted(reported.items(), key=lambda item: (BANDS.index(item[0][0]), item[0][1]))
        ],
    )


def band_of(rent: Decimal | None) -> Band:
    if rent is None:
        return "unknown"
    limits = (rent < 3500, rent < 4000, rent <= 4500, True)
    return BANDS[limits.index(True)]
