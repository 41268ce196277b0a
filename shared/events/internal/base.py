"""What the services tell one another, and everyone who listens: recorded facts, and what a service concludes.

Every internal event names its entity and carries that entity's `version`; a consumer ignores what is not newer than
what it has. Of a fact the version is the sender's revision; of a conclusion its one writer counts 1, 2, 3 …
`recorded_at` is ingest's clock. Producers are strict, consumers read with `tolerant` (unknown fields ignored).
"""

from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import Field

from shared.events.inbound import Inbound
from shared.events.values import Id, Instant, Strict, Text

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
    """What a service concludes of an entity: whole, so that one event is enough to know it.

    `stated`: it is the last word in its slot, and the next one is compared with it; otherwise it is only ever added.
    `beside`: the fields in which a difference alone makes no new version.
    """

    kind: ClassVar[str]
    stated: ClassVar[bool] = True
    beside: ClassVar[frozenset[str]] = frozenset({"version", "recorded_at"})
    version: int = 0
    recorded_at: Instant

    def entity(self) -> str:
        """Whom it is about or addressed to, mostly an afdeling; also the topic's key."""
        raise NotImplementedError

    def key(self) -> str:
        """Which of the entity's conclusions of this kind; empty where there is one."""
        return ""

    def content(self) -> dict[str, Any]:
        """What must differ for a new version to be published."""
        return {n: v for n, v in self if n not in self.beside}

    def following(self, before: Self | None) -> Self:
        """The same as the next version after `before`, with what changed."""
        return self.model_copy(update={"version": before.version + 1 if before else 1})

    def renewed(self, before: Self | None) -> Self:
        """The next version, or `before` itself where this says the same."""
        return before if before and before.content() == self.content() else self.following(before)


class Chained(Conclusion):
    """An entry of an entity's journal: numbered without gaps, each with the hash of the one before.

    `previous` is the SHA-256 of the former entry's bytes as published, empty for the first.
    """

    beside: ClassVar[frozenset[str]] = Conclusion.beside | {"number", "previous"}
    number: int = 0
    previous: str = ""

    def thing(self) -> str:
        """What the entry is about, within the entity and the kind."""
        raise NotImplementedError

    def step(self) -> int:
        """Which entry about that thing: 1, 2, 3 … without gaps; the database holds it."""
        raise NotImplementedError

    def takes_back(self) -> int | None:
        """The number of the entry that this one reverses, in a ledger."""
        return None


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
