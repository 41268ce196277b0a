"""The staircase as it is told: the colour timeline of an afdeling, with the whole trace, and what its kin must know."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self, TypeVar

from pydantic import Field

from shared.events.internal.base import Conclusion, Verdict
from shared.events.values import AfdelingId, Colour, Day, Exact, Id, Strict, Text


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

    way: Literal["placement", "registration", "agreement", "area", "own_figures", "twins", "predecessors", "successors"]
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
    """From this day on, until the next one or until both timelines say the same again."""

    from_: Annotated[Day, Field(alias="from")]
    before: Colour
    after: Colour


class AreaSegment(Strict):
    """From this day on: the area in which the afdeling lies, None if in none, and its designations."""

    from_: Annotated[Day, Field(alias="from")]
    area_id: Id | None
    udsat: Verdict
    parallelsamfund: Verdict
    omdannelse: Verdict
    forebyggelse: Verdict


class Colours(Conclusion):
    """The colour timeline of an afdeling. `agreements` is the version of all agreements that it rests on.

    `areas`: what its area is designated as, day by day, since the law bars some assignments there whatever the colour.
    """

    kind: ClassVar[str] = "colours"
    beside: ClassVar[frozenset[str]] = Conclusion.beside | {"change"}
    afdeling_id: AfdelingId
    agreements: Text
    timeline: list[Segment]
    change: list[ColourChange] = []
    areas: list[AreaSegment] = []

    def entity(self) -> str:
        return self.afdeling_id

    def content(self) -> dict[str, Any]:
        line = [(s.from_, s.colour, s.at_least, s.manual) for s in self.timeline]
        return {"agreements": self.agreements, "timeline": line, "areas": self.areas}

    def on(self, day: date) -> Segment | None:
        """The segment in force on the day; None before the timeline."""
        return in_force(self.timeline, day)

    def area_on(self, day: date) -> AreaSegment | None:
        """The area on the day; None before the timeline."""
        return in_force(self.areas, day)

    def following(self, before: Self | None) -> Self:
        days = sorted({s.from_ for t in (self, before) if t for s in t.timeline})
        changes: list[ColourChange] = []
        last: tuple[str, str] | None = None  # a stretch of one change ends where another begins, or none
        for day in days:
            old, new = (s.colour if s else "unknown" for s in (before.on(day) if before else None, self.on(day)))
            if old != new and (old, new) != last:
                changes.append(ColourChange(from_=day, before=old, after=new))
            last = old, new
        return super().following(before).model_copy(update={"change": changes})


class Step(Strict):
    """From this day on, as it is handed on."""

    from_: Annotated[Day, Field(alias="from")]
    colour: Colour
    at_least: Literal["yellow"] | None


class Relative(Conclusion):
    """What an afdeling that was succeeded, or that succeeds, tells the other one of its colours; empty once it is none.

    `to`: who is told; `of`: whose timeline it is; `role`: what `of` is to `to`; `on`: the day of the succession.
    """

    kind: ClassVar[str] = "relative"
    to: AfdelingId
    of: AfdelingId
    role: Literal["predecessor", "successor"]
    on_day: Annotated[Day, Field(alias="on")]
    timeline: list[Step]

    def entity(self) -> str:
        return self.to

    def key(self) -> str:
        return f"{self.role} {self.of} {self.on_day}"

    def on(self, day: date) -> Step | None:
        """The step in force on the day; None before the timeline."""
        return in_force(self.timeline, day)


class Dated(Protocol):
    @property
    def from_(self) -> date: ...


D = TypeVar("D", bound=Dated)


def in_force(line: Sequence[D], day: date) -> D | None:
    """The last that begins not after the day; the line is in the order of its days."""
    return next((s for s in reversed(line) if s.from_ <= day), None)
