"""What the runtime core asks of its surroundings, and the plain values that pass between them.

A stream task is the unit of ownership: one partition number of all of a service's topics (of ingest: one partition of
one inbound topic), with everything that the service knows of the entities in it. Nothing is written across tasks.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol, Self

from pydantic import BaseModel

from shared.events.cloudevents import TRACEPARENT
from shared.events.internal import Chained, Conclusion

TaskId = str
Slot = tuple[str, str]
"""Kind and key: of one entity's facts in a slot the one with the highest version stands."""
Ours = Callable[[str], bool]
"""Whether an entity is this task's."""
EVERYONE = ""
"""The entity of facts that concern everyone: each task keeps its own copy of them (its parameters)."""


class Record(NamedTuple):
    """As the broker gave it; nothing is decoded yet. `headers` may hold anything; of their names, what is not UTF-8
    stands as surrogates.

    `timestamp`: when the broker took it, milliseconds since 1970; 0 where nobody says.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()
    timestamp: int = 0


class Outgoing(NamedTuple):
    """One record for a partition of a topic."""

    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()

    def traced(self, trace: str | None) -> "Outgoing":
        """The same, telling which trace it is of."""
        return self if trace is None else self._replace(headers=(*self.headers, (TRACEPARENT, trace.encode())))

    def size(self) -> int:
        return (
            len(self.key or b"")
            + len(self.value or b"")
            + sum(len(n.encode()) + len(v or b"") + 8 for n, v in self.headers)
            + 64
        )


class Fact(NamedTuple):
    """One accepted fact, or another service's conclusion, as a service keeps it."""

    entity: str
    kind: str
    key: str
    version: int
    recorded_at: datetime
    body: BaseModel

    @property
    def slot(self) -> Slot:
        return self.kind, self.key


class Head(NamedTuple):
    """The last entry of one of an entity's journals, and the hash of its bytes."""

    body: Chained
    hash: str


class Entry(NamedTuple):
    """One entry for a journal: its bytes as they are published, since the next one names their hash."""

    body: Chained
    bytes: bytes
    hash: str


class Written(NamedTuple):
    """An entry as it lies in the database: whose, which, and its bytes as text, with the hash that was written then."""

    entity: str
    number: int
    hash: str
    body: str


@dataclass(slots=True)
class Entity:
    """All that a task knows of one entity: facts by slot, what the service last concluded, by slot, and the head of
    each of its journals, by kind.
    """

    facts: dict[Slot, Fact] = field(default_factory=dict)
    conclusions: dict[Slot, Conclusion] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)

    def copy(self) -> "Entity":
        return Entity(dict(self.facts), dict(self.conclusions), dict(self.heads))

    def bodies(self) -> Iterator[BaseModel]:
        """All that is held."""
        yield from (fact.body for fact in self.facts.values())
        yield from self.conclusions.values()
        yield from (head.body for head in self.heads.values())


@dataclass(slots=True)
class Cache:
    """A task's entities as they are committed, the one used longest ago first.

    `weights`: bytes of each one's bodies as JSON; in memory they take some five times that. `weight`: of all but
    EVERYONE, which stays: every record needs it, and it does not grow with the homes.
    """

    entities: dict[str, Entity] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    weight: int = 0

    def __contains__(self, name: str) -> bool:
        return name in self.entities

    def use(self, name: str) -> Entity:
        """It counts as used now; a new one where it is not known."""
        entity = self.entities[name] = self.entities.pop(name, Entity())
        return entity

    def put(self, name: str, entity: Entity) -> int:
        """Its weight; of EVERYONE 0."""
        if name != EVERYONE:
            change = heavier(self.entities.get(name, Entity()), entity)
            self.weights[name] = self.weights.get(name, 0) + change
            self.weight += change
        self.entities.pop(name, None)  # the last of the dictionary is the one used last
        self.entities[name] = entity
        return self.weights.get(name, 0)

    def forget(self, name: str) -> None:
        self.entities.pop(name, None)
        self.weight -= self.weights.pop(name, 0)

    def shrink(self, most: int) -> None:
        """Until it weighs no more than that."""
        for name in [n for n in self.entities if n != EVERYONE]:
            if self.weight <= most:
                break
            self.forget(name)


def heavier(before: Entity, after: Entity) -> int:
    """By how many bytes; only what is another object than before is measured."""
    old, new = ({id(body): body for body in entity.bodies()} for entity in (before, after))
    come, gone = (new[i] for i in new.keys() - old.keys()), (old[i] for i in old.keys() - new.keys())
    return sum(map(size, come)) - sum(map(size, gone))


def size(body: BaseModel) -> int:
    """Bytes, as JSON."""
    return len(body.model_dump_json())


class RowId(NamedTuple):
    """Of an outbox row: the task's own version orders its rows and names them, so no sequence is needed."""

    task: TaskId
    version: int
    topic: str


class Row(NamedTuple):
    """One packed outbox row: all records of one task, version and topic."""

    id: RowId
    records: Sequence[Outgoing]


class Flaw(NamedTuple):
    """A record that became a dead letter: whose state is incomplete for it, and why."""

    entity: str
    topic: str
    partition: int
    offset: int
    why: str


@dataclass(slots=True)
class Task:
    """A stream task as this process knows it: valid as long as nobody else has moved the version.

    `offsets`: the next offset of each topic. `cursor`: the last entity done by a re-evaluation under way, None if none
    is.
    """

    id: TaskId
    version: int
    offsets: dict[str, int]
    cursor: str | None = None
    cache: Cache = field(default_factory=Cache)


class Trail(Protocol):
    """How traces go through a batch of one task."""

    def after(self, records: Sequence[Record]) -> str:
        """The `traceparent` of what follows from these records of the batch together; of none, in a re-evaluation."""


@dataclass(slots=True)
class Draft:
    """What one task is about to write: all of it or, when the version has moved, nothing. Adopted after the commit.

    `letters`: its dead letters by kind of reason, to be counted; `letter`: the last of them, to be named; `buried`:
    topic and offset of each. `mended`: flaws, without their why, that are none any more, since what could not be used
    has been now. `weight`: bytes, as JSON, of its entities, once adopted. `trail`: None where nothing is traced.
    """

    task: Task
    offsets: dict[str, int]
    cursor: str | None
    entities: dict[str, Entity] = field(default_factory=dict)
    facts: dict[tuple[str, Slot], Fact] = field(default_factory=dict)
    conclusions: dict[tuple[str, Slot], Conclusion] = field(default_factory=dict)
    entries: list[tuple[str, Entry]] = field(default_factory=list)
    out: dict[str, list[Outgoing]] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)
    letters: Counter[str] = field(default_factory=Counter)
    letter: Record | None = None
    buried: set[tuple[str, int]] = field(default_factory=set)
    mended: list[tuple[str, str, int, int]] = field(default_factory=list)
    extra: Any = None
    weight: int = 0
    trail: Trail | None = None

    @classmethod
    def of(cls, task: Task) -> Self:
        """With nothing in it yet."""
        return cls(task, dict(task.offsets), task.cursor)

    def rows(self) -> list[Row]:
        return [Row(RowId(self.task.id, self.task.version + 1, t), r) for t, r in self.out.items() if r]


class Refused(Exception):
    """The data's fault: a constraint, a value out of range. Repeating will not help."""


class Ledger(Protocol):
    """What the core and the relay ask of a service's database. Every method is one statement; none leaves a transaction
    open.
    """

    async def claim(self, ids: Iterable[TaskId]) -> Mapping[TaskId, Task]:
        """Raise the versions and read: from here on no other process can write, and its outbox is complete."""

    async def commit(self, drafts: Sequence[Draft]) -> set[TaskId]:
        """Each task on its own: written where the version still is the expected one. Returns the tasks that were.

        Raises `Refused` when the database refuses the data; then nothing was written.
        """

    async def pending(self, ids: Iterable[TaskId]) -> Sequence[Row]:
        """The outbox of these tasks, in the order of their versions."""

    async def delete(self, ids: Sequence[RowId]) -> None:
        """Exactly these rows: the ones that were acknowledged."""

    async def stop(self, task: TaskId, why: str) -> None:
        """Write down that the task is stopped for its dead letters, unless it is already."""

    async def stops(self, ids: Iterable[TaskId]) -> Mapping[TaskId, str]:
        """Why, of those of these tasks that are stopped and that no operator has let go on."""


class Store(Ledger, Protocol):
    """The database of a keyed service."""

    async def load(self, keys: Sequence[tuple[TaskId, str]]) -> Mapping[tuple[TaskId, str], Entity]:
        """The entities that are known; the others are left out."""

    async def after(self, task: TaskId, entity: str, limit: int) -> Sequence[str]:
        """The task's next entities in key order, without EVERYONE."""

    async def heads(self, task: TaskId) -> Sequence[tuple[str, str, int, str]]:
        """Entity, kind, number and hash of the last entry of each of the task's journals."""

    async def journal(self, kind: str, after: str, limit: int) -> Sequence[Written]:
        """The whole journals of the next entities of all tasks, at most so many of them, in the order of names."""


class Consumer(Protocol):
    """By task: all of a task's topics at once. What is synchronous raises nothing when a partition is gone."""

    def pause(self, task: TaskId) -> None: ...

    def play(self, task: TaskId, offsets: Mapping[str, int]) -> None:
        """Seek every topic's partition to its next offset (0 where none is stored) and resume."""

    async def ends(self, tasks: Iterable[TaskId]) -> Mapping[TaskId, Mapping[str, int]]:
        """The offset that the next record of each of these tasks' topics will get. Raises when the broker is away."""

    async def hints(self, tasks: Iterable[TaskId]) -> Mapping[TaskId, Mapping[str, int]]:
        """What the group was told was consumed, where it was: never more than was committed. Raises likewise."""


class Publisher(Protocol):
    async def send(self, rows: Sequence[Row]) -> tuple[list[RowId], Exception | None]:
        """Which rows were acknowledged whole, and what stopped the others."""

    async def renew(self) -> None:
        """A fresh producer: a rejected batch has spoiled the sequence of the old one."""


class Handler(Protocol):
    """What a service makes of records: it fills drafts and writes nothing itself."""

    async def prepare(self, batch: Sequence[tuple[Draft, Record]]) -> None:
        """Decode, load what is missing, step, and put facts, conclusions and outgoing records into the drafts.

        One bad record never fails its neighbours: it becomes a dead letter in its draft. Raises only for
        infrastructure, and `Refused` for what the store would refuse.
        """

    async def reconsider(self, draft: Draft, refusals: int = 0) -> None:
        """The next chunk of a re-evaluation: what follows `draft.cursor`; None into the cursor at its end.

        `refusals`: how many times the database refused what it came to; each time, up to the fourth, less is tried.
        """

    def bury(self, draft: Draft, record: Record, error: Exception) -> None:
        """The record as a dead letter, original bytes and the reason, and its entity marked incomplete."""
