"""Figures of afdelinger and areas, comparisons with twins, manual placements."""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from shared.events.inbound.base import AnyFigure, Approved, Door, Inbound, OfAfdeling, Part, Retracted
from shared.events.values import AfdelingId, Day, Id, Indicator, Missing, PlacedColour, Strict, Text, broken, plain

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
    numerator: Part | None = None
    denominator: Part | None = None

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


class IndicatorRetracted(Retracted, IndicatorKey):
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


class TwinsRetracted(Retracted, TwinsKey):
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


class PlacementRetracted(Retracted, PlacementKey):
    pass
