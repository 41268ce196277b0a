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
        "Ingen aftale var i kraft den {value}, da boligen blev ledig; to personer skal tage stilling.",
        "No agreement was in force on {value}, when the home became vacant; two people must decide.",
    ),
    "area_above_ceiling": Row(
        "refuse", "relevance", "nobody", "counts_as_reported",
        "Boligen er på {value} m² og dermed over loftet på {limit} m² for {rooms}.",
        "The home has {value} m², which is above the ceiling of {limit} m² for {rooms}.",
    ),
    "colour_may_not_assign": Row(
        "refuse", "colour", "both", "counts_as_reported",
        "Afdelingens farve var {value} den dag, boligen blev ledig; kommunen må ikke anvise til den.",
        "The estate's colour was {value} on the day the home became vacant; the municipality may not assign to it.",
    ),
    "colour_may_not_report": Row(
        "refuse", "colour", "both", "does_not_count",
        "Afdelingens farve var {value} den dag, boligen blev ledig; der må ikke indmeldes boliger fra den.",
        "The estate's colour was {value} on the day the home became vacant; no homes may be reported from it.",
    ),
    "colour_unknown": Row(
        "refer", "colour", "municipality", "counts_as_reported",
        "Afdelingens farve var ukendt den dag, boligen blev ledig; to personer skal tage stilling.",
        "The estate's colour was unknown on the day the home became vacant; two people must decide.",
    ),
    "flexible_letting_criteria": Row(
        "condition", "flexible_letting", "municipality", "none",
        "Afdelingen udlejes fleksibelt (§ 60). Disse kriterier gælder for den, der får boligen: {value}.",
        "The estate is let flexibly (§ 60). These criteria apply to whoever gets the home: {value}.",
    ),
    "flexible_letting_missing": Row(
        "finding", "flexible_letting", "organisation", "none",
        "Når farven er {value}, skal afdelingen udlejes fleksibelt (§ 60), men ingen kriterier er i kraft.",
        "When the colour is {value}, the estate must be let flexibly (§ 60), but no criteria are in force.",
    ),
    "flexible_letting_not_expected": Row(
        "finding", "flexible_letting", "organisation", "none",
        "Afdelingen udlejes fleksibelt (§ 60), selv om det ikke bruges, når farven er {value}.",
        "The estate is let flexibly (§ 60), although that is not used when the colour is {value}.",
    ),
    "rent_above_ceiling": Row(
        "refuse", "relevance", "organisation", "counts_as_reported",
        "Huslejen er {value} kr. om måneden og dermed over loftet på {limit} kr. for {rooms}.",
        "The rent is {value} kr. a month, which is above the ceiling of {limit} kr. for {rooms}.",
    ),
    "rent_missing": Row(
        "refer", "relevance", "organisation", "counts_as_reported",
        "Huslejen er ikke oplyst; to personer skal tage stilling.",
        "The rent is not given; two people must decide.",
    ),
    "vacancy_cancelled": Row(
        "refuse", "vacancy", "organisation", "does_not_count",
        "Boligen er ikke længere ledig: boligorganisationen har annulleret den melding, som tilbuddet bygger på.",
        "The home is no longer vacant: the organisation has cancelled the report on which the offer rests.",
    ),
    "vacancy_excluded": Row(
        "finding", "quota", "nobody", "does_not_count",
        "Boligen tæller ikke med i de 25 % ({value}); det hindrer ikke, at den bruges til anvisning.",
        "The home does not count towards the 25 % ({value}); that does not bar its use for assignment.",
    ),
}  # fmt: skip


def reason(
    code: str, value: Words | None = None, limit: Words | None = None, source: Sourced | None = None, rooms: int = 0
) -> OfferReason:
    """One reason from the table. `value` and `limit` as text for people, in both languages."""
    row = TABLE[code]
    said = [
        sentence.format(value=value and value[n], limit=limit and limit[n], rooms=of_rooms(rooms)[n])
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
        source=source.origin if source else None,
        sentence_da=said[0],
        sentence_en=said[1],
    )


def in_rooms(rooms: int) -> Words:
    return f"{rooms} rum", f"{rooms} room{'' if rooms == 1 else 's'}"


def of_rooms(rooms: int) -> Words:
    """Of which size a ceiling holds: that of four rooms stands for more, too."""
    return ("4 rum eller flere", "4 rooms or more") if rooms > 4 else in_rooms(rooms)


def amount(value: Decimal) -> Words:
    """Kroner, with øre in two digits at least where there are any: 3500.5 → "3.500,50" and "3,500.50"."""
    return number(value, 0 if value == value.to_integral_value() else 2)


def number(value: Decimal, decimals: int = 0) -> Words:
    """4500 → "4.500" and "4,500"; 70.5 → "70,5" and "70.5"; exact, with at least so many decimals."""
    decimals = max(decimals, len(plain(value).partition(".")[2]))
    english = f"{value:,.{decimals}f}"
    return english.translate(str.maketrans(",.", ".,")), english
