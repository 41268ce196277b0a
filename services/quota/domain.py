"""quota: vacancies × colours × decisions × agreement → the 25 % of an afdeling.

Shares are exact fractions of a home; only `due` is rounded, once. Source: the inbound contract, "Quota"; the
agreement's 25 % per afdeling; almenboligloven § 59.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from math import ceil, floor
from typing import Any, Literal

from shared.agreement.document import Document
from shared.agreement.inforce import Agreements
from shared.agreement.registrations import Registrations
from shared.events.inbound import VacancyCancelled, VacancyReported
from shared.events.internal import Colours, Conclusion, Decision, Quota
from shared.events.values import Colour
from shared.runtime.contract import Fact, Ours, Slot

Class = Literal["counting", "suspended", "excluded"]
NOT_REPORTED = "colour_may_not_report"
SHOWN = ("counting", "suspended", "excluded", "due", "reported", "owed", "credit", "next_due_in")


class QuotaDomain:
    """The `Domain` of quota; its parameters are the agreements."""

    def parameters(self, everyone: Mapping[Slot, Fact]) -> Agreements:
        return Agreements(everyone)

    def conclude(self, afdeling: str, facts: Mapping[Slot, Fact], parameters: Agreements) -> Iterable[Conclusion]:
        registrations = Registrations(facts)
        if not registrations:
            return ()
        colours = colours_of(facts)
        counts: dict[Class, int] = {"counting": 0, "suspended": 0, "excluded": 0}
        total, provisional, reported, offered = Fraction(0), 0, 0, reported_vacancies(facts)
        for vacancy in standing(facts):
            colour = colour_on(colours, vacancy.vacant_from)
            agreement = parameters.on(registrations.municipality_on(vacancy.vacant_from), vacancy.vacant_from)
            kind, share = classed(vacancy, colour, agreement.document if agreement else None)
            counts[kind] += 1
            if kind == "counting":
                total += share
                provisional += colour == "unknown"
                reported += vacancy.vacancy_id in offered
        latest = parameters.latest(registrations.last.municipality)
        document = latest.document if latest else None
        due = rounded(total, document)
        last = colours.timeline[-1].colour if colours and colours.timeline else "unknown"
        return (
            Quota(
                recorded_at=max(f.recorded_at for f in facts.values()),
                afdeling_id=afdeling,
                **counts,
                provisional=provisional,
                due_exact=str(total),
                due=due,
                reported=reported,
                owed=max(0, due - reported),
                credit=max(0, reported - due),
                next_due_in=next_due_in(total, last, document),
                agreement=latest.version if latest else None,
            ),
        )

    def conclude_everyone(self, parameters: Agreements, ours: Ours) -> Iterable[Conclusion]:
        return ()

    def view(
        self, entity: str, facts: Mapping[Slot, Fact], conclusions: Mapping[Slot, Conclusion], parameters: Agreements
    ) -> dict[str, Any]:
        quota = conclusions.get((Quota.kind, ""))
        if quota is None or not Registrations(facts):
            return {}
        return {"afdelinger": {entity: {"quota": {name: getattr(quota, name) for name in SHOWN}}}}


def colours_of(facts: Mapping[Slot, Fact]) -> Colours | None:
    fact = facts.get((Colours.kind, ""))
    return fact.body if fact and isinstance(fact.body, Colours) else None


def colour_on(colours: Colours | None, day: date) -> Colour:
    """Before the timeline, or without one, the colour is unknown."""
    segment = colours.on(day) if colours else None
    return segment.colour if segment else "unknown"


def standing(facts: Mapping[Slot, Fact]) -> Iterator[VacancyReported]:
    """The vacancies whose highest revision is not a cancellation."""
    for (_, key), fact in facts.items():
        if isinstance(fact.body, VacancyReported):
            cancelled = facts.get((VacancyCancelled.kind, key))
            if cancelled is None or cancelled.version < fact.version:
                yield fact.body


def reported_vacancies(facts: Mapping[Slot, Fact]) -> set[str]:
    """Vacancies with an offer that is not withdrawn and not refused because the colour forbids reporting."""
    decisions = (f.body for f in facts.values() if isinstance(f.body, Decision))
    return {
        d.vacancy_id
        for d in decisions
        if d.outcome != "withdrawn" and not any(r.code == NOT_REPORTED for r in d.reasons)
    }


def classed(vacancy: VacancyReported, colour: Colour, document: Document | None) -> tuple[Class, Fraction]:
    """How the vacancy counts, and the share of a home that it contributes."""
    if document is None:
        return "excluded", Fraction(0)
    counts = document.quota.counts
    if vacancy.dwelling not in counts.dwellings.value or vacancy.reason not in counts.reasons.value:
        return "excluded", Fraction(0)
    share = document.quota.share.of(colour)
    return ("suspended" if share == 0 and colour != "unknown" else "counting"), share


def rounded(total: Fraction, document: Document | None) -> int:
    return ceil(total) if document and document.quota.rounding.value == "ceil" else floor(total)


def next_due_in(total: Fraction, colour: Colour, document: Document | None) -> int | None:
    """Counting vacancies still needed, at the share of this colour, until one more home is due."""
    if document is None or (share := document.quota.share.of(colour)) == 0:
        return None
    if document.quota.rounding.value == "ceil":
        return floor((ceil(total) - total) / share) + 1
    return ceil((floor(total) + 1 - total) / share)
