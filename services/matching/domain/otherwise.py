"""By which smallest change would the offer be accepted, and which of it is not the applicant's to make."""

from collections.abc import Collection, Iterator

from services.matching.domain.reasons import COLOURS, TABLE, Words, amount, number
from shared.events.internal import Change, Counterfactual, Inputs, OfferReason, Outcome, Terms, VacancyInput
from shared.events.values import Colour

SHADES: tuple[Colour, ...] = ("green", "yellow", "red", "unknown")
OF_COLOUR = frozenset({"colour_may_not_report", "colour_may_not_assign", "colour_unknown"})


def counterfactual(inputs: Inputs, outcome: Outcome, reasons: Collection[OfferReason]) -> Counterfactual | None:
    """None where it is accepted or withdrawn, where two people rejected it, where the agreement allows no colour."""
    if outcome not in ("rejected", "referred"):
        return None
    if outcome == "rejected" and not any(r.kind == "refuse" for r in reasons):
        return None
    codes = in_the_way(inputs, reasons)
    if codes & OF_COLOUR and inputs.terms and not allowed(inputs.terms):
        return None
    changes = list(needed(inputs, codes))
    return Counterfactual(changes=changes, applicant=all(c.party == "organisation" for c in changes))


def in_the_way(inputs: Inputs, reasons: Collection[OfferReason]) -> set[str]:
    """What keeps it from being accepted: not what two people have looked at and accepted."""
    resolution = inputs.resolution
    seen = set(resolution.resolves) if resolution and resolution.outcome == "accepted" else set()
    return {r.code for r in reasons if r.kind == "refuse" or (r.kind == "refer" and r.code not in seen)}


def needed(inputs: Inputs, codes: set[str]) -> Iterator[Change]:
    vacancy, terms = inputs.vacancy, inputs.terms
    if "vacancy_cancelled" in codes:
        yield change("vacancy", "vacancy_cancelled", None, ("meldt ledig igen", "reported vacant again"), VACANT)
    if "agreement_missing" in codes:
        yield change("agreement", "agreement_missing", None, ("i kraft den dag", "in force on that day"), AGREED)
    if vacancy is None or terms is None:
        return
    if asked := sorted(codes & OF_COLOUR):
        now = COLOURS[inputs.colour.colour if inputs.colour else "unknown"]
        shades = [COLOURS[shade] for shade in allowed(terms)]
        either = " eller ".join(da for da, _ in shades), " or ".join(en for _, en in shades)
        yield change("colour", asked[-1], now, either, COLOURED)
    yield from of_home(vacancy, terms, codes)


def of_home(vacancy: VacancyInput, terms: Terms, codes: set[str]) -> Iterator[Change]:
    rent, most = vacancy.rent_monthly, amount(terms.relevance.rent_monthly_max.of(vacancy.rooms))
    if "rent_missing" in codes:
        yield change("rent_monthly", "rent_missing", None, most, TOLD)
    if "rent_above_ceiling" in codes and rent is not None:
        yield change("rent_monthly", "rent_above_ceiling", amount(rent), most, RENTED)
    if "area_above_ceiling" in codes:
        widest = number(terms.relevance.area_m2_max.of(vacancy.rooms))
        yield change("area_m2", "area_above_ceiling", number(vacancy.area_m2), widest, SIZED)


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
    "Huslejen skulle højst være {needed} kr. om måneden.",
    "The rent would have to be at most {needed} kr. a month.",
)
TOLD: Words = (
    "Huslejen skulle være oplyst, og den skulle højst være {needed} kr. om måneden.",
    "The rent would have to be given, and to be at most {needed} kr. a month.",
)
SIZED: Words = (
    "Boligen skulle højst være på {needed} m².",
    "The home would have to have at most {needed} m².",
)
COLOURED: Words = (
    "Afdelingens farve skulle have været {needed} den dag, boligen blev ledig; den følger af trappemodellen.",
    "The estate's colour would have to have been {needed} when the home became vacant; the staircase sets it.",
)
VACANT: Words = (
    "Boligen skulle være {needed}; så bedømmes den forfra.",
    "The home would have to be {needed}; it is then judged anew.",
)
AGREED: Words = (
    "En aftale skulle have været {needed}; så bedømmes boligen efter den.",
    "An agreement would have to have been {needed}; the home is then judged by it.",
)
