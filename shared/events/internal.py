"""What the services tell one another, and everyone who listens: recorded facts, and what a service concludes.

Every internal event names its entity and carries that entity's `version`; a consumer ignores what is not newer than
what it has. Of a fact the version is the sender's revision; of a conclusion its one writer counts 1, 2, 3 …
`recorded_at` is ingest's clock. Producers are strict, consumers read with `tolerant` (unknown fields ignored).
"""

from datetime import date
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import Field

from shared.events.inbound import Inbound
from shared.events.values import AfdelingId, Colour, Day, Designation, Exact, Id, Instant, Strict, Text

F = TypeVar("F", bound=Inbound)
Version = Annotated[int, Field(ge=1)]
Verdict = bool | None  # met, not met, unknown


class Recorded(Strict, Generic[F]):
    """A fact that ingest accepted: the sender's own words, when we knew them, and as which version."""

    version: Version
    recorded_at: Instant
    source: Text
    event_id: Text
    fact: F


class AreaNamed(Strict):
    """A registration names this area, so its designations are of interest."""

    kind: ClassVar[str] = "area.named"
    version: Version = 1
    recorded_at: Instant
    area_id: Id


class Conclusion(Strict):
    """What a service concludes of an entity: whole, so that one event is enough to know it."""

    kind: ClassVar[str]
    version: int = 0
    recorded_at: Instant

    def entity(self) -> str:
        """The afdeling, or the area, that it is about; also the topic's key."""
        raise NotImplementedError

    def key(self) -> str:
        """Which of the entity's conclusions of this kind; empty where there is one."""
        return ""

    def content(self) -> dict[str, Any]:
        """What must differ for a new version to be published."""
        return {n: v for n, v in self if n not in ("version", "recorded_at", "change")}

    def following(self, before: Self | None) -> Self:
        """The same as the next version after `before`, with what changed."""
        return self.model_copy(update={"version": before.version + 1 if before else 1})


class Criterion(Strict):
    """One criterion as it was applied. Values as published, limits as in force, distance = value − limit."""

    name: Text
    verdict: Verdict
    value: Exact | None = None
    limit: Exact | None = None
    distance: Exact | None = None
    source: Text | None = None
    note: Text | None = None


class Reason(Strict):
    """Why a step of the staircase holds, does not hold or is not known: one of its ways, with its criteria."""

    way: Literal["placement", "registration", "agreement", "area", "own_figures", "twins"]
    step: Literal["red", "yellow"] | None = None
    verdict: Verdict
    criteria: list[Criterion] = []
    note: Text | None = None


class Segment(Strict):
    """From this day on; the trace is that of the first day."""

    from_: Annotated[Day, Field(alias="from")]
    colour: Colour
    at_least: Literal["yellow"] | None
    manual: Id | None = None
    agreement: Text | None = None
    because: list[Reason] = []


class ColourChange(Strict):
    from_: Annotated[Day, Field(alias="from")]
    before: Colour
    after: Colour


class Colours(Conclusion):
    """The colour timeline of an afdeling. `agreements` is the version of all agreements that it rests on."""

    kind: ClassVar[str] = "colours"
    afdeling_id: AfdelingId
    agreements: Text
    timeline: list[Segment]
    change: list[ColourChange] = []

    def entity(self) -> str:
        return self.afdeling_id

    def content(self) -> dict[str, Any]:
        line = [(s.from_, s.colour, s.at_least, s.manual) for s in self.timeline]
        return {"afdeling_id": self.afdeling_id, "agreements": self.agreements, "timeline": line}

    def on(self, day: date) -> Segment | None:
        """The segment in force on the day; None before the timeline."""
        return next((s for s in reversed(self.timeline) if s.from_ <= day), None)

    def following(self, before: Self | None) -> Self:
        days = sorted({s.from_ for t in (self, before) if t for s in t.timeline})
        changes: list[ColourChange] = []
        for day in days:
            old, new = (s.colour if s else "unknown" for s in (before.on(day) if before else None, self.on(day)))
            if old != new and (not changes or (changes[-1].before, changes[-1].after) != (old, new)):
                changes.append(ColourChange(from_=day, before=old, after=new))
        return super().following(before).model_copy(update={"change": changes})


class Designated(Strict):
    """One designation of one list year: as the ministry published it, as computed, and what results."""

    published: Verdict
    computed: Verdict
    result: Verdict
    counts: bool


class AreaYear(Strict):
    year: int
    designations: dict[Designation, Designated]


class Area(Conclusion):
    """The designations of an area by list year, and those of the newest year that counts for each."""

    kind: ClassVar[str] = "area"
    area_id: Id
    list_year: int | None
    udsat: Verdict
    parallelsamfund: Verdict
    omdannelse: Verdict
    forebyggelse: Verdict
    headline: Designation | Literal["none", "unknown"]
    years: list[AreaYear] = []

    def entity(self) -> str:
        return self.area_id


class Quota(Conclusion):
    """The 25 % of an afdeling; `due_exact` is the unrounded sum of shares, for example "7/4"."""

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

    def entity(self) -> str:
        return self.afdeling_id


class OfferReason(Strict):
    """One reason from the closed list, with the value, the limit and where the limit comes from."""

    code: Text
    kind: Literal["refuse", "refer", "condition", "finding"]
    value: Text | None = None
    limit: Text | None = None
    source: Text | None = None
    sentence_da: Text


Outcome = Literal["accepted", "accepted_with_conditions", "rejected", "referred", "withdrawn"]


class Decision(Conclusion):
    """The decision on an offer: a new version replaces the former."""

    kind: ClassVar[str] = "decision"
    offer_id: Id
    vacancy_id: Id
    afdeling_id: AfdelingId
    outcome: Outcome
    reasons: list[OfferReason]
    colour: Colour | None
    agreement: Text | None
    vacancy_revision: int
    offer_revision: int
    resolution_revision: int | None = None
    replied_to_version: int | None = None

    def entity(self) -> str:
        return self.afdeling_id

    def key(self) -> str:
        return self.offer_id


class Receipt(Strict):
    """The fate of one inbound event, told to its sender."""

    kind: ClassVar[str] = "receipt"
    fate: Literal["accepted", "duplicate", "parked", "released", "refused"]
    event_id: str | None
    event_type: str | None
    topic: Text
    partition: int
    offset: int
    recorded_at: Instant
    field: str | None = None
    rule: str | None = None
    value: str | None = None
