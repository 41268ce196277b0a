"""Merged, renumbered and split afdelinger: what a successor inherits, and where the old number finds its colour.

From the day of the succession on, the old number has the colour of its successor, so that a home reported under it is
judged like its neighbours. The successor, as long as its own figures say nothing, has the strictest colour of its
predecessors; unknown is stricter than yellow, since missing data never makes anything green [assumption: the agreement
is silent]. The two may live in different tasks, so they tell one another by events (`Relative`). What is told to a
successor rests on earlier successions only, and what is told to a predecessor on later ones, so that it all ends.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Literal, NamedTuple

from services.classifier.domain.parameters import Parameters
from services.classifier.domain.staircase import Step, plain
from shared.agreement.everyone import Succession
from shared.events.internal import Relative, Segment
from shared.events.internal import Step as Told
from shared.events.values import Colour, in_short
from shared.runtime.contract import Entity

STRICT: tuple[Colour, ...] = ("red", "unknown", "yellow", "green")


class Kin(NamedTuple):
    """The relatives whose word counts: day of the succession, and what they told; None while they told nothing."""

    predecessors: Sequence[tuple[date, str, Relative | None]]
    successors: Sequence[tuple[date, str, Relative | None]]

    def before(self, day: date) -> "Kin":
        """Only predecessors of earlier successions: what a successor from that day on is told rests on these."""
        return Kin([p for p in self.predecessors if p[0] < day], ())

    def after(self, day: date) -> "Kin":
        """Successors of later successions only: what a predecessor until that day is told rests on these."""
        return Kin(self.predecessors, [s for s in self.successors if s[0] > day])

    def days(self) -> set[date]:
        both = (*self.predecessors, *self.successors)
        told = {s.from_ for day, _, r in both if r for s in r.timeline if s.from_ > day}
        return told | {day for day, _, _ in both}

    def step(self, own: Step, day: date) -> Step:
        """The step on the day, given what the afdeling's own facts say."""
        if after := [(of, r) for on, of, r in self.successors if on <= day]:
            return strictest(own, day, after, "successors")
        before = [(of, r) for on, of, r in self.predecessors if on <= day]
        return strictest(own, day, before, "predecessors") if before and own.colour == "unknown" else own


UNTOLD = Told(from_=date.min, colour="unknown", at_least=None)
NOBODY = Kin((), ())
Line = Callable[[Kin], Sequence[Segment]]
"""The timeline of the afdeling with these relatives only."""


def kin_of(afdeling: str, known: Entity, parameters: Parameters) -> Kin:
    told = {(r.role, r.of, r.on_day): r for f in known.facts.values() if isinstance(r := f.body, Relative)}
    successions = parameters.successions
    return Kin(
        [(s.on, s.of, told.get(("predecessor", s.of, s.on))) for s in successions.to(afdeling)],
        [(s.on, s.to, told.get(("successor", s.to, s.on))) for s in successions.of(afdeling)],
    )


def strictest(
    own: Step, day: date, kin: Iterable[tuple[str, Relative | None]], way: Literal["predecessors", "successors"]
) -> Step:
    found = [(of, (told.on(day) if told else None) or UNTOLD) for of, told in kin]
    colour = min((step.colour for _, step in found), key=STRICT.index)
    yellow = any(step.colour == "yellow" or step.at_least for _, step in found)
    note = in_short(", ".join(f"{of} {step.colour}" for of, step in found))
    reason = plain(way, None if colour == "unknown" else True, note)
    ways = [reason] if way == "successors" else [*own.ways, reason]
    return Step(colour, "yellow" if colour == "unknown" and yellow else None, None, own.agreement, ways)


def relatives(afdeling: str, known: Entity, parameters: Parameters, line: Line, at: datetime) -> Iterator[Relative]:
    """What the afdeling tells its relatives, and those that no longer are."""
    successions, told = parameters.successions, set[tuple[str, str]]()
    kin = kin_of(afdeling, known, parameters)
    for s in successions.of(afdeling):
        one = relative(s, "predecessor", line(kin.before(s.on)), at)
        told.add((one.to, one.key()))
        yield one
    for s in successions.to(afdeling):
        one = relative(s, "successor", line(kin.after(s.on)), at)
        told.add((one.to, one.key()))
        yield one
    yield from untold(known, told, at)


def untold(known: Entity, told: Container[tuple[str, str]], at: datetime) -> Iterator[Relative]:
    """That there is nothing to tell: to those who were told, and are not among these, by name and key."""
    for before in known.conclusions.values():
        if isinstance(before, Relative) and (before.to, before.key()) not in told:
            yield before.model_copy(update={"timeline": [], "version": 0, "recorded_at": at})


def relative(
    s: Succession, role: Literal["predecessor", "successor"], segments: Sequence[Segment], recorded_at: datetime
) -> Relative:
    to, of = (s.to, s.of) if role == "predecessor" else (s.of, s.to)
    steps = [Told(from_=x.from_, colour=x.colour, at_least=x.at_least) for x in segments]
    return Relative(recorded_at=recorded_at, to=to, of=of, role=role, on_day=s.on, timeline=steps)
