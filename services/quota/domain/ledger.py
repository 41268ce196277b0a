"""The ledger: what it shall say of each thing (a vacancy, its report, a handover), and the lines that make it say so.

Lines are only ever added. Where a line no longer holds, a reversal takes back its whole effect, and a new line says
what holds; both name the event by which it came about. So the lines depend on the order in which facts came, and their
sum, the balance, does not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from services.quota.domain.counting import Facts, Home
from services.quota.domain.handover import NOTHING, REPORTED, Given, standing_of
from shared.agreement.inforce import Agreement
from shared.events.ids import event_id, type_of
from shared.events.inbound import AgreementPublished, VacancyCancelled
from shared.events.internal import (
    Account,
    Amounts,
    Basis,
    Cause,
    Colours,
    Conclusion,
    Decision,
    Entry,
    Handover,
    LedgerLine,
    Position,
    Reversal,
)
from shared.events.values import Colour
from shared.runtime.contract import EVERYONE, Entity, Fact

WRITERS = {"colours": "classifier", "decision": "matching", "handover": "quota"}
COUNTED: Mapping[str, Entry] = {
    "counting": "vacancy_counted",
    "suspended": "vacancy_suspended",
    "excluded": "vacancy_excluded",
}


class Wanted(NamedTuple):
    """What the ledger shall say of one thing. `cause`: the fact by which it says so; `colour`, `agreement`: of a home.

    Events are named only where a line is written: most things are said already.
    """

    account: Account
    about: str
    what: Entry
    effect: Amounts
    cause: Fact
    day: date
    colour: Colour | None = None
    agreement: Agreement | None = None
    offer_id: str | None = None
    why: str | None = None

    @property
    def key(self) -> str:
        return f"{self.account} {self.about}"

    @property
    def version(self) -> str | None:
        """Of the agreement."""
        return self.agreement.version if self.agreement else None

    @property
    def basis(self) -> Basis:
        return Basis(cause=cause_of(self.cause), day=self.day, colour=self.colour, agreement=self.version)


def cause_of(fact: Fact) -> Cause:
    """The internal event that a fact came by."""
    writer = WRITERS.get(fact.kind, "ingest")
    kind = f"recorded.{fact.kind}" if writer == "ingest" else fact.kind
    return Cause(
        type=type_of(kind), id=event_id(writer, fact.entity, kind, fact.key, fact.version), version=fact.version
    )


def published(agreement: Agreement) -> Cause:
    """The internal event that an agreement came by."""
    kind, revision = f"recorded.{AgreementPublished.kind}", agreement.revision
    key = f"{agreement.document.municipality}/{agreement.effective_from}"
    return Cause(type=type_of(kind), id=event_id("ingest", EVERYONE, kind, key, revision), version=revision)


def wanted(
    homes: Sequence[Home], received: Sequence[tuple[Handover, Fact]], given: Sequence[Given]
) -> dict[str, Wanted]:
    """All that the ledger shall say, by the key of the thing."""
    found = [one for home in homes for one in of_home(home)]
    for handover, fact in received:
        about = f"{handover.of} {handover.on}"
        found.append(Wanted("handover", about, "taken_over", handover.amounts, fact, handover.on))
    came = {f"{h.of} {h.on}" for h, _ in received if h.amounts != NOTHING}
    for one in given:
        if one.fact:
            about = f"→ {one.about}" if one.about in came else one.about  # the two succeed one another that day
            found.append(Wanted("handover", about, "handed_over", -one.amounts, one.fact, one.on))
    return {one.key: one for one in found if one.effect != NOTHING}


def of_home(home: Home) -> Iterator[Wanted]:
    about, day = home.vacancy.vacancy_id, home.vacancy.vacant_from
    on = home.colour, home.agreement
    yield Wanted("vacancy", about, COUNTED[home.kind], standing_of(home), home.fact, day, *on, why=home.why)
    if home.reported and home.offer and isinstance(decision := home.offer.body, Decision):
        day = decision.inputs.offer.submitted_on if decision.inputs else day
        yield Wanted("report", about, "home_reported", REPORTED, home.offer, day, *on, offer_id=decision.offer_id)


def entries(
    afdeling: str,
    things: Mapping[str, Wanted],
    known: Entity,
    recorded_at: datetime,
    why: tuple[Reversal, Cause] | None = None,
) -> Iterator[Conclusion]:
    """The lines by which the ledger comes to say what it shall, and what it then says of each thing. `why`: of all
    reversals, where it is one.
    """
    held = {p.key(): p for p in known.conclusions.values() if isinstance(p, Position)}
    book = Book(afdeling, known, recorded_at)
    for key in sorted(things.keys() | held.keys(), key=lambda k: (day_of(things.get(k), held.get(k)), k)):
        want, position = things.get(key), held.get(key)
        cause: Cause | None = None
        if position and position.line is not None:
            if want and says(position, want):
                if seen(position) != (want.colour, want.version):
                    told = {"now": want.basis, "version": 0, "recorded_at": recorded_at}
                    yield position.model_copy(update=told)
                continue
            what, cause = why or difference(position, want, things, known.facts)
            yield (line := book.reversal(position, what, cause))
            position = book.position(line, position, None)
            if want is None:
                yield position
        if want:
            yield (line := book.entry(want, position.step if position else 0, cause or cause_of(want.cause)))
            yield book.position(line, want, line.number)


def day_of(want: Wanted | None, position: Position | None) -> str:
    return str(want.day if want else position.basis.day if position else "")


def says(position: Position, want: Wanted) -> bool:
    """Whether the ledger says so already."""
    return (position.what, position.effect, position.basis.day) == (want.what, want.effect, want.day)


def seen(position: Position) -> tuple[Colour | None, str | None]:
    """On which colour and agreement it rested when it was last looked at: only what is newer explains a difference."""
    rests = position.now or position.basis
    return rests.colour, rests.agreement


def difference(
    position: Position, want: Wanted | None, things: Mapping[str, Wanted], facts: Facts
) -> tuple[Reversal, Cause]:
    """Why what the ledger said of a thing no longer holds, and by which event."""
    if position.account == "handover":
        return "handover_corrected", cause_of(want.cause) if want else position.basis.cause
    home = things.get(f"vacancy {position.about}")
    if position.account == "report" and home and home.what == "vacancy_counted":
        return redecided(position, want, facts)
    if home is None:
        cancelled = next((f for f in facts.values() if of_cancelled(f, position.about)), None)
        return "vacancy_cancelled", cause_of(cancelled) if cancelled else position.basis.cause
    (colour, agreement), colours = seen(position), facts.get((Colours.kind, ""))
    if position.basis.day != home.day and position.account == "vacancy":
        return "vacancy_redated", cause_of(home.cause)
    if colour != home.colour and colours:
        return "colour_corrected", cause_of(colours)
    if agreement != home.version:
        return "agreement_changed", published(home.agreement) if home.agreement else cause_of(home.cause)
    return "vacancy_corrected", cause_of(home.cause)


def of_cancelled(fact: Fact, vacancy: str) -> bool:
    return isinstance(fact.body, VacancyCancelled) and fact.body.vacancy_id == vacancy


def redecided(position: Position, want: Wanted | None, facts: Facts) -> tuple[Reversal, Cause]:
    if want:
        return "offer_redecided", cause_of(want.cause)
    decided = [f for f in facts.values() if isinstance(f.body, Decision) and f.body.vacancy_id == position.about]
    newest = max(decided, key=lambda f: f.recorded_at, default=None)
    gone = newest is not None and isinstance(newest.body, Decision) and newest.body.outcome == "withdrawn"
    return ("offer_withdrawn" if gone else "offer_redecided"), cause_of(newest) if newest else position.basis.cause


def standing(lines: Iterable[LedgerLine]) -> dict[str, Position]:
    """What a ledger says of each thing, read back from its lines alone; by the key of the thing."""
    found: dict[str, Position] = {}
    for line in lines:
        before = found.get(line.thing())
        version = before.version + 1 if before else 1
        if line.reverses is None:
            found[line.thing()] = Position(
                version=version,
                recorded_at=line.recorded_at,
                afdeling_id=line.afdeling_id,
                account=line.account,
                about=line.about,
                step=line.turn,
                line=line.number,
                what=line.what,  # type: ignore[arg-type]  # an entry's, since it reverses nothing
                effect=line.effect,
                basis=Basis(cause=line.cause, day=line.day, colour=line.colour, agreement=line.agreement),
            )
        elif before:
            changed = {"version": version, "recorded_at": line.recorded_at, "step": line.turn, "line": None}
            found[line.thing()] = before.model_copy(update=changed)
    return found


class Book:
    """Writes the next lines of an afdeling, each with the number, the turn of its thing and the balance after it."""

    def __init__(self, afdeling: str, known: Entity, recorded_at: datetime) -> None:
        self.afdeling, self.recorded_at = afdeling, recorded_at
        head = known.heads.get(LedgerLine.kind)
        last = head.body if head and isinstance(head.body, LedgerLine) else None
        self.number, self.balance = (last.number, last.balance) if last else (0, NOTHING)

    def entry(self, want: Wanted, step: int, cause: Cause) -> LedgerLine:
        return self.line(
            account=want.account,
            about=want.about,
            turn=step + 1,
            what=want.what,
            offer_id=want.offer_id,
            why=want.why,
            day=want.day,
            colour=want.colour,
            agreement=want.version,
            cause=cause,
            effect=want.effect,
        )

    def reversal(self, position: Position, why: Reversal, cause: Cause) -> LedgerLine:
        return self.line(
            account=position.account,
            about=position.about,
            turn=position.step + 1,
            what=why,
            reverses=position.line,
            day=position.basis.day,
            colour=position.basis.colour,
            agreement=position.basis.agreement,
            cause=cause,
            effect=-position.effect,
        )

    def line(self, *, effect: Amounts, **told: object) -> LedgerLine:
        self.number, self.balance = self.number + 1, self.balance + effect
        return LedgerLine.model_validate(
            {
                "recorded_at": self.recorded_at,
                "afdeling_id": self.afdeling,
                "number": self.number,
                "effect": effect,
                "balance": self.balance,
                **told,
            }
        )

    def position(self, line: LedgerLine, of: Wanted | Position, stands: int | None) -> Position:
        """What the ledger says after the line."""
        return Position(
            recorded_at=self.recorded_at,
            afdeling_id=self.afdeling,
            account=of.account,
            about=of.about,
            step=line.turn,
            line=stands,
            what=of.what,
            effect=of.effect,
            basis=of.basis,
        )
