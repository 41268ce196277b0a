"""What an offer's decision rests on, gathered from the facts and frozen: the offer, the home, and, of the day on which
it becomes vacant, the colour, the area, the registration and the agreement.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

from shared.agreement.inforce import Agreement, Agreements
from shared.agreement.registrations import Registrations
from shared.events.inbound import (
    OfferResolved,
    OfferSubmitted,
    OfferWithdrawn,
    VacancyCancelled,
    VacancyReported,
)
from shared.events.internal import (
    AreaInput,
    ColourInput,
    Colours,
    Inputs,
    OfferInput,
    RegisterInput,
    ResolutionInput,
    Terms,
    VacancyInput,
)
from shared.runtime.contract import Fact, Slot

Facts = Mapping[Slot, Fact]


class Case(NamedTuple):
    """One offer that is known. `inputs`: None while its vacancy is not known in this afdeling."""

    offer: OfferSubmitted
    withdrawn: bool
    inputs: Inputs | None


class Known(NamedTuple):
    """What is known of an afdeling, and the agreements."""

    facts: Facts
    registrations: Registrations
    colours: Colours
    agreements: Agreements


def cases(known: Known) -> Iterator[Case]:
    for (kind, key), fact in known.facts.items():
        offer = fact.body
        if kind != OfferSubmitted.kind or not isinstance(offer, OfferSubmitted):
            continue
        withdrawal = known.facts.get((OfferWithdrawn.kind, key))
        withdrawn = withdrawal is not None and withdrawal.version > fact.version
        revision = withdrawal.version if withdrawal and withdrawn else fact.version
        told = OfferInput(revision=revision, submitted_on=offer.submitted_on, withdrawn=withdrawn)
        yield Case(offer, withdrawn, gathered(known, offer, told))


def gathered(known: Known, offer: OfferSubmitted, told: OfferInput) -> Inputs | None:
    facts, registrations = known.facts, known.registrations
    vacancy_key = f"{offer.afdeling_id[:4]}/{offer.vacancy_id}"
    both = (facts.get((kind, vacancy_key)) for kind in (VacancyReported.kind, VacancyCancelled.kind))
    newest = max((f for f in both if f), key=lambda f: f.version, default=None)
    if newest is None:
        return None
    resolution = facts.get((OfferResolved.kind, offer.key()))
    resolved = resolution_input(resolution.body) if resolution and isinstance(resolution.body, OfferResolved) else None
    if not isinstance(vacancy := newest.body, VacancyReported):
        return Inputs(offer=told, vacancy=None, vacancy_revision=newest.version, resolution=resolved)
    day = vacancy.vacant_from
    agreement = known.agreements.on(registrations.municipality_on(day), day)
    return Inputs(
        offer=told,
        vacancy=vacancy_input(vacancy),
        vacancy_revision=newest.version,
        colour=colour_input(known.colours, day),
        area=area_input(known.colours, day),
        registration=registration_input(registrations, day),
        resolution=resolved,
        terms=terms_of(agreement) if agreement else None,
    )


def vacancy_input(vacancy: VacancyReported) -> VacancyInput:
    return VacancyInput(
        revision=vacancy.revision,
        dwelling=vacancy.dwelling,
        reason=vacancy.reason,
        rooms=vacancy.rooms,
        area_m2=vacancy.area_m2,
        rent_monthly=vacancy.rent_monthly,
        vacant_from=vacancy.vacant_from,
    )


def colour_input(colours: Colours, day: date) -> ColourInput | None:
    segment = colours.on(day)
    if segment is None:
        return None
    return ColourInput(
        version=colours.version,
        from_=segment.from_,
        colour=segment.colour,
        at_least=segment.at_least,
        manual=segment.manual,
        because=segment.because,
    )


def area_input(colours: Colours, day: date) -> AreaInput | None:
    """None where the afdeling lies in no area on the day."""
    segment = colours.area_on(day)
    if segment is None or segment.area_id is None:
        return None
    return AreaInput(area_id=segment.area_id, udsat=segment.udsat, forebyggelse=segment.forebyggelse)


def registration_input(registrations: Registrations, day: date) -> RegisterInput | None:
    if (told := registrations.on(day)) is None:
        return None
    criteria = told.flexible_letting.criteria if told.flexible_letting else []
    return RegisterInput(valid_from=told.valid_from, revision=told.revision, criteria=criteria)


def resolution_input(resolved: OfferResolved) -> ResolutionInput:
    return ResolutionInput(revision=resolved.revision, outcome=resolved.outcome, resolves=sorted(resolved.resolves))


def terms_of(agreement: Agreement) -> Terms:
    document = agreement.document
    return Terms(
        agreement=agreement.version,
        effective_from=agreement.effective_from,
        letting=document.letting,
        relevance=document.relevance,
        counts=document.quota.counts,
    )
