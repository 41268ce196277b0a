"""Guards of the real core, relay and store, and how to take one out of a process, to see that the run notices."""

from collections.abc import Callable

from services.ingest import store as ingest
from shared.runtime import keyed, postgres
from shared.runtime.contract import Entity, Fact, TaskId
from shared.runtime.relay import Relay

COMPARE = "WHERE t.version = d.expected "


def no_compare() -> None:
    """Whoever comes writes, whatever version he expected."""
    for module in (postgres, ingest):
        if COMPARE not in module.COMMIT:
            raise ValueError(f"{module.__name__}.COMMIT has no {COMPARE!r} to take out")
        module.COMMIT = module.COMMIT.replace(COMPARE, "")


def no_version_filter() -> None:
    """What comes last stands."""

    def fold(entity: Entity, fact: Fact) -> bool:
        entity.facts[fact.slot] = fact
        return True

    keyed.fold = fold


def no_drain() -> None:
    """What the one before us committed and did not publish is nobody's business."""

    def take_over(relay: Relay, task: TaskId) -> None:
        relay.tasks.add(task)

    Relay.take_over = take_over


GUARDS: dict[str, Callable[[], None]] = {
    "version compare-and-swap": no_compare,
    "version filter": no_version_filter,
    "outbox read after every claim": no_drain,
}
