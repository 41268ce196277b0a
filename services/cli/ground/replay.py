"""One task of a keyed service, made anew from the topics: its facts, what it has said, and what it would say next.

Of a slot the highest version stands, so the facts are read in any order and concluded from once. What became a dead
letter stays out, as it did in the service; it comes in when it is sent again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from services.cli.evaluate import DOMAINS
from services.cli.ground.reading import Place, Topics
from services.cli.ground.said import Line, Said, concluded, own_topics, strays
from services.cli.ground.unusable import Letters
from services.quota.domain.ledger import standing
from shared.clock import utc_now
from shared.events.decoding import decode
from shared.events.internal import Chained, Conclusion, LedgerLine, Position
from shared.events.partitioning import partition_of
from shared.events.topics import dead_letters
from shared.runtime.contract import EVERYONE, Entity, Fact, Flaw, Head, Outgoing, Record, Slot, TaskId
from shared.runtime.deadletters import dead_letter, entity_named
from shared.runtime.keyed import Domain, fold, reason_of, slot_of

AT_ONCE = 5_000


class Stood(NamedTuple):
    """What stands of a slot that the service has said: its version, its bytes as they were published."""

    entity: str
    slot: Slot
    version: int
    body: str


@dataclass(slots=True)
class Replayed:
    """A task as the topics tell it. `facts`, `stands`, `lines`: rows of some entities at a time, to be written; `news`:
    what its service will say when it goes on, by entity; `unread`: records that can not be read and are no dead
    letters, and such as no service has written, and why; `buried`: dead letters that are new.
    """

    task: TaskId
    records: int = 0
    entities: int = 0
    facts: list[Fact] = field(default_factory=list)
    stands: list[Stood] = field(default_factory=list)
    lines: list[tuple[str, str, Line]] = field(default_factory=list)
    flaws: Sequence[Flaw] = ()
    news: dict[str, list[str]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    buried: list[Outgoing] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)


class Held(NamedTuple):
    """What the live database holds and no topic: topic and record of all that lies in the outbox, and what the ledgers
    are said to say, by afdeling.
    """

    unsent: Iterable[tuple[str, Outgoing]]
    positions: Mapping[str, Sequence[Position]]


def replay(
    topics: Topics, service: str, task: TaskId, targets: Mapping[Place, int], held: Held, *, whole: bool
) -> Iterator[Replayed]:
    """Part by part, so that a task is not in memory twice; what is not rows is complete with the last one.

    `targets`: up to where the topics that the service reads are read; of the `whole` of them nobody has read all, so
    what can not be read becomes a dead letter, as it would in the service. Raises `Impossible`.
    """
    number, found, said, letters, known = int(task), Replayed(task), Said(), Letters(), dict[str, Entity]()
    domain, broken = DOMAINS[service](), dead_letters(service)
    own = {p: at for name in own_topics(service) for p, at in topics.of(name).items() if strays(name) or p[1] == number}
    for record in topics.read({**own, (broken, number): topics.end((broken, number))}):
        letters.hear(record) if record.topic == broken else said.hear(record)
    for topic, one in held.unsent:
        if topic != broken:
            said.hear(one)
        elif one.partition == number:
            letters.hear(Record(topic, number, 0, one.key, one.value, one.headers))
    for record in topics.read({p: at for p, at in targets.items() if p[1] == number}):
        found.records += 1
        fact = taken(found, record, letters, whole=whole)
        if fact and fact.kind not in domain.ignores:
            fold(known.setdefault(fact.entity, Entity()), fact)
    found.flaws, found.twice, found.entities = list(letters.flaws.values()), said.twice, len(known)
    found.unread += [words for partition, words in said.foreign if partition == number]
    names = known.keys() | {name for home, name in (*said.stated, *said.journals) if home == task}
    going = Going(domain, domain.parameters(known.get(EVERYONE, Entity()).facts), said)
    for name in sorted(names):
        going.on(found, name, known.pop(name, Entity()), held.positions.get(name, ()))
        if len(found.facts) + len(found.stands) > AT_ONCE:
            yield found
            found.facts, found.stands, found.lines = [], [], []
    yield found


def taken(found: Replayed, record: Record, letters: Letters, *, whole: bool) -> Fact | None:
    """The fact that a record brings; None of one that is a dead letter, or becomes one, or can not be read."""
    if letters.holds(record):
        return None
    try:
        fact = decode(record)
    except Exception as error:  # noqa: BLE001 - as in the service: it must not fail its neighbours
        told = f"{record.topic}/{record.partition}/{record.offset}: {reason_of(error)}"
        if whole:
            letter = dead_letter(record, int(found.task), reason_of(error), type(error).__name__, utc_now())
            found.buried.append(letter)
            found.news.setdefault(entity_named(record), []).append(f"dead letter of {told}")
            letters.leaves(record, reason_of(error))
        else:
            found.unread.append(told)
        return None
    letters.mended(record)
    return fact


class Going(NamedTuple):
    """How the entities of a task go on from what was said of them."""

    domain: Domain[Any]
    parameters: Any
    said: Said

    def on(self, found: Replayed, name: str, known: Entity, positions: Sequence[Position]) -> None:
        """The entity, of which the facts are known, as it stands by what was said, and what its service makes of it."""
        stated, lines = self.said.taken((found.task, name))
        found.facts += known.facts.values()
        for slot, (version, value) in sorted(stated.items()):
            known.conclusions[slot] = concluded(slot[0], value)
            found.stands.append(Stood(name, slot, version, value.decode()))
        for slot, position in stand(lines, positions):
            known.conclusions[slot] = position
            found.stands.append(Stood(name, slot, position.version, position.model_dump_json(by_alias=True)))
        heads = ((kind, concluded(kind, line.body), line.hash) for kind, line in dict(lines).items())
        known.heads = {kind: Head(body, hash_) for kind, body, hash_ in heads if isinstance(body, Chained)}
        found.lines += [(name, kind, line) for kind, line in lines]
        if not known.facts:
            return
        try:
            follows = list(self.follows(found.task, name, known))
        except Exception as error:  # noqa: BLE001 - as in the service: the entity is marked, and others go on
            found.news.setdefault(name, []).append(f"nothing follows: {reason_of(error)}")
            return
        for one in follows:
            slot = slot_of(one, name)
            before = known.conclusions.get(slot) if one.stated else None
            if one.renewed(before) is not before and one.kind != Position.kind:
                found.news.setdefault(name, []).append(f"{one.kind} {one.key()}".strip())

    def follows(self, task: TaskId, name: str, known: Entity) -> Iterable[Conclusion]:
        if name == EVERYONE:
            return self.domain.conclude_everyone(self.parameters, lambda e: str(partition_of(e)) == task)
        return self.domain.conclude(name, known, self.parameters)


def stand(lines: Sequence[tuple[str, Line]], kept: Sequence[Position]) -> Iterator[tuple[Slot, Position]]:
    """The positions of a ledger: as they are kept where they say the same as its lines, which else are read back."""
    read = (concluded(kind, line.body) for kind, line in lines if kind == LedgerLine.kind)
    told = standing(line for line in read if isinstance(line, LedgerLine))
    known = {position.key(): position for position in kept}
    for key, position in told.items():
        same = key in known and saying(known[key]) == saying(position)
        yield (Position.kind, key), known[key] if same else position


def saying(position: Position) -> tuple[Any, ...]:
    """What a line tells of it: all but time, version and cause, which hang on the way."""
    basis = position.basis
    return position.step, position.line, position.what, position.effect, basis.day, basis.colour, basis.agreement
