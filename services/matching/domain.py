"""matching: offers × vacancies × colours × agreement → a decision on each offered home, with all its reasons.

Three checks, all of them made: the colour on the day the home became vacant, flexible letting, relevance by rent and
area. Source: the inbound contract, "Decision"; almenboligloven §§ 59 and 60.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from services.matching.reasons import CAUSES, COLOURS, DWELLINGS, danish, reason
from shared.agreement.inforce import Agreement, Agreements
from shared.agreement.registrations import Registrations
from shared.events.inbound import (
    OfferAssigned,
    OfferReply,
    OfferResolved,
    OfferReturned,
    OfferSubmitted,
    OfferWithdrawn,
    VacancyCancelled,
    VacancyReported,
)
from shared.events.internal import Colours, Conclusion, Decision, OfferReason, Outcome
from shared.events.values import Colour
from shared.runtime.contract import Fact, Ours, Slot

Facts = Mapping[Slot, Fact]


class Case(NamedTuple):
    """What one offer is decided on."""

    offer: OfferSubmitted
    withdrawn: bool
    vacancy: VacancyReported | None
    vacancy_revision: int
    colour: Colour
    agreement: Agreement | None
    criteria: tuple[str, ...]


class MatchingDomain:
    """The `Domain` of matching; its parameters are the agreements."""

    def parameters(self, everyone: Facts) -> Agreements:
        return Agreements(everyone)

    def conclude(self, afdeling: str, facts: Facts, parameters: Agreements) -> Iterable[Conclusion]:
        """Nothing while the colours rest on other agreements than those known here: a decision must not flap."""
        registrations = Registrations(facts)
        known = facts.get((Colours.kind, ""))
        colours = known.body if known and isinstance(known.body, Colours) else None
        if not registrations or colours is None or colours.agreements != parameters.version:
            return ()
        return [decided(facts, case) for case in cases(facts, registrations, colours, parameters)]

    def conclude_everyone(self, parameters: Agreements, ours: Ours) -> Iterable[Conclusion]:
        return ()

    def view(
        self, entity: str, facts: Facts, conclusions: Mapping[Slot, Conclusion], parameters: Agreements
    ) -> dict[str, Any]:
        if not Registrations(facts):
            return {}
        decisions = [d for d in conclusions.values() if isinstance(d, Decision)]
        return {
            "decisions": {
                f"{entity[:4]}/{d.offer_id}": {"outcome": d.outcome, "reasons": sorted(r.code for r in d.reasons)}
                for d in decisions
            }
        }


def cases(facts: Facts, registrations: Registrations, colours: Colours, agreements: Agreements) -> Iterator[Case]:
    """The offers that are known and whose vacancy is known in this afdeling."""
    for (kind, key), fact in facts.items():
        offer = fact.body
        if kind != OfferSubmitted.kind or not isinstance(offer, OfferSubmitted):
            continue
        vacancy_key = f"{offer.afdeling_id[:4]}/{offer.vacancy_id}"
        reported = facts.get((VacancyReported.kind, vacancy_key))
        cancelled = facts.get((VacancyCancelled.kind, vacancy_key))
        newest = max((f for f in (reported, cancelled) if f), key=lambda f: f.version, default=None)
        if newest is None:
            continue
        withdrawal = facts.get((OfferWithdrawn.kind, key))
        withdrawn = withdrawal is not None and withdrawal.version > fact.version
        vacancy = newest.body if isinstance(newest.body, VacancyReported) else None
        if vacancy is None:
            yield Case(offer, withdrawn, None, newest.version, "unknown", None, ())
            continue
        day = vacancy.vacant_from
        segment, terms = colours.on(day), registrations.on(day)
        criteria = tuple(terms.flexible_letting.criteria) if terms and terms.flexible_letting else ()
        agreement = agreements.on(registrations.municipality_on(day), day)
        yield Case(
            offer, withdrawn, vacancy, newest.version, segment.colour if segment else "unknown", agreement, criteria
        )


def decided(facts: Facts, case: Case) -> Decision:
    """The decision on one offer, by version 0."""
    key = case.offer.key()
    reasons = sorted(reasons_of(case), key=lambda r: r.code)
    resolution = facts.get((OfferResolved.kind, key))
    resolved = resolution.body if resolution and isinstance(resolution.body, OfferResolved) else None
    withdrawal = facts.get((OfferWithdrawn.kind, key))
    offer_revision = withdrawal.version if case.withdrawn and withdrawal else case.offer.revision
    return Decision(
        recorded_at=max(f.recorded_at for f in facts.values()),
        offer_id=case.offer.offer_id,
        vacancy_id=case.offer.vacancy_id,
        afdeling_id=case.offer.afdeling_id,
        outcome=outcome_of(case, reasons, resolved),
        reasons=reasons,
        colour=case.colour if case.vacancy else None,
        agreement=case.agreement.version if case.agreement else None,
        vacancy_revision=case.vacancy_revision,
        offer_revision=offer_revision,
        resolution_revision=resolved.revision if resolved else None,
        replied_to_version=replied_to(facts, key),
    )


def replied_to(facts: Facts, key: str) -> int | None:
    """The decision version that the newest reply acted on."""
    replies = [f.body for k in (OfferAssigned.kind, OfferReturned.kind) if (f := facts.get((k, key)))]
    newest = max((r for r in replies if isinstance(r, OfferReply)), key=lambda r: r.revision, default=None)
    return newest.decision_version if newest else None


def outcome_of(case: Case, reasons: Iterable[OfferReason], resolved: OfferResolved | None) -> Outcome:
    """Withdrawn, else refuse before refer before condition; two people turn `referred`, and nothing else, if they
    looked at every refer code.
    """
    if case.withdrawn:
        return "withdrawn"
    codes = {kind: {r.code for r in reasons if r.kind == kind} for kind in ("refuse", "refer", "condition")}
    good: Outcome = "accepted_with_conditions" if codes["condition"] else "accepted"
    if codes["refuse"]:
        return "rejected"
    if not codes["refer"]:
        return good
    if resolved is None or not codes["refer"] <= set(resolved.resolves):
        return "referred"
    return good if resolved.outcome == "accepted" else "rejected"


def reasons_of(case: Case) -> Iterator[OfferReason]:
    if case.withdrawn:
        return
    if case.vacancy is None:
        yield reason("vacancy_cancelled")
        return
    if case.agreement is None:
        yield reason("agreement_missing", f"{case.vacancy.vacant_from:%d.%m.%Y}")
        return
    yield from colour_reasons(case, case.agreement)
    yield from letting_reasons(case, case.agreement)
    yield from relevance_reasons(case.vacancy, case.agreement)
    counts = case.agreement.document.quota.counts
    if case.vacancy.dwelling not in counts.dwellings.value:
        yield reason("vacancy_excluded", DWELLINGS[case.vacancy.dwelling], source=counts.dwellings)
    elif case.vacancy.reason not in counts.reasons.value:
        yield reason("vacancy_excluded", CAUSES[case.vacancy.reason], source=counts.reasons)


def colour_reasons(case: Case, agreement: Agreement) -> Iterator[OfferReason]:
    letting = agreement.document.letting
    row, colour = letting.row(case.colour), COLOURS[case.colour]
    if row.may_report is False:
        yield reason("colour_may_not_report", colour, source=letting)
    if row.may_assign is False:
        yield reason("colour_may_not_assign", colour, source=letting)
    if "refer" in (row.may_report, row.may_assign):
        yield reason("colour_unknown", colour, source=letting)


def letting_reasons(case: Case, agreement: Agreement) -> Iterator[OfferReason]:
    letting = agreement.document.letting
    demand, colour = letting.row(case.colour).flexible_letting, COLOURS[case.colour]
    if case.criteria:
        yield reason("flexible_letting_criteria", ", ".join(case.criteria))
        if demand == "not_used":
            yield reason("flexible_letting_not_expected", colour, source=letting)
    elif demand == "required":
        yield reason("flexible_letting_missing", colour, source=letting)


def relevance_reasons(vacancy: VacancyReported, agreement: Agreement) -> Iterator[OfferReason]:
    rents, areas = agreement.document.relevance.rent_monthly_max, agreement.document.relevance.area_m2_max
    rent, most_rent, most_area = vacancy.rent_monthly, rents.of(vacancy.rooms), areas.of(vacancy.rooms)
    if rent is None:
        yield reason("rent_missing")
    elif rent > most_rent:
        yield reason("rent_above_ceiling", danish(rent), danish(most_rent), rents, vacancy.rooms)
    if vacancy.area_m2 > most_area:
        yield reason("area_above_ceiling", danish(vacancy.area_m2), danish(most_area), areas, vacancy.rooms)
