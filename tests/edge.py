"""An edge: the real handler and a real store, and of the core only what one process with every task does."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from services.ingest.contract import task_of
from services.ingest.memory import MemoryIngestStore
from services.ingest.service import IngestHandler
from shared.runtime.contract import Draft, Outgoing, Record, Task

ORG, FACTS, REPLIES = "org.0123.in.v1", "municipality.0851.facts.in.v1", "municipality.0851.replies.in.v1"
STRUCTURED = (("content-type", b"application/cloudevents+json"),)
BASIS: dict[str, dict[str, Any]] = {
    "afdeling.registered": {
        "afdeling_id": "0123-001", "organisation_id": "0123", "name": "Opdigtet", "municipality": "0851",
        "valid_from": "2024-01-01", "family_homes": 60, "area_id": None, "flexible_letting": None,
    },
    "vacancy.reported": {
        "vacancy_id": "v1", "afdeling_id": "0123-001", "dwelling": "family", "reason": "external", "rooms": 1,
        "area_m2": "42", "rent_monthly": "3500", "vacant_from": "2025-01-01",
    },
    "vacancy.cancelled": {"vacancy_id": "v1", "afdeling_id": "0123-001", "revision": 2},
    "offer.submitted": {
        "offer_id": "o1", "vacancy_id": "v1", "afdeling_id": "0123-001", "submitted_on": "2025-01-02",
    },
    "offer.withdrawn": {"offer_id": "o1", "afdeling_id": "0123-001", "revision": 2},
    "offer.assigned": {"offer_id": "o1", "afdeling_id": "0123-001", "on": "2025-01-03", "decision_version": 1},
    "offer.resolved": {
        "offer_id": "o1", "afdeling_id": "0123-001", "outcome": "accepted", "resolves": ["rent_missing"],
        "reason": "kendt", "proposed_by": "m1", "approved_by": "m2",
    },
    "placement.decided": {
        "placement_id": "p1", "afdeling_id": "0123-001", "colour": "red", "valid_from": "2025-01-01", "valid_to": None,
        "reason": "uro", "proposed_by": "m1", "approved_by": "m2",
    },
    "indicator.observed": {
        "subject": {"kind": "afdeling", "id": "0123-001"}, "source": "lbf", "indicator": "income",
        "as_of": "2024-01-01", "effective_from": "2024-05-01", "value": "84",
    },
    "reference.published": {"indicator": "convicted", "list_date": "2024-12-01", "national_average": "0.78"},
    "afdeling.succeeded": {"to": "0123-002", "on": "2026-01-01", "from": ["0123-001"]},
    "organisation.registered": {"organisation_id": "0123", "name": "Opdigtet", "cvr": "12345678"},
}  # fmt: skip


class Going(NamedTuple):
    """A trail on which all goes on in one trace."""

    trace: str

    def after(self, records: Sequence[Record]) -> str:
        return self.trace


class Edge:
    """`send` is one batch of records, one for each event, and gives their receipts; `out` is all that was published.
    `trace`: of which all is that comes in meanwhile.
    """

    def __init__(self, store: Any = None) -> None:
        self.store, self.now = store or MemoryIngestStore(), datetime(2026, 1, 2, 8, tzinfo=UTC)
        self.handler = IngestHandler(self.store, self.clock)
        self.tasks: dict[str, Task] = {}
        self.ends: dict[str, int] = {}
        self.out: list[tuple[str, Outgoing]] = []
        self.count = 0
        self.trace: str | None = None

    def clock(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def event(self, kind: str, event_id: str | None = None, *, without: Iterable[str] = (), **data: Any) -> bytes:
        """A line as a sender writes it: the basis of its kind, with other data."""
        self.count += 1
        told = {k: v for k, v in (BASIS.get(kind, {}) | data).items() if k not in without}
        event_type = f"dk.trappetrin.{kind}.v1"
        return json.dumps(
            {"specversion": "1.0", "id": event_id or f"e{self.count}", "source": "s", "type": event_type, "data": told}
        ).encode()

    def record(self, topic: str, value: bytes | None, partition: int = 0, headers: Any = STRUCTURED) -> Record:
        task = task_of(topic, partition)
        offset = self.ends.setdefault(task, 0)
        self.ends[task] += 1
        return Record(topic, partition, offset, b"k", value, headers)

    async def send(self, topic: str, *lines: bytes | None, partition: int = 0) -> list[dict[str, Any]]:
        return await self.batch([self.record(topic, line, partition) for line in lines])

    async def batch(self, records: Sequence[Record]) -> list[dict[str, Any]]:
        drafts = await self.drafts({task_of(r.topic, r.partition) for r in records})
        for r in records:
            drafts[task_of(r.topic, r.partition)].offsets[r.topic] = r.offset + 1
        await self.handler.prepare([(drafts[task_of(r.topic, r.partition)], r) for r in records])
        return await self.commit(drafts.values())

    async def release(self) -> list[dict[str, Any]]:
        """As the timer does: the receipts of all that could be released."""
        receipts = []
        while waiting := await self.handler.waiting():
            drafts = await self.drafts(waiting)
            for draft in drafts.values():
                await self.handler.reconsider(draft)
            receipts += await self.commit(drafts.values())
        return receipts

    async def drafts(self, tasks: Iterable[str]) -> dict[str, Draft]:
        self.tasks |= await self.store.claim(set(tasks) - self.tasks.keys())
        drafts = {t: Draft(self.tasks[t], dict(self.tasks[t].offsets), self.tasks[t].cursor) for t in tasks}
        for draft in drafts.values():
            draft.trail = Going(self.trace) if self.trace else None
        return drafts

    async def commit(self, drafts: Iterable[Draft]) -> list[dict[str, Any]]:
        receipts: list[dict[str, Any]] = []
        drafts = list(drafts)
        won = await self.store.commit(drafts)
        for draft in drafts:
            assert draft.task.id in won
            draft.task.version += 1
            draft.task.offsets, draft.task.cursor = draft.offsets, draft.cursor
            for row in draft.rows():
                self.out += [(row.id.topic, o) for o in row.records]
                if ".receipts." in row.id.topic:
                    receipts += [json.loads(o.value or b"") for o in row.records]
        return receipts

    def published(self, topic: str) -> list[tuple[int, dict[str, Any]]]:
        """Partition and data of what was published on the topic."""
        return [(o.partition, json.loads(o.value or b"")) for t, o in self.out if t == topic]


def fates(receipts: list[dict[str, Any]]) -> list[str]:
    return [r["fate"] for r in receipts]
