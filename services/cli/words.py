"""The words of a ledger for people, in English and Danish."""

from collections.abc import Mapping
from typing import Any

from services.cli.explained.words import Language
from shared.events.internal import Amounts, LedgerLine


class Words(dict[str, tuple[str, str]]):
    """English and Danish by code; a code that is newer than this table stands for itself."""

    def of(self, code: str, language: Language) -> str:
        english, danish = self.get(code, (code, code))
        return danish if language is Language.da else english


LINES = Words(
    vacancy_counted=("home counted", "bolig talt med"),
    vacancy_suspended=("home suspended", "bolig sat i bero"),
    vacancy_excluded=("home does not count", "bolig tæller ikke med"),
    home_reported=("home reported", "bolig indmeldt"),
    handed_over=("handed over", "overdraget"),
    taken_over=("taken over", "overtaget"),
    vacancy_cancelled=(
        "vacancy cancelled",
        "ledigheden er aflyst",
    ),
    vacancy_redated=(
        "vacant from another day",
        "ledig fra en anden dag",
    ),
    vacancy_corrected=(
        "vacancy corrected",
        "ledigheden er rettet",
    ),
    colour_corrected=(
        "another colour that day",
        "en anden farve den dag",
    ),
    agreement_changed=(
        "another agreement that day",
        "en anden aftale den dag",
    ),
    offer_withdrawn=(
        "offer withdrawn",
        "tilbuddet er trukket tilbage",
    ),
    offer_redecided=(
        "offer decided anew",
        "tilbuddet er afgjort på ny",
    ),
    handover_corrected=(
        "handover corrected",
        "overdragelsen er rettet",
    ),
    registration_retracted=(
        "registration taken back",
        "registreringen er taget tilbage",
    ),
)
REASONS = Words(
    family=("family home", "familiebolig"),
    youth=("youth home", "ungdomsbolig"),
    elderly=("home for the elderly", "ældrebolig"),
    external=("vacated to the outside", "fraflyttet"),
    internal_move=("internal move", "intern flytning"),
    exchange=("exchange", "bytte"),
    rehousing=("rehousing", "genhusning"),
    renovation=("renovation", "renovering"),
    municipal_hold=("held by the municipality", "holdes af kommunen"),
    sale=("sale", "salg"),
    demolition=("demolition", "nedrivning"),
    first_letting=("first letting", "første udlejning"),
    no_agreement=("no agreement in force", "ingen aftale i kraft"),
)
"""Why a home does not count."""
COLOURS = Words(
    red=("red", "rød"), yellow=("yellow", "gul"), green=("green", "grøn"), unknown=("colour unknown", "ukendt farve")
)
AMOUNTS = Words(
    counting=("counting", "tæller"),
    provisional=("provisional", "foreløbig"),
    suspended=("suspended", "i bero"),
    excluded=("not counting", "tæller ikke"),
    share=("share", "andel"),
    reported=("reported", "indmeldt"),
)
HEADINGS = Words(
    ledger=("Ledger of", "Konto for"),
    number=("no.", "nr."),
    day=("booked", "bogført"),
    what=("what, and by which event", "hvad, og ved hvilken hændelse"),
    about=("vacancy, offer", "ledighed, tilbud"),
    effect=("effect", "virkning"),
    balance=("balance after", "saldo efter"),
    taken_back=("line {} taken back", "linje {} tilbageført"),
)
STANDING = Words(
    so_far=("{due} due, {reported} reported", "{due} skal indmeldes i alt, {reported} er indmeldt"),
    owed=("{owed} owed", "{owed} mangler"),
    owed_since=("{owed} owed since {owed_since}", "{owed} mangler siden {owed_since}"),
    credit=("{credit} in credit", "{credit} til gode"),
    even=("even", "hverken mangler eller til gode"),
    next_must=("the next one must be reported", "den næste skal indmeldes"),
    next_due_in=("next due in {next_due_in}", "pligten vokser igen ved ledig bolig nr. {next_due_in} herfra"),
    none=("no next one due", "pligten vokser ikke, som farven er"),
    unregistered=("not registered, so nothing is due", "ikke registreret, så intet skal indmeldes"),
)


def what(line: LedgerLine, language: Language) -> str:
    """What it says: a home with its colour or why it does not count, a report, a handover; or why it takes one back."""
    said = LINES.of(line.what, language)
    if line.reverses is not None:
        return f"{HEADINGS.of('taken_back', language).format(line.reverses)}: {said}"
    if line.why:
        return f"{said}: {REASONS.of(line.why, language)}"
    return f"{said} ({COLOURS.of(line.colour, language)})" if line.colour and line.account == "vacancy" else said


def amounts(told: Amounts, language: Language, *, signed: bool = False) -> str:
    """Those that are not zero, exact, one a line."""
    sign = "+" if signed else ""
    words = ((value, AMOUNTS.of(name, language)) for name, value in told if value)
    return "\n".join(f"{sign if value > 0 else ''}{value} {word}" for value, word in words) or "0"


def standing(quota: Mapping[str, Any], language: Language) -> str:
    """Where an afdeling stands, by the figures of `state`; they are empty where it is not registered any more."""
    if not quota:
        return STANDING.of("unregistered", language)
    balance = "owed" if quota["owed"] else "credit" if quota["credit"] else "even"
    since = "_since" if quota["owed"] and quota.get("owed_since") else ""
    after = "none" if quota["next_due_in"] is None else "next_due_in"
    following = "next_must" if quota.get("next_must_be_reported") else after
    told = (STANDING.of(code, language) for code in ("so_far", balance + since, following))
    return ", ".join(told).format_map(quota)
