"""Facts that concern everyone: agreements, lists, national averages, organisations, successions."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shared.agreement.document import Document, ratio_or_none
from shared.events.inbound.base import Approved, Door, Inbound, ListDate, Percentage, Retracted
from shared.events.values import AfdelingId, Day, Designation, Id, OrganisationId, Strict, Text, broken, matching


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


class ListRetracted(Retracted, ListKey):
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


class ReferenceRetracted(Retracted, ReferenceKey):
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


class OrganisationRetracted(Retracted, OrganisationKey):
    pass


def part_of_one(value: str) -> str:
    share = ratio_or_none(value)
    if share is None or not 0 < share <= 1:
        raise broken('must be a share above 0 and at most 1, for example "1/3"')
    return value


class AfdelingSucceeded(Inbound):
    """From a day on, afdelinger go on in another one: a merge or a renumbering; or, with a `share` for each of several
    successors, a split. One fact per successor and day. Known to everyone, since it concerns several afdelinger.
    """

    kind: ClassVar[str] = "afdeling.succeeded"
    sequence: ClassVar[str] = "succession"
    door: ClassVar[Door] = "facts"
    from_: Annotated[list[AfdelingId], Field(alias="from", min_length=1, max_length=100)]
    to: AfdelingId
    on: Day
    share: Annotated[Text, AfterValidator(part_of_one)] | None = None

    @model_validator(mode="after")
    def another(self) -> Self:
        if self.to in self.from_:
            raise broken("must not be one of from", "to", self.to)
        if len(set(self.from_)) != len(self.from_):
            raise broken("must name each afdeling once", "from", self.from_)
        return self

    def key(self) -> str:
        return f"{self.to}/{self.on}"


class DayClosed(Inbound):
    """A day is over: deadlines fold over the closed days. Its revision is the day's number (0001-01-01 is 1), so that
    of all closed days the latest stands, and the same day again is a duplicate.
    """

    kind: ClassVar[str] = "day.closed"
    sequence: ClassVar[str] = "day"
    door: ClassVar[Door] = "operations"
    day: Day

    @model_validator(mode="after")
    def numbered(self) -> Self:
        if self.revision != self.day.toordinal():
            raise broken(f"must be the number of the day, {self.day.toordinal()}", "revision", self.revision)
        return self

    def key(self) -> str:
        return ""
