"""The inbound contract: what other systems may tell, one strict model a type.

A fact has a key and a revision; for one key the highest revision counts, whatever the order. Types of one `sequence`
share one sequence of revisions (a vacancy's report and its cancellation). Source: the inbound contract.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from shared.agreement.document import Document
from shared.events.values import (
    AfdelingId,
    Day,
    Designation,
    Dwelling,
    Exact,
    Id,
    Indicator,
    Missing,
    MunicipalityCode,
    OrganisationId,
    PlacedColour,
    Revision,
    Strict,
    Text,
    Texts,
    VacancyReason,
    bounded,
    broken,
    matching,
    plain,
)

Door = Literal["organisation", "facts", "replies"]


class Inbound(Strict):
    """One fact as a sender tells it. Facts of one kind, afdeling and key replace one another by their revision."""

    kind: ClassVar[str]
    sequence: ClassVar[str]
    door: ClassVar[Door]
    retraction: ClassVar[bool] = False
    revision: Revision = 1

    def key(self) -> str:
        """The fact's key within its sequence."""
        raise NotImplementedError

    def about(self) -> str | None:
        """The afdeling that the fact is about; None when it concerns everyone."""
        return None


class OfAfdeling(Inbound):
    afdeling_id: AfdelingId

    def about(self) -> str | None:
        return self.afdeling_id


class Retracted(Inbound):
    """The key of a fact that is taken back, as if it had never been. The revision must be given."""

    retraction: ClassVar[bool] = True
    retracted: Literal[True]
    revision: Revision = Field()


class Approved(Inbound):
    proposed_by: Id
    approved_by: Id

    @model_validator(mode="after")
    def two_people(self) -> Self:
        if self.proposed_by == self.approved_by:
            raise broken("must be another actor than proposed_by", "approved_by", self.approved_by)
        return self


def first_of_december(day: date) -> date:
    if (day.month, day.day) != (12, 1):
        raise broken("must be a 1 December")
    return day


ListDate = Annotated[Day, AfterValidator(first_of_december)]
Percentage = Annotated[Exact, bounded(0, 100)]
AnyFigure = Annotated[Exact, bounded(0, 10_000_000)]


# What concerns everyone


class AgreementPublished(Approved):
    kind: ClassVar[str] = "agreement.published"
    sequence: ClassVar[str] = "agreement"
    door: ClassVar[Door] = "facts"
    document: Document

    def key(self) -> str:
        return f"{self.document.municipality}/{self.document.effective_from}"


class DesignatedAreas(Strict):
    """One designation of a list: the areas on it, whether these are all, and those known to be off it."""

    complete: bool
    areas: Annotated[list[Id], Field(max_length=2000)]
    off: Annotated[list[Id], Field(max_length=2000)] = []

    @model_validator(mode="after")
    def not_both(self) -> Self:
        if both := sorted(set(self.areas) & set(self.off)):
            raise broken("must not name an area that areas names", "off", both[0])
        return self


class ListKey(Inbound):
    kind: ClassVar[str] = "list.published"
    sequence: ClassVar[str] = "list"
    door: ClassVar[Door] = "facts"
    list_date: ListDate

    def key(self) -> str:
        return str(self.list_date)


class ListPublished(ListKey):
    lists: Annotated[dict[Designation, DesignatedAreas], Field(min_length=1)]


class ListRetracted(ListKey, Retracted):
    pass


class ReferenceKey(Inbound):
    kind: ClassVar[str] = "reference.published"
    sequence: ClassVar[str] = "reference"
    door: ClassVar[Door] = "facts"
    indicator: Literal["convicted"]
    list_date: ListDate

    def key(self) -> str:
        return f"{self.indicator}/{self.list_date}"


class ReferencePublished(ReferenceKey):
    """The national average of the two latest years, in %."""

    national_average: Percentage


class ReferenceRetracted(ReferenceKey, Retracted):
    pass


class OrganisationKey(Inbound):
    kind: ClassVar[str] = "organisation.registered"
    sequence: ClassVar[str] = "organisation"
    door: ClassVar[Door] = "facts"
    organisation_id: OrganisationId

    def key(self) -> str:
        return self.organisation_id


class OrganisationRegistered(OrganisationKey):
    name: Text
    cvr: Annotated[str, Field(pattern=r"^[0-9]{8}$"), matching(r"[0-9]{8}", "must be eight digits")]


class OrganisationRetracted(OrganisationKey, Retracted):
    pass


class Share(Strict):
    """What one successor of a split takes over, as a fraction ("1/3") or a decimal."""

    to: AfdelingId
    share: Text


class AfdelingSucceeded(Inbound):
    """A merge or a renumbering. Kept; its rules come later (the contract says so), so it has no effect yet."""

    kind: ClassVar[str] = "afdeling.succeeded"
    sequence: ClassVar[str] = "succession"
    door: ClassVar[Door] = "facts"
    from_: Annotated[list[AfdelingId], Field(alias="from", min_length=1, max_length=100)]
    to: AfdelingId
    on: Day
    share: Text | None = None

    def key(self) -> str:
        return f"{self.to}/{self.on}"


# Figures


AFDELING = TypeAdapter[str](AfdelingId)


class Subject(Strict):
    kind: Literal["afdeling", "area"]
    id: Id

    @model_validator(mode="after")
    def numbered(self) -> Self:
        if self.kind == "afdeling":
            try:
                AFDELING.validate_python(self.id)
            except ValidationError:
                raise broken(
                    "must be an afdeling's number: four digits, a hyphen and three digits", "id", self.id
                ) from None
        return self


class IndicatorKey(Inbound):
    kind: ClassVar[str] = "indicator.observed"
    sequence: ClassVar[str] = "indicator"
    door: ClassVar[Door] = "facts"
    subject: Subject
    source: Literal["lbf", "ministry"]
    indicator: Indicator
    as_of: Day

    @model_validator(mode="after")
    def source_of_subject(self) -> Self:
        if self.source != {"afdeling": "lbf", "area": "ministry"}[self.subject.kind]:
            raise broken("must be lbf for an afdeling and ministry for an area", "source", self.source)
        return self

    def key(self) -> str:
        return f"{self.subject.kind}/{self.subject.id}/{self.source}/{self.indicator}/{self.as_of}"

    def about(self) -> str | None:
        return self.subject.id if self.subject.kind == "afdeling" else None


def plain_or_none(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


LARGEST = {"income": 1_000, "residents": 10_000_000}


class IndicatorObserved(IndicatorKey):
    """One figure in % (residents: a number), exact as published, or the reason why there is none."""

    effective_from: Day
    value: AnyFigure | None
    missing: Missing | None = None
    numerator: AnyFigure | None = None
    denominator: AnyFigure | None = None

    @model_validator(mode="after")
    def figure_or_reason(self) -> Self:
        most = LARGEST.get(self.indicator, 100)
        if (self.value is None) == (self.missing is None):
            raise broken("must be given, or missing with the reason, and not both", "value", plain_or_none(self.value))
        if self.value is not None and self.value > most:
            raise broken(f"must be from 0 to {most}", "value", plain(self.value))
        if (self.numerator is None) != (self.denominator is None):
            raise broken("must be given together with denominator", "numerator", plain_or_none(self.numerator))
        if self.denominator is not None and self.value is None:
            raise broken("must not be given without value", "denominator", plain(self.denominator))
        if self.denominator is not None and self.denominator <= 0:
            raise broken("must be above 0", "denominator", plain(self.denominator))
        if (
            self.numerator is not None
            and self.denominator is not None
            and self.numerator * 100 > most * self.denominator
        ):
            raise broken(
                f"must be a share from 0 to {most} % of denominator", "numerator", plain_or_none(self.numerator)
            )
        return self


class IndicatorRetracted(IndicatorKey, Retracted):
    pass


class Comparison(Strict):
    """One indicator of the afdeling beside the mean of its twins, both in %."""

    indicator: Indicator
    own: AnyFigure | None
    twin_mean: AnyFigure

    @model_validator(mode="after")
    def within(self) -> Self:
        most = LARGEST.get(self.indicator, 100)
        if max(self.own or Decimal(0), self.twin_mean) > most:
            raise broken(f"must be from 0 to {most}, own and twin_mean", "twin_mean", plain(self.twin_mean))
        return self


class TwinsKey(OfAfdeling):
    kind: ClassVar[str] = "twins.compared"
    sequence: ClassVar[str] = "twins"
    door: ClassVar[Door] = "facts"
    as_of: Day

    def key(self) -> str:
        return f"{self.afdeling_id}/{self.as_of}"


class TwinsCompared(TwinsKey):
    effective_from: Day
    comparisons: Annotated[list[Comparison], Field(min_length=1, max_length=6)]
    twins: Annotated[list[Id], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def once_each(self) -> Self:
        named = [c.indicator for c in self.comparisons]
        if twice := sorted({i for i in named if named.count(i) > 1}):
            raise broken("must not name an indicator twice", "comparisons", twice[0])
        return self


class TwinsRetracted(TwinsKey, Retracted):
    pass


class PlacementKey(OfAfdeling):
    kind: ClassVar[str] = "placement.decided"
    sequence: ClassVar[str] = "placement"
    door: ClassVar[Door] = "facts"
    placement_id: Id

    def key(self) -> str:
        return self.placement_id


class PlacementDecided(PlacementKey, Approved):
    """A manual placement; `valid_to` is the first day on which it no longer holds."""

    colour: PlacedColour
    valid_from: Day
    valid_to: Day | None
    reason: Text

    @model_validator(mode="after")
    def ends_after_it_begins(self) -> Self:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise broken("must be after valid_from", "valid_to", str(self.valid_to))
        return self


class PlacementRetracted(PlacementKey, Retracted):
    pass


# What an organisation tells of its own


class Letting(Strict):
    """Terms of flexible letting in force (§ 60)."""

    criteria: Texts


class RegistrationKey(OfAfdeling):
    kind: ClassVar[str] = "afdeling.registered"
    sequence: ClassVar[str] = "registration"
    door: ClassVar[Door] = "organisation"
    valid_from: Day

    def key(self) -> str:
        return f"{self.afdeling_id}/{self.valid_from}"


class AfdelingRegistered(RegistrationKey):
    organisation_id: OrganisationId
    name: Text
    municipality: MunicipalityCode
    family_homes: Annotated[int, Field(ge=0, le=100_000)]
    area_id: Id | None
    flexible_letting: Letting | None

    @model_validator(mode="after")
    def of_the_organisation(self) -> Self:
        if not self.afdeling_id.startswith(self.organisation_id):
            raise broken("must begin with organisation_id", "afdeling_id", self.afdeling_id)
        return self


class RegistrationRetracted(RegistrationKey, Retracted):
    pass


class VacancyKey(OfAfdeling):
    sequence: ClassVar[str] = "vacancy"
    door: ClassVar[Door] = "organisation"
    vacancy_id: Id

    def key(self) -> str:
        return f"{self.afdeling_id[:4]}/{self.vacancy_id}"


class VacancyReported(VacancyKey):
    """A home that becomes free; area in m², rent in kr. a month without heating."""

    kind: ClassVar[str] = "vacancy.reported"
    dwelling: Dwelling
    reason: VacancyReason
    rooms: Annotated[int, Field(ge=1, le=20)]
    area_m2: Annotated[Exact, bounded(5, 500)]
    rent_monthly: Annotated[Exact, bounded(0, 50_000)] | None
    vacant_from: Day


class VacancyCancelled(VacancyKey):
    kind: ClassVar[str] = "vacancy.cancelled"
    revision: Revision = Field()


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


STATED: tuple[type[Inbound], ...] = (
    AgreementPublished, ListPublished, ReferencePublished, OrganisationRegistered, AfdelingSucceeded,
    IndicatorObserved, TwinsCompared, PlacementDecided, AfdelingRegistered, VacancyReported, VacancyCancelled,
    OfferSubmitted, OfferWithdrawn, OfferAssigned, OfferReturned, OfferResolved,
)  # fmt: skip
RETRACTED: tuple[type[Inbound], ...] = (
    ListRetracted, ReferenceRetracted, OrganisationRetracted, IndicatorRetracted, TwinsRetracted, PlacementRetracted,
    RegistrationRetracted,
)  # fmt: skip
MODELS: dict[tuple[str, bool], type[Inbound]] = {(m.kind, m.retraction): m for m in (*STATED, *RETRACTED)}
KINDS: frozenset[str] = frozenset(m.kind for m in STATED)
