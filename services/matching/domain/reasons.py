"""The reasons of a decision, one table: code, kind, check, whose to mend, effect on the 25 %, and its two sentences.

A reason names the value, the limit and where the limit comes from: the agreement's own source, or "antagelse" where the
agreement does not say. Source: the inbound contract, "Decision"; almenboligloven §§ 59 and 60.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from shared.agreement.document import Sourced
from shared.events.internal import Check, Kind, OfferReason, Party, QuotaEffect
from shared.events.values import plain

Words = tuple[str, str]
"""Danish and English."""
COLOURS: Mapping[str, Words] = {
    "red": ("rød", "red"),
    "yellow": ("gul", "yellow"),
    "green": ("grøn", "green"),
    "unknown": ("ukendt", "unknown"),
}
DWELLINGS: Mapping[str, Words] = {
    "family": ("familiebolig", "family home"),
    "youth": ("ungdomsbolig", "youth home"),
    "elderly": ("ældrebolig", "home for the elderly"),
}
CAUSES: Mapping[str, Words] = {
    "external": ("fraflytning ud af afdelingen", "moved out of the estate"),
    "internal_move": ("intern flytning", "internal move"),
    "exchange": ("boligbytte", "exchange of homes"),
    "rehousing": ("genhusning", "rehousing"),
    "renovation": ("renovering", "renovation"),
    "municipal_hold": ("reserveret af kommunen", "held by the municipality"),
    "sale": ("salg", "sale"),
    "demolition": ("nedrivning", "demolition"),
    "first_letting": ("første udlejning", "first letting"),
}


class Row(NamedTuple):
    kind: Kind
    check: Check
    party: Party
    quota: QuotaEffect
    da: str
    en: str


TABLE: Mapping[str, Row] = {
    "agreement_missing": Row(
        "refer", "agreement", "municipality", "does_not_count",
        "Ingen aftale var i kraft den {value}; et menneske skal tage stilling.",
        "No agreement was in force on {value}; a person must decide.",
    ),
    "area_above_ceiling": Row(
        "refuse", "relevance", "nobody", "counts_as_reported",
        "Boligen er på {value} m² og dermed over loftet på {limit} m² for {rooms} rum.",
        "The home has {value} m², which is above the ceiling of {limit} m² for {rooms} rooms.",
    ),
    "colour_may_not_assign": Row(
        "refuse", "colour", "both", "counts_as_reported",
        "Afdelingen var {value} den dag, boligen blev ledig; der må ikke anvises til den.",
        "The estate was {value} on the day the home became vacant; nobody may be assigned to it.",
    ),
    "colour_may_not_report": Row(
        "refuse", "colour", "both", "does_not_count",
        "Afdelingen var {value} den dag, boligen blev ledig; der må ikke indmeldes boliger fra den.",
        "The estate was {value} on the day the home became vacant; no homes may be reported from it.",
    ),
    "colour_unknown": Row(
        "refer", "colour", "municipality", "counts_as_reported",
        "Afdelingens farve var ukendt den dag, boligen blev ledig; et menneske skal tage stilling.",
        "The estate's colour was unknown on the day the home became vacant; a person must decide.",
    ),
    "flexible_letting_criteria": Row(
        "condition", "flexible_letting", "municipality", "none",
        "Afdelingen udlejes fleksibelt (§ 60); disse kriterier gælder: {value}.",
        "The estate is let flexibly (§ 60); these criteria apply: {value}.",
    ),
    "flexible_letting_missing": Row(
        "finding", "flexible_letting", "organisation", "none",
        "En {value} afdeling skal udlejes fleksibelt (§ 60), men ingen kriterier er i kraft.",
        "A {value} estate must be let flexibly (§ 60), but no criteria are in force.",
    ),
    "flexible_letting_not_expected": Row(
        "finding", "flexible_letting", "organisation", "none",
        "Afdelingen udlejes fleksibelt (§ 60), selv om det ikke bruges i en {value} afdeling.",
        "The estate is let flexibly (§ 60), although that is not used in a {value} estate.",
    ),
    "rent_above_ceiling": Row(
        "refuse", "relevance", "organisation", "counts_as_reported",
        "Huslejen er {value} kr. om måneden og dermed over loftet på {limit} kr. for {rooms} rum.",
        "The rent is {value} kr. a month, which is above the ceiling of {limit} kr. for {rooms} rooms.",
    ),
    "rent_missing": Row(
        "refer", "relevance", "organisation", "counts_as_reported",
        "Huslejen er ikke oplyst; et menneske skal tage stilling.",
        "The rent is not given; a person must decide.",
    ),
    "vacancy_cancelled": Row(
        "refuse", "vacancy", "organisation", "does_not_count",
        "Boligen er ikke længere ledig; indmeldingen bygger på en annulleret ledighed.",
        "The home is no longer vacant; the offer rests on a vacancy that was cancelled.",
    ),
    "vacancy_excluded": Row(
        "finding", "quota", "nobody", "does_not_count",
        "Boligen tæller ikke med i de 25 % ({value}), men kan godt bruges til anvisning.",
        "The home does not count towards the 25 % ({value}), but may be used for assignment.",
    ),
}  # fmt: skip


def reason(
    code: str, value: Words | None = None, limit: Words | None = None, source: Sourced | None = None, rooms: int = 0
) -> OfferReason:
    """One reason from the table. `value` and `limit` as text for people, in both languages."""
    row, many = TABLE[code], rooms > 4
    said = [
        sentence.format(
            value=value and value[n],
            limit=limit and limit[n],
            rooms=("4 eller flere", "4 or more")[n] if many else str(rooms),
        )
        for n, sentence in enumerate((row.da, row.en))
    ]
    return OfferReason(
        code=code,
        kind=row.kind,
        check=row.check,
        party=row.party,
        quota_effect=row.quota,
        value=value and value[0],
        limit=limit and limit[0],
        source=origin(source),
        sentence_da=said[0],
        sentence_en=said[1],
    )


def origin(sourced: Sourced | None) -> str | None:
    """Where a limit comes from: the agreement's source, or that it is assumed."""
    if sourced is None:
        return None
    return sourced.source or (f"antagelse: {sourced.assumption}" if sourced.assumption else None)


def number(value: Decimal) -> Words:
    """4500 → "4.500" and "4,500"; 3500.5 → "3.500,50" and "3,500.50": øre in two digits at least."""
    decimals = 0
    if value != value.to_integral_value():
        decimals = max(2, len(plain(value).partition(".")[2]))
    english = f"{value:,.{decimals}f}"
    return english.translate(str.maketrans(",.", ".,")), english
