"""The inbound contract: what other systems may tell, one strict model a type.

A fact has a key and a revision; for one key the highest revision counts, whatever the order. Types of one `sequence`
share one sequence of revisions (a vacancy's report and its cancellation). Source: the inbound contract.
"""

from shared.events.inbound.base import Door, Inbound
from shared.events.inbound.everyone import (
    AfdelingSucceeded,
    AgreementPublished,
    DayClosed,
    ListPublished,
    ListRetracted,
    OrganisationRegistered,
    OrganisationRetracted,
    ReferencePublished,
    ReferenceRetracted,
)
from shared.events.inbound.figures import (
    Comparison,
    IndicatorObserved,
    IndicatorRetracted,
    PlacementDecided,
    PlacementRetracted,
    Subject,
    TwinsCompared,
    TwinsRetracted,
)
from shared.events.inbound.homes import AfdelingRegistered, RegistrationRetracted, VacancyCancelled, VacancyReported
from shared.events.inbound.offers import (
    OfferAssigned,
    OfferReply,
    OfferResolved,
    OfferReturned,
    OfferSubmitted,
    OfferWithdrawn,
)

__all__ = [
    "KINDS",
    "MODELS",
    "RETRACTED",
    "STATED",
    "AfdelingRegistered",
    "AfdelingSucceeded",
    "AgreementPublished",
    "Comparison",
    "DayClosed",
    "Door",
    "Inbound",
    "IndicatorObserved",
    "IndicatorRetracted",
    "ListPublished",
    "ListRetracted",
    "OfferAssigned",
    "OfferReply",
    "OfferResolved",
    "OfferReturned",
    "OfferSubmitted",
    "OfferWithdrawn",
    "OrganisationRegistered",
    "OrganisationRetracted",
    "PlacementDecided",
    "PlacementRetracted",
    "ReferencePublished",
    "ReferenceRetracted",
    "RegistrationRetracted",
    "Subject",
    "TwinsCompared",
    "TwinsRetracted",
    "VacancyCancelled",
    "VacancyReported",
]

STATED: tuple[type[Inbound], ...] = (
    AgreementPublished, ListPublished, ReferencePublished, OrganisationRegistered, AfdelingSucceeded,
    IndicatorObserved, TwinsCompared, PlacementDecided, AfdelingRegistered, VacancyReported, VacancyCancelled,
    OfferSubmitted, OfferWithdrawn, OfferAssigned, OfferReturned, OfferResolved, DayClosed,
)  # fmt: skip
RETRACTED: tuple[type[Inbound], ...] = (
    ListRetracted, ReferenceRetracted, OrganisationRetracted, IndicatorRetracted, TwinsRetracted, PlacementRetracted,
    RegistrationRetracted,
)  # fmt: skip
MODELS: dict[tuple[str, bool], type[Inbound]] = {(m.kind, m.retraction): m for m in (*STATED, *RETRACTED)}
KINDS: frozenset[str] = frozenset(m.kind for m in STATED)
