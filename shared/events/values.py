"""The values that the contract allows, each with the rule that a sender is told when it is broken.

Days are ISO 8601 dates from 1990 to 2100; decimals are text with a point; texts are not empty, at most 2,000
characters, without control characters. Source: the inbound contract.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

Colour = Literal["red", "yellow", "green", "unknown"]
PlacedColour = Literal["red", "yellow", "green"]
Designation = Literal["udsat", "parallelsamfund", "omdannelse", "forebyggelse"]
Indicator = Literal["out_of_work", "convicted", "basic_education", "income", "nonwestern", "residents"]
Missing = Literal["suppressed", "not_collected", "not_applicable"]
Dwelling = Literal["family", "youth", "elderly"]
VacancyReason = Literal[
    "external",
    "internal_move",
    "exchange",
    "rehousing",
    "renovation",
    "municipal_hold",
    "sale",
    "demolition",
    "first_letting",
]

LONGEST, SHORT = 2_000, 1_900
"""Characters of a text, and of one that stands within another."""
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 12, 31)
DIGITS = 20
"""Of a decimal number, on either side of its point."""
DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def broken(rule: str, field: str = "", value: Any = None) -> PydanticCustomError:
    """A rule in words, as it goes back to the sender; where several fields are compared, which one to look at."""
    return PydanticCustomError("rule", "{rule}", {"rule": rule, "field": field, "value": value})


def day_of(value: Any) -> date:
    if type(value) is date:
        return value
    if not isinstance(value, str) or not DAY.fullmatch(value):
        raise broken("must be a day as text, YYYY-MM-DD")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise broken("must be a day that exists in the calendar") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise broken("must be a day from 1990 to 2100")
    return day


class JsonNumber(Decimal):
    """A number of a JSON text, exact: where the contract asks for a decimal as text, it is none."""

    __slots__ = ()


def decimal_of(value: Any) -> Decimal:
    if type(value) is Decimal:
        return value
    if not isinstance(value, str) or not DECIMAL.fullmatch(value):
        raise broken(
            'must be a decimal number as text with a point, for example "3500.50", '
            f"with at most {DIGITS} digits on either side of it"
        )
    return Decimal(value)


def plain(value: Decimal) -> str:
    """The shortest text of the same number: 3500 and 3500.00 are the same content."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def instant_of(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise broken("must be an instant, ISO 8601 with its offset from UTC") from None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise broken("must be an instant, ISO 8601 with its offset from UTC")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise broken("must be an instant from year 1 to 9999, in UTC") from None


def zulu(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def text_of(value: str) -> str:
    if not value.strip():
        raise broken("must not be empty")
    if CONTROL.search(value):
        raise broken("must not contain control characters")
    return value


def in_short(text: str) -> str:
    """So much of what a sender wrote that it fits into a `Text` with what is said beside it."""
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"


def bounded(low: int, high: int) -> AfterValidator:
    def check(value: Decimal) -> Decimal:
        if not low <= value <= high:
            raise broken(f"must be from {low} to {high}")
        return value

    return AfterValidator(check)


def matching(pattern: str, rule: str) -> AfterValidator:
    expression = re.compile(pattern)

    def check(value: str) -> str:
        if not expression.fullmatch(value):
            raise broken(rule)
        return value

    return AfterValidator(check)


Day = Annotated[date, BeforeValidator(day_of), WithJsonSchema({"type": "string", "format": "date"})]
Instant = Annotated[
    datetime,
    BeforeValidator(instant_of),
    PlainSerializer(zulu),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Exact = Annotated[
    Decimal,
    BeforeValidator(decimal_of),
    PlainSerializer(plain),
    WithJsonSchema({"type": "string", "pattern": rf"^{DECIMAL.pattern}$"}),
]
Text = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(text_of)]
Id = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(text_of)]
Texts = Annotated[list[Text], Field(min_length=1, max_length=100)]
OrganisationId = Annotated[str, Field(pattern=r"^[0-9]{4}$"), matching(r"[0-9]{4}", "must be four digits")]
AfdelingId = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-[0-9]{3}$"),
    matching(r"[0-9]{4}-[0-9]{3}", "must be the organisation's four digits, a hyphen and three digits"),
]
MunicipalityCode = Annotated[
    str, Field(pattern=r"^[0-9]{4}$"), matching(r"[0-9]{4}", "must be a municipality code of four digits")
]
Revision = Annotated[int, Field(ge=1, le=2**31 - 1)]


GIVEN: dict[frozenset[str], set[str]] = {}
"""The sets of names of the fields that were given, one object of what is equal."""


class Strict(BaseModel):
    """Unknown fields are refused, nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    def model_post_init(self, context: Any, /) -> None:
        """Pydantic would keep a set for each object, half of its memory.

        Sharing is safe since a copy has its own, and nobody changes the set of an object that is there.
        """
        given = frozenset(self.__pydantic_fields_set__)
        object.__setattr__(self, "__pydantic_fields_set__", GIVEN.get(given) or GIVEN.setdefault(given, set(given)))
