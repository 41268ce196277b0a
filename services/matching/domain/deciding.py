"""From all that an offer's decision rests on to the decision: pure, so that anyone who has the inputs gets the same.

Three checks, all of them made: the colour on the day the home became vacant, flexible letting, relevance by rent and
area. Source: the inbound contract, "Decision"; almenboligloven §§ 59 and 60.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from services.matching.domain.otherwise import counterfactual
from services.matching.domain.reasons import CAUSES, COLOURS, DWELLINGS, amount, number, reason
from shared.events.internal import (
    Counterfactual,
    Decision,
    Inputs,
    OfferReason,
    Outcome,
    ResolutionInput,
    Restriction,
    Terms,
    VacancyInput,
)
from shared.events.values import Colour, in_short

ENGINE = "1"
"""Raised when the same inputs are decided otherwise, a word of a sentence among it: a record says by which rules it was
made, and only those can make the same bytes again.
"""
UDSAT = Restriction(
    paragraph="almenboligloven § 59, stk. 6",
    sentence_da="Boligen ligger i et udsat boligområde: loven forbyder kommunen at anvise den til visse husstande.",
    sentence_en="The home lies in an udsat boligområde: the law bars assigning some households to it.",
)
FOREBYGGELSE = Restriction(
    paragraph="almenboligloven § 59, stk. 7",
    sentence_da="Boligen ligger i et forebyggelsesområde: loven begrænser, hvem kommunen må anvise den til.",
    sentence_en="The home lies in a forebyggelsesområde: the law limits to whom it may be assigned.",
)


class Verdict(NamedTuple):
    """What follows from the inputs."""

    outcome: Outcome
    reasons: list[OfferReason]
    restrictions: list[Restriction]
    counterfactual: Counterfactual | None


def decide(inputs: Inputs) -> Verdict:
    reasons = sorted(reasons_of(inputs), key=lambda r: r.code)
    outcome = outcome_of(inputs, reasons)
    return Verdict(outcome, reasons, restrictions(inputs), counterfactual(inputs, outcome, reasons))


def follows(inputs: Inputs) -> dict[str, Any]:
    """The fields of a decision that its inputs determine."""
    return {
        **decide(inputs)._asdict(),
        "colour": colour_of(inputs) if inputs.vacancy else None,
        "agreement": inputs.terms.agreement if inputs.terms else None,
        "vacancy_revision": inputs.vacancy_revision,
        "offer_revision": inputs.offer.revision,
        "resolution_revision": inputs.resolution.revision if inputs.resolution else None,
    }


def again(record: Decision, inputs: Inputs) -> Decision:
    """The decision of the record made anew from its inputs; all else is as it stands there."""
    made = follows(inputs)
    return record.model_copy(update={**made, "outcomes": [*record.outcomes[:-1], made["outcome"]]})


def colour_of(inputs: Inputs) -> Colour:
    """Before the timeline the colour is unknown."""
    return inputs.colour.colour if inputs.colour else "unknown"


def outcome_of(inputs: Inputs, reasons: Iterable[OfferReason]) -> Outcome:
    """Withdrawn, else refuse before refer before condition; two people turn `referred`, and nothing else, if they
    looked at every refer code.
    """
    if inputs.offer.withdrawn:
        return "withdrawn"
    codes = {kind: {r.code for r in reasons if r.kind == kind} for kind in ("refuse", "refer", "condition")}
    good: Outcome = "accepted_with_conditions" if codes["condition"] else "accepted"
    if codes["refuse"]:
        return "rejected"
    if not codes["refer"]:
        return good
    if not answers(inputs.resolution, codes["refer"]):
        return "referred"
    return good if inputs.resolution and inputs.resolution.outcome == "accepted" else "rejected"


def answers(resolution: ResolutionInput | None, codes: set[str]) -> bool:
    """Whether two people looked at each of these."""
    return resolution is not None and codes <= set(resolution.resolves)


def restrictions(inputs: Inputs) -> list[Restriction]:
    area = inputs.area
    if area is None or inputs.offer.withdrawn:
        return []
    return [r for holds, r in ((area.udsat, UDSAT), (area.forebyggelse, FOREBYGGELSE)) if holds]


def reasons_of(inputs: Inputs) -> Iterator[OfferReason]:
    vacancy, terms = inputs.vacancy, inputs.terms
    if inputs.offer.withdrawn:
        return
    if vacancy is None:
        yield reason("vacancy_cancelled")
        return
    if terms is None:
        yield reason("agreement_missing", (f"{vacancy.vacant_from:%d.%m.%Y}", f"{vacancy.vacant_from}"))
        return
    yield from colour_reasons(inputs, terms)
    yield from letting_reasons(inputs, terms)
    yield from relevance_reasons(vacancy, terms)
    if vacancy.dwelling not in terms.counts.dwellings.value:
        yield reason("vacancy_excluded", DWELLINGS[vacancy.dwelling], source=terms.counts.dwellings)
    elif vacancy.reason not in terms.counts.reasons.value:
        yield reason("vacancy_excluded", CAUSES[vacancy.reason], source=terms.counts.reasons)


def colour_reasons(inputs: Inputs, terms: Terms) -> Iterator[OfferReason]:
    row, colour = terms.letting.row(colour_of(inputs)), COLOURS[colour_of(inputs)]
    source = terms.letting.basis(colour_of(inputs))
    if row.may_report is False:
        yield reason("colour_may_not_report", colour, source=source)
    if row.may_assign is False:
        yield reason("colour_may_not_assign", colour, source=source)
    if "refer" in (row.may_report, row.may_assign):
        yield reason("colour_unknown", colour, source=source)


def letting_reasons(inputs: Inputs, terms: Terms) -> Iterator[OfferReason]:
    demand, colour = terms.letting.row(colour_of(inputs)).flexible_letting, COLOURS[colour_of(inputs)]
    source = terms.letting.basis(colour_of(inputs))
    criteria = in_short(", ".join(inputs.registration.criteria)) if inputs.registration else ""
    if criteria:
        yield reason("flexible_letting_criteria", (criteria, criteria))
        if demand == "not_used":
            yield reason("flexible_letting_not_expected", colour, source=source)
    elif demand == "required":
        yield reason("flexible_letting_missing", colour, source=source)


def relevance_reasons(vacancy: VacancyInput, terms: Terms) -> Iterator[OfferReason]:
    rents, areas = terms.relevance.rent_monthly_max, terms.relevance.area_m2_max
    rent, most_rent, most_area = vacancy.rent_monthly, rents.of(vacancy.rooms), areas.of(vacancy.rooms)
    if rent is None:
        yield reason("rent_missing")
    elif rent > most_rent:
        yield reason("rent_above_ceiling", amount(rent), amount(most_rent), rents, vacancy.rooms)
    if vacancy.area_m2 > most_area:
        yield reason("area_above_ceiling", number(vacancy.area_m2), number(most_area), areas, vacancy.rooms)
