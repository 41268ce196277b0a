"""Each guard of the core and the relay, and how to take it out of one process, to see that the simulation notices."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shared.runtime import deadletters
from shared.runtime.contract import Draft, Record, Refused, RowId, TaskId

if TYPE_CHECKING:
    from tests.simulation.replica import Replica

GUARDS = (
    "version compare-and-swap",
    "offset filter",
    "gap rule",
    "version filter",
    "delete by acknowledged id",
    "outbox read after every claim",
    "producer renewed",
    "halving",
    "claim raises the version",
    "cache only of the version before",
    "drop after an unknown commit",
    "size check",
)
LARGEST = deadletters.LARGEST


def take_out(replica: "Replica", guard: str) -> None:
    """Nothing for the empty name. The version filter is a reader's: see the checks."""
    deadletters.LARGEST = 10**9 if guard == "size check" else LARGEST
    if surgeon := SURGEONS.get(guard):
        surgeon(replica)


def no_compare(replica: "Replica") -> None:
    async def written(drafts: Sequence[Draft]) -> set[TaskId]:
        for draft in drafts:
            replica.world.store.write(draft, draft.rows())
        return {d.task.id for d in drafts}

    replica.core.store.written = written


def no_offset_filter(replica: "Replica") -> None:
    core, is_next = replica.core, replica.core.is_next
    core.is_next = lambda draft, record: record.offset < draft.offsets.get(record.topic, 0) or is_next(draft, record)


def no_gap_rule(replica: "Replica") -> None:
    replica.core.is_next = lambda draft, record: record.offset >= draft.offsets.get(record.topic, 0)


def no_delete_by_id(replica: "Replica") -> None:
    async def delete(ids: Sequence[RowId]) -> None:
        await replica.gate(0.05)
        tasks = {i.task for i in ids}
        for row_id in [i for i in replica.world.store.outbox if i.task in tasks]:
            del replica.world.store.outbox[row_id]

    replica.relay.store.delete = delete


def no_read_after_claim(replica: "Replica") -> None:
    replica.relay.take_over = replica.relay.tasks.add


def no_renewal(replica: "Replica") -> None:
    async def renew() -> None:
        await replica.gate(0.2, 0.5)

    replica.relay.publisher.renew = renew


def no_halving(replica: "Replica") -> None:
    core, attempt = replica.core, replica.core.attempt

    async def whole(records: Sequence[Record], *, alone: bool = False) -> None:
        try:
            await core.apply(records, alone=alone)
        except Refused:
            for task in sorted({core.task_of(r.topic, r.partition) for r in records}):
                core.drop(task, "refused")
        except Exception:  # noqa: BLE001 - all else as always
            await attempt(records)

    core.attempt = whole


def no_raised_version(replica: "Replica") -> None:
    store, core = replica.world.store, replica.core

    async def claim(ids: Any) -> Any:
        await replica.gate(0.05)
        claimed = await store.claim(sorted(ids))
        for task in claimed.values():
            store.tasks[task.id].version -= 1
            task.version -= 1
        await replica.gate(0.05)
        return claimed

    core.store.claim = claim


def no_version_of_cache(replica: "Replica") -> None:
    core, claim = replica.core, replica.core.claim

    async def trusting() -> None:
        known = dict(core.known)
        before = set(core.tasks)
        await claim()
        for name in core.tasks.keys() - before:
            if kept := known.get(name):
                core.tasks[name].cache = kept.cache

    core.claim = trusting


def no_drop_after_fault(replica: "Replica") -> None:
    core, drop = replica.core, replica.core.drop

    def careless(task_id: TaskId, why: str, **told: object) -> None:
        if why != "fault":
            drop(task_id, why, **told)

    core.drop = careless


SURGEONS = {
    "version compare-and-swap": no_compare,
    "offset filter": no_offset_filter,
    "gap rule": no_gap_rule,
    "delete by acknowledged id": no_delete_by_id,
    "outbox read after every claim": no_read_after_claim,
    "producer renewed": no_renewal,
    "halving": no_halving,
    "claim raises the version": no_raised_version,
    "cache only of the version before": no_version_of_cache,
    "drop after an unknown commit": no_drop_after_fault,
}
