"""The 25 % of an afdeling, its ledger line by line, what a merge or a split hands over, and the usable supply.

Shares are exact fractions of a home, as text ("7/4"). Source: the inbound contract, "Quota"; almenboligloven § 59.
"""

from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from shared.events.internal.base import Chained, Conclusion
from shared.events.values import AfdelingId, Colour, Day, Id, Strict, Text, broken


def share_of(value: object) -> Fraction:
    """A share as text, "-7/4". Raises a rule that says so."""
    if isinstance(value, Fraction):
        return value
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        raise broken('must be an exact share as text, for example "7/4"') from None


ExactShare = Annotated[
    Fraction,
    BeforeValidator(share_of),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": "^-?[0-9]+(/[1-9][0-9]*)?$"}),
]


class Quota(Conclusion):
    """The 25 % of an afdeling; `due_exact` is the unrounded sum of shares, for example "7/4".

    `owed_since`: the day on which the oldest home that is still owed became due. `next_must_be_reported`: whether the
    next counting vacancy, at the share of the last colour, is owed unless it is reported.
    """

    kind: ClassVar[str] = "quota"
    afdeling_id: AfdelingId
    counting: int
    provisional: int
    suspended: int
    excluded: int
    due_exact: Text
    due: int
    reported: int
    owed: int
    credit: int
    next_due_in: int | None
    agreement: Text | None
    owed_since: Day | None = None
    next_must_be_reported: bool = False

    def entity(self) -> str:
        return self.afdeling_id


class Amounts(Strict):
    """How a line changes the balance, or the balance itself: homes by class, exact sum of shares, reported homes."""

    counting: int = 0
    provisional: int = 0
    suspended: int = 0
    excluded: int = 0
    share: ExactShare = Fraction(0)
    reported: int = 0

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(**{name: getattr(self, name) + getattr(other, name) for name in type(self).model_fields})

    def __neg__(self) -> "Amounts":
        return Amounts(**{name: -getattr(self, name) for name in type(self).model_fields})

    def __sub__(self, other: "Amounts") -> "Amounts":
        return self + -other


class Cause(Strict):
    """The internal event by which a line came about: CloudEvents type and id, and its version."""

    type: Text
    id: Text
    version: int


Account = Literal["vacancy", "report", "handover"]
Entry = Literal[
    "vacancy_counted",
    "vacancy_suspended",
    "vacancy_excluded",
    "home_reported",
    "handed_over",
    "taken_over",
]
Reversal = Literal[
    "vacancy_cancelled",
    "vacancy_redated",
    "vacancy_corrected",
    "colour_corrected",
    "agreement_changed",
    "offer_withdrawn",
    "offer_redecided",
    "handover_corrected",
    "registration_retracted",
]


class Basis(Strict):
    """What an entry rests on, so that a later difference can be named."""

    cause: Cause
    day: Day
    colour: Colour | None = None
    agreement: Text | None = None


class Position(Conclusion):
    """What the ledger says of one thing: the line that stands, None where the last one was reversed. Not published.

    `now`: what it rests on, where that has changed and the line has not.
    """

    kind: ClassVar[str] = "position"
    afdeling_id: AfdelingId
    account: Account
    about: Id
    step: int
    line: int | None
    what: Entry
    effect: Amounts
    basis: Basis
    now: Basis | None = None

    def entity(self) -> str:
        return self.afdeling_id

    def key(self) -> str:
        return f"{self.account} {self.about}"


class LedgerLine(Chained):
    """One line of an afdeling's ledger: what changed, by which event, and the exact balance after it.

    A correction is a reversal of the line that no longer holds (`reverses`), and a new line. The sum of all effects is
    the balance, always. `day`: the day on which the line is booked, of a reversal that of the reversed line. `about`:
    the vacancy, or, where an afdeling was succeeded, the other afdeling and the day; with an arrow before them
    on what is handed over where that one hands over as well that day. `why`: of an excluded vacancy.
    """

    kind: ClassVar[str] = "ledger.line"
    stated: ClassVar[bool] = False
    afdeling_id: AfdelingId
    account: Account
    about: Id
    turn: Annotated[int, Field(ge=1)]
    what: Entry | Reversal
    reverses: int | None = None
    offer_id: Id | None = None
    why: Text | None = None
    day: Day
    colour: Colour | None = None
    agreement: Text | None = None
    cause: Cause
    effect: Amounts
    balance: Amounts

    def entity(self) -> str:
        return self.afdeling_id

    def key(self) -> str:
        return str(self.number)

    def thing(self) -> str:
        return f"{self.account} {self.about}"

    def step(self) -> int:
        return self.turn

    def takes_back(self) -> int | None:
        return self.reverses


class Handover(Conclusion):
    """What a succeeded afdeling hands over to its successor: exact, and zero once it no longer does."""

    kind: ClassVar[str] = "handover"
    to: AfdelingId
    of: AfdelingId
    on: Day
    amounts: Amounts

    def entity(self) -> str:
        return self.to

    def key(self) -> str:
        return f"{self.of} {self.on}"


Band = Literal["under_3500", "3500_to_4000", "4000_to_4500", "above_4500", "unknown"]


class Shelf(Strict):
    """Homes of one rent band and number of rooms (4: 4 or more): reported, of those relevant, of those used."""

    band: Band
    rooms: Annotated[int, Field(ge=1, le=4)]
    reported: int
    relevant: int
    used: int


class Supply(Conclusion):
    """The usable supply of an afdeling: three figures that are never mixed, by rent band and number of rooms."""

    kind: ClassVar[str] = "supply"
    afdeling_id: AfdelingId
    shelves: list[Shelf]

    def entity(self) -> str:
        return self.afdeling_id
