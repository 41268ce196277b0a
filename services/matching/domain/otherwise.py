"""By which smallest change would the offer be accepted, and which of it is not the applicant's to make."""

from collections.abc import Collection, Iterator

from services.matching.domain.reasons import COLOURS, TABLE, Words, number
from shared.events.internal import Change, Counterfactual, Inputs, OfferReason, Outcome, Terms, VacancyInput
from shared.events.values import Colour

SHADES: tuple[Colour, ...] = ("green", "yellow", "red", "unknown")


def counterfactual(inputs: Inputs, outcome: Outcome, reasons: Collection[OfferReason]) -> Counterfactual | None:
    """None where it is accepted or withdrawn, where two people rejected it, where the agreement allows no colour."""
    if outcome not in ("rejected", "referred"):
        return None
    if outcome == "rejected" and not any(r.kind == "refuse" for r in reasons):
        return None
    changes = list(needed(inputs, {r.code for r in reasons if r.kind in ("refuse", "refer")}))
    return (
        Counterfactual(changes=changes, applicant=all(c.party == "organisation" for c in changes)) if changes else None
    )


def needed(inputs: Inputs, codes: set[str]) -> Iterator[Change]:
    vacancy, terms = inputs.vacancy, inputs.terms
    if "vacancy_cancelled" in codes:
        yield change("vacancy", "vacancy_cancelled", None, ("meldt ledig igen", "reported vacant again"), VACANT)
    if "agreement_missing" in codes:
        yield change("agreement", "agreement_missing", None, ("i kraft den dag", "in force on the day"), AGREED)
    if vacancy is None or terms is None:
        return
    if codes & {"colour_may_not_report", "colour_may_not_assign", "colour_unknown"} and (shades := allowed(terms)):
        now = COLOURS[inputs.colour.colour if inputs.colour else "unknown"]
        either = " eller ".join(COLOURS[s][0] for s in shades), " or ".join(COLOURS[s][1] for s in shades)
        code = "colour_unknown" if "colour_unknown" in codes else "colour_may_not_report"
        yield change("colour", code, now, either, COLOURED)
    yield from of_home(vacancy, terms, codes)


def of_home(vacancy: VacancyInput, terms: Terms, codes: set[str]) -> Iterator[Change]:
    if asked := codes & {"rent_above_ceiling", "rent_missing"}:
        now = None if vacancy.rent_monthly is None else number(vacancy.rent_monthly)
        most = number(terms.relevance.rent_monthly_max.of(vacancy.rooms))
        yield change("rent_monthly", asked.pop(), now, most, RENTED)
    if "area_above_ceiling" in codes:
        most = number(terms.relevance.area_m2_max.of(vacancy.rooms))
        yield change("area_m2", "area_above_ceiling", number(vacancy.area_m2), most, SIZED)


def allowed(terms: Terms) -> list[Colour]:
    """The colours from which homes may be reported and assigned."""
    rows = {shade: terms.letting.row(shade) for shade in SHADES}
    return [shade for shade, row in rows.items() if row.may_report is True and row.may_assign is True]


def change(field: str, code: str, now: Words | None, needed: Words, sentences: Words) -> Change:
    da, en = (s.format(needed=needed[n]) for n, s in enumerate(sentences))
    return Change.model_validate(
        {
            "field": field,
            "now": now and now[0],
            "needed": needed[0],
            "party": TABLE[code].party,
            "sentence_da": da,
            "sentence_en": en,
        }
    )


RENTED: Words = (
    "Huslejen skulle være højst {needed} kr. om måneden.",
    "The rent would have to be at most {needed} kr. a month.",
)
SIZED: Words = (
    "Boligen skulle være på højst {needed} m²; det kan ansøgeren ikke ændre.",
    "The home would have to have at most {needed} m²; that is not the applicant's to change.",
)
COLOURED: Words = (
    "Afdelingen skulle have været {needed} den dag; en farve følger af tallene og er ikke ansøgerens at ændre.",
    "The estate would have to have been {needed} that day; a colour follows from figures, not from the applicant.",
)
VACANT: Words = (
    "Boligen skulle være {needed}; så bedømmes den forfra.",
    "The home would have to be {needed}; it is then judged anew.",
)
AGREED: Words = (
    "En aftale skulle have været {needed}; det er kommunens at sørge for.",
    "An agreement would have to have been {needed}; that is the municipality's to see to.",
)
