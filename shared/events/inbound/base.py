"""What all inbound facts have: a key, a revision, a door; some are about an afdeling, some need two people."""

from datetime import date
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shared.events.values import AfdelingId, Day, Exact, Id, Revision, Strict, bounded, broken

Door = Literal["organisation", "facts", "replies", "operations"]


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
    """The key of a fact that is taken back, as if it had never been. The revision must be given: so a retraction names
    this class before that of its key, whose revision may be left out.
    """

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
Part = Annotated[Exact, bounded(0, 10**15)]
"""Of a fraction: a number of residents, or a sum in kr."""
