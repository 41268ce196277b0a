"""Whether a journal still is what was written: pure, from the entries as they lie there and from what others keep.

Its own word: each entry's bytes by their hash, the chain of hashes, numbers and steps without gaps, and that each entry
can be made again. What its writer cannot take back: what was published of it, and the heads that were anchored. What is
found is told of the entry at fault, not of its neighbours: a chain that breaks beside an altered one says nothing new.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import Any, Literal, NamedTuple

import orjson
from pydantic import ValidationError

from services.matching.domain.deciding import ENGINE, again
from shared.events.internal import Chained, Decision, LedgerLine
from shared.runtime.contract import Written

SHOWN, AT_MOST = 60, 5
"""Characters of a value, and differences of one entry, that are told."""


class Kind(NamedTuple):
    """A kind of journal. `remade`: the entry made anew, given the one before; None where that cannot be done here."""

    model: type[Chained]
    service: Literal["matching", "quota"]
    topic: str
    word: str
    remade: Callable[[Any, Any], Chained | None]


class Published(NamedTuple):
    """What was published under a number: the hash of its bytes, what it is about, and how to read it again."""

    hash: str
    thing: str
    step: int
    read: Callable[[], bytes]


class Head(NamedTuple):
    """The last entry on a day, as it was anchored then."""

    day: date
    number: int
    hash: str


class Fault(NamedTuple):
    """One entry that is not as it was written."""

    what: Literal["altered", "removed", "added"]
    kind: str
    afdeling: str
    number: int
    thing: str | None
    step: int | None
    how: Sequence[str]


class Checked(NamedTuple):
    """`foreign`: how many entries other rules made, which cannot be made again here."""

    entries: int
    foreign: int
    faults: list[Fault]


def remade_decision(record: Decision, _before: Decision | None) -> Decision | None:
    return again(record, record.inputs) if record.inputs and record.engine == ENGINE else None


def remade_line(line: LedgerLine, before: LedgerLine | None) -> LedgerLine:
    """Its balance is that of the line before, and its effect; nothing is known where that one is not to be believed."""
    if before is None:
        return line.model_copy(update={"balance": line.effect}) if line.number == 1 else line
    return line.model_copy(update={"balance": before.balance + line.effect})


DECISIONS = Kind(Decision, "matching", "decisions", "decision", remade_decision)
LINES = Kind(LedgerLine, "quota", "ledger", "ledger line", remade_line)


def checked(
    kind: Kind,
    afdeling: str,
    entries: Sequence[Written],
    published: Mapping[int, Published],
    anchored: Sequence[Head],
) -> Checked:
    """All entries of the afdeling's journal, by their numbers."""
    known = {number: told.hash for number, told in published.items()}
    its = {
        e.number: e for e in sorted(entries, key=lambda e: sha256(e.body.encode()).hexdigest() == known.get(e.number))
    }
    journal = Journal(kind, afdeling, list(its.values()), published)
    for number in sorted(its):
        journal.look_at(its[number])
    journal.look_at_the_chain()
    journal.look_at_the_steps()
    journal.compare_with(anchored)
    last = max([0, *journal.bytes, *published, *(head.number for head in anchored)])
    missing = sorted(set(range(1, last + 1)) - journal.bytes.keys())
    twice = (e.number for e in entries if e is not its[e.number])
    faults = [
        *journal.faults(),
        *(journal.removed(number, anchored) for number in missing),
        *(journal.fault("added", number, ["there is another one of this number"]) for number in twice),
    ]
    return Checked(len(entries), journal.foreign, sorted(faults, key=lambda f: f.number))


class Journal:
    """What was found so far. `signs`: by number, what is wrong with the entry."""

    def __init__(
        self, kind: Kind, afdeling: str, entries: Sequence[Written], published: Mapping[int, Published]
    ) -> None:
        self.kind, self.afdeling, self.published = kind, afdeling, published
        self.bytes = {e.number: e.body.encode() for e in entries}
        self.hashes = {number: sha256(text).hexdigest() for number, text in self.bytes.items()}
        self.read: dict[int, Chained] = {}
        self.signs: dict[int, list[str]] = defaultdict(list)
        self.foreign = 0

    def look_at(self, entry: Written) -> None:
        """The entry by itself, after those before it."""
        signs, text = list[str](), self.bytes[entry.number]
        if self.hashes[entry.number] != entry.hash:
            signs.append("its bytes are not those of the hash that was written with it")
        told = self.published.get(entry.number)
        if told and told.hash != self.hashes[entry.number]:
            signs += differences(text, told.read(), "published was")
        try:
            record = self.read[entry.number] = self.kind.model.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            signs.append(f"it is no {self.kind.word}: {'.'.join(map(str, first['loc']))} {first['msg']}")
        else:
            signs += self.by_itself(entry, record)
        if signs:
            self.signs[entry.number] += signs

    def by_itself(self, entry: Written, record: Chained) -> Iterator[str]:
        if record.number != entry.number or record.entity() != self.afdeling:
            yield f"it calls itself number {record.number} of {record.entity()}"
        before = None if entry.number - 1 in self.signs else self.read.get(entry.number - 1)
        made = self.kind.remade(record, before)
        if made is None:
            self.foreign += 1
            made = record
        yield from differences(entry.body.encode(), made.model_dump_json(by_alias=True).encode(), "recomputed it is")

    def look_at_the_chain(self) -> None:
        for number, record in self.read.items():
            former = self.hashes.get(number - 1, "" if number == 1 else None)
            if former is None or record.previous == former or self.signs.keys() & {number - 1, number}:
                continue
            if number == 1:
                self.signs[1].append("it names an entry before it, and is the first")
            else:
                self.signs[number - 1].append(f"its bytes are not those that number {number} names")

    def look_at_the_steps(self) -> None:
        steps: dict[str, int] = defaultdict(int)
        whole = not self.signs and sorted(self.bytes) == list(range(1, len(self.bytes) + 1))
        for number, record in self.read.items():
            expected = steps[record.thing()] + 1
            if whole and record.step() != expected:
                self.signs[number].append(f"it is version {record.step()} where {expected} is due")
            steps[record.thing()] = record.step()

    def compare_with(self, anchored: Sequence[Head]) -> None:
        for head in anchored:
            if self.hashes.get(head.number, head.hash) != head.hash:
                self.signs[head.number].append(f"the anchor of {head.day} has another hash of it")

    def faults(self) -> Iterator[Fault]:
        for number in self.bytes:
            if number not in self.published:
                yield self.fault("added", number, [*self.signs.get(number, ()), "it was never published"])
            elif number in self.signs:
                yield self.fault("altered", number, self.signs[number])

    def removed(self, number: int, anchored: Sequence[Head]) -> Fault:
        known = ["it was published"] if number in self.published else []
        known += [f"the anchor of {h.day} has number {h.number}" for h in anchored if h.number >= number][:1]
        return self.fault("removed", number, known or ["the numbers have a gap"])

    def fault(self, what: Literal["altered", "removed", "added"], number: int, how: Sequence[str]) -> Fault:
        """With what it is about by what was published, since the entry itself may say anything."""
        told, record = self.published.get(number), self.read.get(number)
        thing, step = (told.thing, told.step) if told else (record.thing(), record.step()) if record else (None, None)
        return Fault(what, self.kind.word, self.afdeling, number, thing, step, how)


def differences(found: bytes, other: bytes, words: str) -> list[str]:
    """In which fields two entries differ, the first few."""
    if found == other:
        return []
    try:
        told = list(between(orjson.loads(found), orjson.loads(other), ""))
    except orjson.JSONDecodeError:
        return ["it is no JSON"]
    if not told:
        return ["its bytes say the same in another way"]
    said = [f"{path} is {shown(now)}, {words} {shown(then)}" for path, now, then in told[:AT_MOST]]
    return [*said, f"and {len(told) - AT_MOST} fields more"] if len(told) > AT_MOST else said


def between(found: Any, other: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(found, dict) and isinstance(other, dict):
        for name in sorted(found.keys() | other.keys()):
            yield from between(found.get(name), other.get(name), f"{path}.{name}" if path else name)
    elif isinstance(found, list) and isinstance(other, list) and len(found) == len(other):
        for n, (one, another) in enumerate(zip(found, other, strict=True)):
            yield from between(one, another, f"{path}.{n}")
    elif found != other:
        yield path, found, other


def shown(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
