"""A small invented organisation's 2024, in chapters that a person can follow as they happen.

The organisation, its afdelinger and their figures are invented. It takes an agreement in force from 2018 and the
published lists for granted (`services.cli.designations`); one of the afdelinger is imagined in Skovgårdsparken, which
the list of 2023 names.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.cli.invented import everyone
from services.cli.invented.municipality import Home
from services.cli.invented.telling import Event, Told, events, instant, tell
from shared.agreement.loader import AALBORG, load

Chapter = tuple[str, list[Event]]
MUNICIPALITY, ORGANISATION = "0851", "9900"
LINDEHAVEN, SKOVGAARDSPARKEN, BIRKEVAENGET, NYBO, EGELUNDEN = (f"{ORGANISATION}-{n:03d}" for n in range(1, 6))
TERMS = {"criteria": ["i arbejde mindst 25 timer om ugen"]}
AFDELINGER = (
    (LINDEHAVEN, "Opdigtet Lindehaven", 96, None, None),
    (SKOVGAARDSPARKEN, "Opdigtet afdeling i Skovgårdsparken", 60, "Skovgårdsparken", TERMS),
    (BIRKEVAENGET, "Opdigtet Birkevænget", 72, None, TERMS),
    (NYBO, "Opdigtet Nybo", 14, None, None),
    (EGELUNDEN, "Opdigtet Egelunden", 84, None, None),
)
INDICATORS = ("out_of_work", "convicted", "basic_education", "income", "nonwestern", "residents")
FIGURES_2023 = {
    LINDEHAVEN: ("18.4", "0.70", "31.2", "86.1", "9.5", "163"),
    SKOVGAARDSPARKEN: ("38.2", "1.40", "58.4", "66.1", "52.3", "102"),
    BIRKEVAENGET: ("33.5", "1.20", "52.0", "63.2", "34.1", "122"),
    NYBO: (None,) * 6,
    EGELUNDEN: ("36.8", "1.30", "58.2", "68.9", "24.0", "143"),
}
FIGURES_2024 = {
    LINDEHAVEN: ("17.9", "0.68", "30.7", "86.8", "9.8", "164"),
    BIRKEVAENGET: ("32.8", "1.10", "51.6", "63.9", "33.7", "121"),
    EGELUNDEN: ("41.6", "1.40", None, "66.3", "24.6", "142"),
}
LATE = "61.9"
"""Egelunden's `basic_education` of 2024, which comes in October and has counted since 1 May."""


def _home(rooms: int, area_m2: int, rent_monthly: int) -> Home:
    return Home("family", rooms, area_m2, Decimal(rent_monthly))


def _figures(year: int, day: date, counts_from: date, figures: Mapping[str, Sequence[str | None]]) -> Iterator[Told]:
    """A figure that is not there yet is left out; those of the smallest afdeling are suppressed."""
    for afdeling, values in figures.items():
        for indicator, value in zip(INDICATORS, values, strict=True):
            if value is not None or afdeling == NYBO:
                yield tell(
                    instant(day), "lbf", "indicator.observed",
                    subject={"kind": "afdeling", "id": afdeling}, source="lbf", indicator=indicator,
                    as_of=date(year, 1, 1), effective_from=counts_from, value=value,
                    **({"missing": "suppressed"} if value is None else {}),
                )  # fmt: skip


def _registered() -> Iterator[Told]:
    day, name = date(2023, 9, 1), "Opdigtet Boligforening Fyrtårn"
    yield tell(
        instant(day), f"municipality/{MUNICIPALITY}", "organisation.registered",
        organisation_id=ORGANISATION, name=name, cvr="99009900",
    )  # fmt: skip
    for afdeling, called, homes, area, terms in AFDELINGER:
        yield tell(
            instant(day, 7), f"org/{ORGANISATION}", "afdeling.registered",
            afdeling_id=afdeling, organisation_id=ORGANISATION, name=called, municipality=MUNICIPALITY, valid_from=day,
            family_homes=homes, area_id=area, flexible_letting=terms,
        )  # fmt: skip


def _vacancy(afdeling: str, number: int, day: date, home: Home, reason: str = "external") -> Told:
    return tell(
        instant(day - timedelta(days=42)), f"org/{ORGANISATION}", "vacancy.reported",
        vacancy_id=f"{afdeling}/{number}", afdeling_id=afdeling, dwelling=home.dwelling, reason=reason,
        rooms=home.rooms, area_m2=str(home.area_m2), rent_monthly=home.rent_monthly, vacant_from=day,
    )  # fmt: skip


def _offer(vacancy: Told) -> Told:
    at, about = vacancy.at + timedelta(days=2), vacancy.data
    return tell(
        at, f"org/{ORGANISATION}", "offer.submitted",
        offer_id=f"offer-{about['vacancy_id']}", vacancy_id=about["vacancy_id"], afdeling_id=about["afdeling_id"],
        submitted_on=at.date(),
    )  # fmt: skip


def _key(offer: Told) -> dict[str, Any]:
    return {n: offer.data[n] for n in ("offer_id", "afdeling_id")}


def _of_municipality(offer: Told, kind: str, days: int, **data: Any) -> Told:
    return tell(offer.at + timedelta(days=days), f"municipality/{MUNICIPALITY}", kind, **_key(offer), **data)


def _reply(offer: Told, kind: str) -> Told:
    return _of_municipality(offer, kind, 4, on=offer.at.date() + timedelta(days=4), decision_version=1)


def _spring() -> Iterator[tuple[str, Iterable[Told]]]:
    first, dear, third, fourth = (
        _vacancy(LINDEHAVEN, 1, date(2024, 1, 15), _home(1, 42, 3250)),
        _vacancy(LINDEHAVEN, 2, date(2024, 2, 1), _home(2, 64, 4620)),
        _vacancy(LINDEHAVEN, 3, date(2024, 2, 15), _home(3, 82, 5380)),
        _vacancy(LINDEHAVEN, 4, date(2024, 3, 1), _home(3, 84, 5640)),
    )
    internal = _vacancy(LINDEHAVEN, 5, date(2024, 3, 1), _home(2, 60, 4300), "internal_move")
    red = _vacancy(SKOVGAARDSPARKEN, 1, date(2024, 2, 1), _home(3, 80, 5100))
    yellow = _vacancy(BIRKEVAENGET, 1, date(2024, 2, 1), _home(2, 62, 4390))
    unknown = _vacancy(NYBO, 1, date(2024, 3, 15), _home(2, 58, 4200))
    told = [first, dear, third, red, yellow, fourth, internal, unknown]
    yield "January to March: homes fall vacant; in Lindehaven the fourth that counts makes one due", told
    offers = too_dear, good, shielded, with_terms, referred = [_offer(v) for v in (dear, third, red, yellow, unknown)]
    yield "Five are offered: too dear, accepted, refused for red, accepted with conditions, referred", offers
    corrected = dear.revised(too_dear.at + timedelta(days=9), rent_monthly="4260")
    yield "A rent was wrong, 4,260 and not 4,620: the decision is revised", [corrected]
    key = {"vacancy_id": fourth.data["vacancy_id"], "afdeling_id": LINDEHAVEN}
    cancelled = Told(instant(date(2024, 2, 8)), fourth.source, "vacancy.cancelled", key | {"revision": 2})
    yield "The fourth vacancy is cancelled: nothing is due any longer", [cancelled]
    resolved = _of_municipality(
        referred, "offer.resolved", 3, outcome="accepted", resolves=["colour_unknown"],
        reason="opdigtet: afdelingen er kendt", proposed_by="opdigtet-sagsbehandler", approved_by="opdigtet-leder",
    )  # fmt: skip
    yield "Two people resolve the referred offer", [resolved]
    withdrawn = Told(
        shielded.at + timedelta(days=5), shielded.source, "offer.withdrawn", _key(shielded) | {"revision": 2}
    )
    replies = [_reply(good, "offer.assigned"), _reply(with_terms, "offer.returned"), withdrawn]
    yield "One home is assigned, one returned; the refused offer is withdrawn", replies


def _summer() -> Iterator[tuple[str, Iterable[Told]]]:
    figures = _figures(2024, date(2024, 4, 20), date(2024, 5, 1), FIGURES_2024)
    yield "Figures of 2024 count from 1 May; one of Egelunden's is not there yet, and it stays green", figures
    days = (date(2024, 5, 15), date(2024, 6, 1), date(2024, 6, 15), date(2024, 7, 1))
    homes = [_vacancy(EGELUNDEN, n, day, _home(3, 81, 5290)) for n, day in enumerate(days, 1)]
    yield "Egelunden: four homes fall vacant, one is offered and accepted", [*homes, _offer(homes[1])]
    june, july = (
        _vacancy(LINDEHAVEN, 6, date(2024, 6, 15), _home(2, 66, 4690)),
        _vacancy(LINDEHAVEN, 7, date(2024, 7, 1), _home(2, 66, 4690)),
    )
    told = [june, july, _offer(june), _offer(july)]
    yield "Lindehaven: one rent, vacant in June and in July; both are above the ceiling", told
    old = everyone.agreement_from(load(AALBORG), date(2018, 1, 1), MUNICIPALITY)
    new = everyone.with_higher_ceilings(old, date(2024, 7, 1), Decimal("1.06"))
    raised = everyone.tell_agreement(MUNICIPALITY, new, date(2024, 6, 20))
    yield "A new agreement raises the ceilings from 1 July: the home of July is accepted, that of June not", [raised]
    late = _figures(2024, date(2024, 10, 8), date(2024, 5, 1), {EGELUNDEN: (None, None, LATE, None, None, None)})
    yield "In October the missing figure comes: Egelunden has been red since 1 May; duty and decision follow", late


def _chapters() -> Iterator[tuple[str, Iterable[Told]]]:
    yield "An invented organisation registers five afdelinger; no figures yet", _registered()
    figures = _figures(2023, date(2023, 9, 1), date(2023, 9, 1), FIGURES_2023)
    yield "Figures of 2023 arrive: three take a colour, one is red by its area, one stays unknown (suppressed)", figures
    yield from _spring()
    yield from _summer()


LAST_DAY = date(2024, 12, 31)
"""Of the year: when it is closed, what nobody answered in time has lapsed."""
DEAR = "9900/offer-9900-001/6"
"""The offer that is explained in the end."""


def afterwards() -> list[Chapter]:
    """What comes after the year is closed: a reply, dated in time, that undoes a lapse; and a merger."""
    july = _offer(_vacancy(LINDEHAVEN, 7, date(2024, 7, 1), _home(2, 66, 4690)))
    day = july.at.date() + timedelta(days=5)
    late = tell(
        instant(date(2025, 1, 6)), f"municipality/{MUNICIPALITY}", "offer.assigned",
        **_key(july), on=day, decision_version=2,
    )  # fmt: skip
    merged = tell(
        instant(date(2025, 1, 6)), f"municipality/{MUNICIPALITY}", "afdeling.succeeded",
        **{"from": [NYBO]}, to=BIRKEVAENGET, on=LAST_DAY,
    )  # fmt: skip
    return [
        (f"A reply comes in January, dated {day}, in time: the lapse is undone", events([late])),
        (f"Nybo goes into Birkevænget from {LAST_DAY}: its sums go along, exactly", events([merged])),
    ]


def organisation_year() -> list[Chapter]:
    """Chapters with the events of each; the last sends all lettings again, in reverse: nothing changes."""
    chapters = [(title, events(told)) for title, told in _chapters()]
    again = [e for _, told in chapters for e in told if ".vacancy." in e["type"] or ".offer." in e["type"]]
    return [*chapters, ("All vacancies and offers are sent again, in reverse: nothing changes", again[::-1])]
