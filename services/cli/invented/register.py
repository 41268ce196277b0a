"""The register: organisations and afdelinger, with re-registrations, corrections and retractions."""

from collections.abc import Iterator
from datetime import date, timedelta

from services.cli.invented.lots import Lots
from services.cli.invented.municipality import Municipality
from services.cli.invented.telling import Told, instant, office_hours, tell

CRITERIA = (
    ["i arbejde mindst 25 timer om ugen"],
    ["i arbejde mindst 25 timer om ugen", "under uddannelse"],
    ["pendler"],
)


def tell_register(seed: int, whole: Municipality, year: int, first_day: date) -> Iterator[Told]:
    """Registered on the first day as of three years ago; about one in twelve is registered anew during the year."""
    lots, steward = Lots(seed, "register"), f"municipality/{whole.code}"
    for one in whole.organisations:
        yield tell(
            instant(first_day, 6.1), steward, "organisation.registered",
            organisation_id=one.id, name=one.name, cvr=one.cvr,
        )  # fmt: skip
    mistaken = tell(
        instant(first_day, 6.1), steward, "organisation.registered",
        organisation_id="9000", name="Opdigtet Boligforening ved en fejl", cvr="99999999",
    )  # fmt: skip
    yield mistaken
    yield mistaken.retracted(instant(first_day, 30))
    for n, afdeling in enumerate(whole.afdelinger):
        letting = {"criteria": lots.choice(CRITERIA)} if afdeling.flexible else None
        told = tell(
            instant(first_day, 6.2) + timedelta(milliseconds=n), f"org/{afdeling.organisation}", "afdeling.registered",
            afdeling_id=afdeling.id, organisation_id=afdeling.organisation, name=afdeling.name,
            municipality=whole.code, valid_from=date(max(year - 3, afdeling.built), 1, 1),
            family_homes=afdeling.family_homes, area_id=afdeling.area, flexible_letting=letting,
        )  # fmt: skip
        yield told
        draw = lots.random()
        later = office_hours(lots, lots.day(date(year, 1, 5), date(year, 10, 31)))
        if draw < 0.08:
            letting = None if afdeling.flexible else {"criteria": lots.choice(CRITERIA)}
            begins = date(year, lots.choice((4, 7, 10)), 1).isoformat()
            yield told._replace(at=later, data=told.data | {"valid_from": begins, "flexible_letting": letting})
        elif draw < 0.11:
            yield told.revised(later, family_homes=afdeling.family_homes + lots.choice((-2, -1, 1, 2, 3)))
        elif draw < 0.125 or n == 0:
            wrong = told._replace(at=later, data=told.data | {"valid_from": f"{year}-02-01", "area_id": None})
            yield wrong
            yield wrong.retracted(later + timedelta(days=9))
