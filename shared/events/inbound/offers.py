"""Offers, the replies to them, and what two people made of a referred one."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.events.inbound.base import Approved, Door, OfAfdeling
from shared.events.values import Day, Id, Revision, Text


class OfferKey(OfAfdeling):
    sequence: ClassVar[str] = "offer"
    door: ClassVar[Door] = "organisation"
    offer_id: Id

    def key(self) -> str:
        return f"{self.afdeling_id[:4]}/{self.offer_id}"


class OfferSubmitted(OfferKey):
    kind: ClassVar[str] = "offer.submitted"
    vacancy_id: Id
    submitted_on: Day


class OfferWithdrawn(OfferKey):
    kind: ClassVar[str] = "offer.withdrawn"
    revision: Revision = Field()


class OfferReply(OfferKey):
    sequence: ClassVar[str] = "reply"
    door: ClassVar[Door] = "replies"
    on: Day
    decision_version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class OfferAssigned(OfferReply):
    kind: ClassVar[str] = "offer.assigned"


class OfferReturned(OfferReply):
    kind: ClassVar[str] = "offer.returned"


class OfferResolved(OfferKey, Approved):
    """What two people made of a referred offer; `resolves` names the refer codes that they looked at."""

    kind: ClassVar[str] = "offer.resolved"
    sequence: ClassVar[str] = "resolution"
    door: ClassVar[Door] = "replies"
    outcome: Literal["accepted", "rejected"]
    resolves: Annotated[
        list[Literal["colour_unknown", "rent_missing", "agreement_missing"]], Field(min_length=1, max_length=3)
    ]
    reason: Text
