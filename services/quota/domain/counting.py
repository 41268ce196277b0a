"""How each vacant home counts for the 25 %: its class and its share, by the day on which it becomes vacant.

Source: the inbound contract, "Quota"; the agreement's table of what counts.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import Literal, NamedTuple

from shared.agreement.document import Document
from shared.agreement.inforce import Agreement, Agreements
from shared.agreement.registrations import Registrations
from shared.events.inbound import VacancyCancelled, VacancyReported
from shared.events.internal import Colours, Decision
from shared.events.values import Colour
from shared.runtime.contract import Fact, Slot

Class = Literal["counting", "suspended", "excluded"]
Facts = Mapping[Slot, Fact]
NOT_REPORTED = "colour_may_not_report"


class Home(NamedTuple):
    """One vacancy that stands. `share`: of a home; `why`: what excludes it; `offer`: the decision by which it counts as
    reported.
    """

    vacancy: VacancyReported
    fact: Fact
    kind: Class
    share: Fraction
    why: str | None
    colour: Colour
    agreement: Agreement | None
    offer: Fact | None

    @property
    def reported(self) -> bool:
        return self.kind == "counting" and self.offer is not None


def homes(
    facts: Facts, registrations: Registrations, colours: Colours | None, agreements: Agreements
) -> Iterator[Home]:
    """The vacancies that stand, in the order of their days."""
    offers = reporting(facts)
    for fact in sorted(standing(facts), key=day_of):
        vacancy = fact.body
        if isinstance(vacancy, VacancyReported):
            colour = colour_on(colours, vacancy.vacant_from)
            agreement = agreements.on(registrations.municipality_on(vacancy.vacant_from), vacancy.vacant_from)
            kind, share, why = classed(vacancy, colour, agreement.document if agreement else None)
            yield Home(vacancy, fact, kind, share, why, colour, agreement, offers.get(vacancy.vacancy_id))


def day_of(fact: Fact) -> tuple[date, str]:
    return (fact.body.vacant_from if isinstance(fact.body, VacancyReported) else date.max), fact.key


def standing(facts: Facts) -> Iterator[Fact]:
    """The vacancies whose highest revision is not a cancellation."""
    for (_, key), fact in facts.items():
        if isinstance(fact.body, VacancyReported):
            cancelled = facts.get((VacancyCancelled.kind, key))
            if cancelled is None or cancelled.version < fact.version:
                yield fact


def colours_of(facts: Facts) -> Colours | None:
    fact = facts.get((Colours.kind, ""))
    return fact.body if fact and isinstance(fact.body, Colours) else None


def colour_on(colours: Colours | None, day: date) -> Colour:
    """Before the timeline, or without one, the colour is unknown."""
    segment = colours.on(day) if colours else None
    return segment.colour if segment else "unknown"


def reporting(facts: Facts) -> dict[str, Fact]:
    """By vacancy the offer by which it is reported: not withdrawn, and not refused because the colour forbids
    reporting; of several the first by its id.
    """
    found: dict[str, Fact] = {}
    for _, fact in sorted(facts.items(), key=lambda item: item[0], reverse=True):
        if isinstance(fact.body, Decision) and reports(fact.body):
            found[fact.body.vacancy_id] = fact
    return found


def reports(decision: Decision) -> bool:
    return decision.outcome != "withdrawn" and not any(r.code == NOT_REPORTED for r in decision.reasons)


def classed(vacancy: VacancyReported, colour: Colour, document: Document | None) -> tuple[Class, Fraction, str | None]:
    """How the vacancy counts, the share of a home that it contributes, and what excludes it."""
    if document is None:
        return "excluded", Fraction(0), "no_agreement"
    counts = document.quota.counts
    if vacancy.dwelling not in counts.dwellings.value:
        return "excluded", Fraction(0), vacancy.dwelling
    if vacancy.reason not in counts.reasons.value:
        return "excluded", Fraction(0), vacancy.reason
    share = document.quota.share.of(colour)
    return ("suspended" if share == 0 and colour != "unknown" else "counting"), share, None
