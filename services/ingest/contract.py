"""What ingest asks of its store, and the rows that pass between them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from services.ingest.domain import FactId, Known, Subject, fact_id, fixed, subject
from shared.events.inbound import Inbound
from shared.runtime.contract import TaskId


class Origin(NamedTuple):
    """Where an inbound record came from, and what it called itself where that could be read. `trace`: which it is of,
    while anything is traced.
    """

    topic: str
    partition: int
    offset: int
    source: str | None = None
    event_id: str | None = None
    event_type: str | None = None
    trace: str | None = None

    @property
    def task(self) -> TaskId:
        return task_of(self.topic, self.partition)

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


def task_of(topic: str, partition: int) -> TaskId:
    """A task of ingest is one partition of one inbound topic."""
    return f"{topic}/{partition}"


class Kept(NamedTuple):
    """An accepted fact as it is kept for ever. `content` is its hash; `parked` while its afdeling is not registered."""

    fact: Inbound
    content: str
    origin: Origin
    recorded_at: datetime
    parked: bool

    @property
    def id(self) -> FactId:
        return fact_id(self.fact)


class RefusedEvent(NamedTuple):
    """A refused event; of one identity the first is kept."""

    identity: str
    origin: Origin
    field: str
    rule: str
    value: str | None
    recorded_at: datetime


class Waiting(NamedTuple):
    """A parked event, as it is listed; topic, partition and offset are where its bytes lie."""

    afdeling: str
    event_id: str
    type: str
    since: datetime
    topic: str
    partition: int
    offset: int


class Crowd(NamedTuple):
    """How many parked events of one type wait for afdelinger of one organisation, and since when the first does."""

    organisation: str
    type: str
    events: int
    afdelinger: int
    since: datetime


class Discarded(NamedTuple):
    """A parked fact that an operator discards, and why."""

    kept: Kept
    why: str


@dataclass(slots=True)
class Intake:
    """What a draft of ingest writes besides offsets and outbox (`Draft.extra`).

    `leans`: the other tasks of the batch by whose facts something here was judged: it stands or falls with them.
    `fates`: how many events met which fate, to be counted.
    """

    facts: list[Kept] = field(default_factory=list)
    fixed: list[tuple[Subject, str, str]] = field(default_factory=list)
    refusals: list[RefusedEvent] = field(default_factory=list)
    released: list[FactId] = field(default_factory=list)
    discarded: list[FactId] = field(default_factory=list)
    leans: set[TaskId] = field(default_factory=set)
    fates: Counter[str] = field(default_factory=Counter)

    def keep(self, kept: Kept, known: Known) -> None:
        """The fact, and what it is the first to fix."""
        about = subject(kept.fact)
        self.fixed += [(about, name, value) for name, value in fixed(kept.fact) if (about, name) not in known.fixed]
        self.facts.append(kept)


class Contended(Exception):
    """Another process accepted a fact of the same key in this very moment: nothing was written, decide anew.

    Not the data's fault, so not `Refused`: the core drops the tasks and claims them anew, as after any disturbance.
    """


class IngestStore(Protocol):
    """What the handler asks beside what the core asks (`claim`, `commit`, `pending`, `delete`): one statement each.

    Its `commit` writes the drafts' `Intake` too. Where one of them leans on another task, all are written or none, and
    none when that task is not among them. It raises `Contended` when a key, or what a key fixes, was taken meanwhile.
    """

    async def known(self, ids: Collection[FactId], afdelinger: Collection[str]) -> Known:
        """What is known of these facts, of what their subjects fix, and of the registrations of these afdelinger."""

    async def releasable(self, task: TaskId, limit: int) -> Sequence[Kept]:
        """The task's parked facts whose afdeling is registered now, in the order in which they came; discarded ones are
        left out.
        """

    async def waiting(self) -> Mapping[TaskId, int]:
        """How many facts each task has to release or to discard; tasks that have none are left out."""

    async def discards(self, task: TaskId, limit: int) -> Sequence[Discarded]:
        """The task's parked facts that an operator has discarded and that are still there."""

    async def last_closed(self) -> int | None:
        """The number of the last day that was closed; None while none was."""

    async def refused(self) -> int:
        """Distinct refused events."""

    async def parked(self, limit: int) -> Sequence[Waiting]:
        """Parked facts, the oldest first."""

    async def crowds(self) -> Sequence[Crowd]:
        """All parked facts, counted."""
