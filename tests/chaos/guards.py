"""Guards of the real core, relay and store, and how to take one out of a process, to see that the run notices."""

from collections.abc import Callable
from typing import Any

from services.ingest import store as ingest
from shared.runtime import keyed, postgres
from shared.runtime.contract import Draft, Entity, Fact, Record, TaskId
from shared.runtime.core import Core
from shared.runtime.relay import Relay


def no_compare() -> None:
    """Whoever comes writes, whatever version he expected."""
    for module in (postgres, ingest):
        without(module, "COMMIT", "WHERE t.version = d.expected ", "")


def no_raised_version() -> None:
    """A claim leaves the version as it is, so whoever had the task before can go on writing."""
    without(postgres, "CLAIM", "SET version = task.version + 1", "SET version = task.version")


def no_version_filter() -> None:
    """What comes last stands."""

    def fold(entity: Entity, fact: Fact) -> bool:
        entity.facts[fact.slot] = fact
        return True

    keyed.fold = fold


def no_offset_filter() -> None:
    """What was consumed is consumed again."""
    is_next = Core.is_next

    def careless(core: Core, draft: Draft, record: Record) -> bool:
        return record.offset < draft.offsets.get(record.topic, 0) or is_next(core, draft, record)

    Core.is_next = careless


def no_drain() -> None:
    """What the one before us committed and did not publish is nobody's business."""

    def take_over(relay: Relay, task: TaskId) -> None:
        relay.tasks.add(task)

    Relay.take_over = take_over


def without(module: Any, name: str, part: str, instead: str) -> None:
    text = getattr(module, name)
    if part not in text:
        raise ValueError(f"{module.__name__}.{name} has no {part!r} to take out")
    setattr(module, name, text.replace(part, instead))


GUARDS: dict[str, Callable[[], None]] = {
    "version compare-and-swap": no_compare,
    "claim raises the version": no_raised_version,
    "version filter": no_version_filter,
    "offset filter": no_offset_filter,
    "outbox read after every claim": no_drain,
}
