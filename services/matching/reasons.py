"""The reasons of a decision, one table: code, kind, and the sentence in Danish made from the trace.

A reason names the value, the limit and where the limit comes from: the agreement's own source, or "antagelse" where the
agreement does not say. Source: the inbound contract, "Decision"; almenboligloven §§ 59 and 60.
"""

from decimal import Decimal
from typing import Literal, NamedTuple

from shared.agreement.document import Sourced
from shared.events.internal import OfferReason
from shared.events.values import Colour, plain

Kind = Literal["refuse", "refer", "condition", "finding"]
COLOURS: dict[Colour, str] = {"red": "rød", "yellow": "gul", "green": "grøn", "unknown": "ukendt"}
DWELLINGS = {"family": "familiebolig", "youth": "ungdomsbolig", "elderly": "ældrebolig"}
CAUSES = {
    "external": "fraflytning ud af afdelingen",
    "internal_move": "intern flytning",
    "exchange": "boligbytte",
    "rehousing": "genhusning",
    "renovation": "renovering",
    "municipal_hold": "reserveret af kommunen",
    "sale": "salg",
    "demolition": "nedrivning",
    "first_letting": "første udlejning",
}


class Row(NamedTuple):
    kind: Kind
    da: str


TABLE: dict[str, Row] = {
    "agreement_missing": Row("refer", "Ingen aftale var i kraft den {value}; et menneske skal tage stilling."),
    "area_above_ceiling": Row(
        "refuse", "Boligen er på {value} m² og dermed over loftet på {limit} m² for {rooms} rum."
    ),
    "colour_may_not_assign": Row(
        "refuse", "Afdelingen var {value} den dag, boligen blev ledig; der må ikke anvises til den."
    ),
    "colour_may_not_report": Row(
        "refuse", "Afdelingen var {value} den dag, boligen blev ledig; der må ikke indmeldes boliger fra den."
    ),
    "colour_unknown": Row(
        "refer", "Afdelingens farve var ukendt den dag, boligen blev ledig; et menneske skal tage stilling."
    ),
    "flexible_letting_criteria": Row(
        "condition", "Afdelingen udlejes fleksibelt (§ 60); disse kriterier gælder: {value}."
    ),
    "flexible_letting_missing": Row(
        "finding", "En {value} afdeling skal udlejes fleksibelt (§ 60), men ingen kriterier er i kraft."
    ),
    "flexible_letting_not_expected": Row(
        "finding", "Afdelingen udlejes fleksibelt (§ 60), selv om det ikke bruges i en {value} afdeling."
    ),
    "rent_above_ceiling": Row(
        "refuse", "Huslejen er {value} kr. om måneden og dermed over loftet på {limit} kr. for {rooms} rum."
    ),
    "rent_missing": Row("refer", "Huslejen er ikke oplyst; et menneske skal tage stilling."),
    "vacancy_cancelled": Row("refuse", "Boligen er ikke længere ledig; indmeldingen bygger på en annulleret ledighed."),
    "vacancy_excluded": Row(
        "finding", "Boligen tæller ikke med i de 25 % ({value}), men kan godt bruges til anvisning."
    ),
}


def reason(
    code: str, value: str | None = None, limit: str | None = None, source: Sourced | None = None, rooms: int = 0
) -> OfferReason:
    """One reason from the table. `value` and `limit` as text for people (Danish numbers)."""
    row = TABLE[code]
    counted = "4 eller flere" if rooms > 4 else str(rooms)
    sentence = row.da.format(value=value, limit=limit, rooms=counted)
    return OfferReason(code=code, kind=row.kind, value=value, limit=limit, source=origin(source), sentence_da=sentence)


def origin(sourced: Sourced | None) -> str | None:
    """Where a limit comes from: the agreement's source, or that it is assumed."""
    if sourced is None:
        return None
    return sourced.source or (f"antagelse: {sourced.assumption}" if sourced.assumption else None)


def danish(number: Decimal) -> str:
    """4500 → "4.500", 3500.5 → "3.500,50": thousands with a point, øre in two digits."""
    if number != number.to_integral_value():
        text = plain(number)
        decimals = max(2, len(text.partition(".")[2]))
        whole, _, fraction = f"{number:,.{decimals}f}".partition(".")
        return f"{whole.replace(',', '.')},{fraction}"
    return f"{int(number):,}".replace(",", ".")
