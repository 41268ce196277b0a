"""The words of an explanation, Danish and English: criteria, ways, parties, effects, and the notes of a trace.

Terms of law stay Danish. The notes are those that the classifier writes; one that is not known here is told as it
stands.
"""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from services.matching.domain.reasons import Words, amount, number

YES_NO: Mapping[bool | None, Words] = {True: ("ja", "yes"), False: ("nej", "no"), None: ("ukendt", "unknown")}
MET: Mapping[bool | None, Words] = {
    True: ("opfyldt", "met"),
    False: ("ikke opfyldt", "not met"),
    None: ("ukendt", "unknown"),
}
OVER: Words = ("over", "over")
UNDER: Words = ("under", "under")
AT_LEAST: Words = ("mindst", "at least")


class Measure(NamedTuple):
    """A criterion of the law: what is measured, and how it is compared with its limit."""

    name: Words
    compared: Words


CRITERIA: Mapping[str, Measure] = {
    "out_of_work": Measure(
        ("uden for arbejde og uddannelse (18-64 år)", "outside work and education (aged 18–64)"), OVER
    ),
    "convicted": Measure(
        ("dømt efter straffe-, våben- eller narkotikalovgivningen", "convicted under penal, arms or drugs law"),
        AT_LEAST,
    ),
    "basic_education": Measure(("kun grundskole (30-59 år)", "only basic school (aged 30–59)"), OVER),
    "income": Measure(
        ("bruttoindkomst i procent af regionens gennemsnit", "gross income as a percentage of the region's average"),
        UNDER,
    ),
    "nonwestern": Measure(
        (
            "indvandrere og efterkommere fra ikke-vestlige lande",
            "immigrants and descendants from non-western countries",
        ),
        OVER,
    ),
    "residents": Measure(("beboere", "residents"), AT_LEAST),
}
DESIGNATIONS: Mapping[str, Words] = {
    "udsat": ("udsat boligområde", "udsat boligområde"),
    "parallelsamfund": ("parallelsamfund", "parallelsamfund"),
    "omdannelse": ("omdannelsesområde", "omdannelsesområde"),
    "forebyggelse": ("forebyggelsesområde", "forebyggelsesområde"),
}
KINDS: Mapping[str, Words] = {
    "refuse": ("Afslag", "Refused"),
    "refer": ("Manuel afgørelse", "For two people to decide"),
    "condition": ("Vilkår", "Condition"),
    "finding": ("Bemærkning", "Remark"),
}
MENDS: Mapping[str, Words] = {
    "organisation": ("Boligorganisationen kan rette det.", "The organisation can mend it."),
    "municipality": ("Det er kommunens opgave.", "That is the municipality's task."),
    "both": (
        "Kommunen og boligorganisationen må løse det sammen.",
        "The municipality and the organisation must mend it together.",
    ),
    "nobody": ("Det kan ingen ændre.", "Nobody can change it."),
}
CHANGES: Mapping[str, Words] = {
    "organisation": ("Det kan boligorganisationen selv ændre.", "The organisation can change that itself."),
    "municipality": (
        "Det kan boligorganisationen ikke ændre; det er kommunens opgave.",
        "The organisation cannot change that; it is the municipality's task.",
    ),
    "both": (
        "Det kan boligorganisationen ikke ændre alene.",
        "The organisation cannot change that alone.",
    ),
    "nobody": ("Det kan ingen ændre.", "Nobody can change that."),
}
COUNTS: Mapping[str, Words] = {
    "counts_as_reported": (
        "De 25 %: indmeldingen tæller trods dette.",
        "The 25 %: the report counts despite this.",
    ),
    "does_not_count": ("De 25 %: indmeldingen tæller ikke.", "The 25 %: the report does not count."),
    "none": ("De 25 %: ingen betydning.", "The 25 %: no effect."),
}
DEMANDS: Mapping[str, Words] = {
    "required": ("skal bruges", "must be used"),
    "allowed": ("må bruges", "may be used"),
    "not_used": ("bruges ikke", "is not used"),
    "as_agreed": ("bruges som aftalt", "is used as agreed"),
}
MAY: Mapping[bool | str, Words] = {
    True: ("ja", "yes"),
    False: ("nej", "no"),
    "refer": ("det afgør to personer", "two people decide"),
}
NOTES: tuple[tuple[re.Pattern[str], Words], ...] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"not registered on the day", ("afdelingen var ikke registreret den dag", r"\g<0>")),
        (r"no agreement in force", ("ingen aftale var i kraft", r"\g<0>")),
        (r"in no area", ("ligger ikke i noget boligområde", "lies in no area")),
        (r"list year (\d+)", (r"listeår \1", r"\g<0>")),
        (r"no list year counts", ("intet listeår tæller endnu", "no list year counts yet")),
        (
            r"no comparison; missing counts as not worse",
            ("ingen sammenligning; det tæller som ikke dårligere", "no comparison; that counts as not worse"),
        ),
        (
            r"own figure missing: counts as not worse",
            ("eget tal mangler; det tæller som ikke dårligere", "own figure missing; that counts as not worse"),
        ),
        (r"no national average for the year", ("intet landsgennemsnit for året", r"\g<0>")),
    )
)


CODES: Mapping[str, Words] = {
    "colour_unknown": ("ukendt farve", "unknown colour"),
    "rent_missing": ("manglende husleje", "missing rent"),
    "agreement_missing": ("manglende aftale", "missing agreement"),
}
"""What may be referred to two people."""


class Language(StrEnum):
    da = "da"
    en = "en"

    def say(self, danish: str, english: str) -> str:
        return danish if self is Language.da else english

    def of(self, words: Words) -> str:
        return self.say(*words)

    def day(self, day: date) -> str:
        """01.02.2024 in Danish, 2024-02-01 in English."""
        return self.say(f"{day:%d.%m.%Y}", str(day))

    def number(self, value: Decimal) -> str:
        return self.of(number(value))

    def amount(self, value: Decimal) -> str:
        return self.of(amount(value))

    def source(self, source: str) -> str:
        """An origin: whether it is assumed in the reader's language, what the agreement says in its own."""
        return source if self is Language.da else re.sub(r"^antagelse:", "assumption:", source)

    def points(self, value: Decimal) -> str:
        unit = self.say("procentpoint", "percentage point" if value == 1 else "percentage points")
        return f"{self.number(value)} {unit}"

    def percent(self, value: Decimal) -> str:
        return f"{self.number(value)} %"

    def note(self, note: str | None) -> str:
        for pattern, words in NOTES:
            if found := pattern.fullmatch(note or ""):
                return found.expand(self.of(words))
        return note or ""
