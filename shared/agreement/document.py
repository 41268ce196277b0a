"""The agreement as data: the document's shape, checked strictly, and its version by content.

Limits in % as in the law; amounts in kr. a month, areas in m². Every value carries its `source` (law or agreement)
or an `assumption`. Numbers may be JSON numbers or decimal text.
Source: Fælles Udlejningsaftale; almenboligloven §§ 59–61 b.
"""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from shared.events.values import (
    DECIMAL,
    DIGITS,
    Colour,
    Day,
    Designation,
    Dwelling,
    Indicator,
    MunicipalityCode,
    Strict,
    Text,
    VacancyReason,
    broken,
    in_short,
    plain,
)

RATIO = re.compile(r"[0-9]{1,21}/0*[1-9][0-9]{0,20}")
"""Two whole numbers, as exact as a decimal number can be."""


def decimal_or_none(value: Any) -> Decimal | None:
    """Of a JSON number or of decimal text; None where it is neither, or has more digits than decimal text may have."""
    if isinstance(value, Decimal):
        value = format(value, "f") if abs(value.adjusted()) <= DIGITS else None
    elif isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return Decimal(value) if isinstance(value, str) and DECIMAL.fullmatch(value) else None


def ratio_or_none(value: Any) -> Fraction | None:
    """Of a number, or of two whole numbers as text with a stroke between; None where it is neither."""
    if isinstance(value, str) and RATIO.fullmatch(value):
        return Fraction(value)
    number = decimal_or_none(value)
    return None if number is None else Fraction(number)


def number_of(value: Any) -> Decimal:
    number = decimal_or_none(value)
    if number is None:
        raise broken("must be a number, or a decimal number as text")
    if not 0 <= number <= 10_000_000:
        raise broken("must be a number from 0 to 10,000,000")
    return number


def fraction_of(value: Any) -> Fraction:
    if isinstance(value, Fraction):
        return value
    share = ratio_or_none(value)
    if share is None or not 0 <= share <= 1:
        raise broken('must be a share from 0 to 1, for example "1/4"')
    return share


Number = Annotated[
    Decimal,
    BeforeValidator(number_of),
    PlainSerializer(plain),
    WithJsonSchema({"type": ["number", "string"], "minimum": 0}),
]
ShareOf = Annotated[
    Fraction, BeforeValidator(fraction_of), PlainSerializer(str), WithJsonSchema({"type": ["number", "string"]})
]
Count = Annotated[int, Field(ge=1, le=100)]


class Sourced(Strict):
    source: Text | None = None
    assumption: Text | None = None

    @property
    def origin(self) -> str | None:
        """Where the value comes from, as it is told to people: its source, or that it is assumed."""
        told = self.source or (f"antagelse: {self.assumption}" if self.assumption else None)
        return told and in_short(told)


class Limit(Sourced):
    off: bool = False


class Over(Limit):
    over: Number


class Under(Limit):
    under: Number


class TimesNational(Limit):
    at_least_times_national: Number


class AtLeast(Limit):
    value: Number


class Needed(Sourced):
    value: Count


class FourCriteria(Strict):
    """Residents, and at least k of the four that udsat and forebyggelse share."""

    at_least: Needed
    residents_min: AtLeast
    out_of_work: Over
    convicted: TimesNational
    basic_education: Over
    income: Under

    @model_validator(mode="after")
    def enough_left(self) -> Self:
        left = sum(not c.off for c in (self.out_of_work, self.convicted, self.basic_education, self.income))
        if left < self.at_least.value:
            raise broken(
                f"must be at most {left}, the number of criteria that are not off", "at_least", self.at_least.value
            )
        return self


class Udsat(FourCriteria):
    pass


class Forebyggelse(FourCriteria):
    nonwestern: Over


class Parallelsamfund(Strict):
    nonwestern: Over


class Omdannelse(Strict):
    consecutive_lists: Needed


class Criteria(Strict):
    udsat: Udsat
    parallelsamfund: Parallelsamfund
    omdannelse: Omdannelse
    forebyggelse: Forebyggelse


class TwinGap(Limit):
    """Worse than the twins' mean by `points` percentage points on at least so many of the indicators."""

    points: Number
    indicators: Annotated[list[Indicator], Field(min_length=1, max_length=6)]
    indicators_at_least: Count

    @model_validator(mode="after")
    def enough_named(self) -> Self:
        if len(set(self.indicators)) != len(self.indicators):
            raise broken("must name each indicator once", "indicators", self.indicators)
        if len(self.indicators) < self.indicators_at_least:
            raise broken("must be at most the number of indicators", "indicators_at_least", self.indicators_at_least)
        return self


class Red(Sourced):
    area_designated: list[Designation]
    own_criteria: Literal["udsat", "forebyggelse"] | None


class Yellow(Red):
    twin_gap: TwinGap | None = None


class Staircase(Sourced):
    red: Red
    yellow: Yellow
    placement_day: None = None

    @model_validator(mode="before")
    @classmethod
    def no_placement_day(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("placement_day") is not None:
            raise broken("must be null: no rules exist for it yet", "placement_day", values["placement_day"])
        return values


class LettingRow(Sourced):
    may_report: bool
    may_assign: bool
    flexible_letting: Literal["required", "allowed", "not_used", "as_agreed"]


def referable(value: Any) -> Any:
    if isinstance(value, bool) or value == "refer":
        return value
    raise broken("must be true, false or refer")


Referable = Annotated[bool | Literal["refer"], BeforeValidator(referable)]


class UnknownRow(Sourced):
    may_report: Referable
    may_assign: Referable
    flexible_letting: Literal["required", "allowed", "not_used", "as_agreed"]


class LettingTable(Sourced):
    red: LettingRow
    yellow: LettingRow
    green: LettingRow
    unknown: UnknownRow

    def row(self, colour: Colour) -> LettingRow | UnknownRow:
        row: LettingRow | UnknownRow = getattr(self, colour)
        return row

    def basis(self, colour: Colour) -> Sourced:
        """What says where the row comes from: itself, or else the table."""
        row = self.row(colour)
        return row if row.origin else self


class ColourShare(Sourced):
    value: ShareOf


class Shares(Strict):
    green: ColourShare
    yellow: ColourShare
    red: ColourShare
    unknown: ColourShare

    def of(self, colour: Colour) -> Fraction:
        share: ColourShare = getattr(self, colour)
        return share.value


class Rounding(Sourced):
    value: Literal["floor", "ceil"]


class CountedDwellings(Sourced):
    value: list[Dwelling]


class CountedReasons(Sourced):
    value: list[VacancyReason]


class Counted(Strict):
    dwellings: CountedDwellings
    reasons: CountedReasons


class Quota(Strict):
    share: Shares
    rounding: Rounding
    counts: Counted
    excluded_reasons: list[VacancyReason] = []

    @model_validator(mode="after")
    def counted_or_excluded(self) -> Self:
        if both := sorted(set(self.counts.reasons.value) & set(self.excluded_reasons)):
            raise broken("must not name a reason that counts.reasons names", "excluded_reasons", both[0])
        return self


class Ceilings(Sourced):
    """By number of rooms; 4 stands for 4 or more."""

    one: Annotated[Number, Field(alias="1")]
    two: Annotated[Number, Field(alias="2")]
    three: Annotated[Number, Field(alias="3")]
    four: Annotated[Number, Field(alias="4")]

    def of(self, rooms: int) -> Decimal:
        return (self.one, self.two, self.three, self.four)[min(rooms, 4) - 1]


class Relevance(Strict):
    rent_monthly_max: Ceilings
    area_m2_max: Ceilings


class Deadline(Sourced):
    working_days: Annotated[int, Field(ge=1, le=365)]


class Deadlines(Strict):
    """In working days after the offer: until the municipality answers; until a referral expires, never if not given."""

    municipality_answers: Deadline
    referral_expires: Deadline | None = None


class Document(Strict):
    """A whole agreement: a new document replaces the former from its `effective_from` on."""

    agreement: Text
    municipality: MunicipalityCode
    effective_from: Day
    language: Literal["da", "en"] = "da"
    criteria: Criteria
    staircase: Staircase
    letting: LettingTable
    quota: Quota
    relevance: Relevance
    deadlines: Deadlines | None = None
