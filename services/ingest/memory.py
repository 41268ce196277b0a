"""The store of ingest in memory: the same contract as `store.py`, for the offline evaluation, tests and simulation."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from services.ingest.contract import Contended, Intake, Kept, RefusedEvent, Waiting
from services.ingest.domain import FactId, Known, Subject
from shared.events.inbound import DayClosed
from shared.runtime.contract import Draft, TaskId
from shared.runtime.memory import MemoryOutbox


class MemoryIngestStore(MemoryOutbox):
    """Every method is atomic, since none waits for anything."""

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[FactId, Kept] = {}
        self.everything = Known()
        self.refusals: dict[str, RefusedEvent] = {}
        self.waits: dict[TaskId, dict[FactId, Kept]] = {}

    async def commit(self, drafts: Sequence[Draft]) -> set[TaskId]:
        won = [d for d in drafts if self.tasks[d.task.id].version == d.task.version]
        leans = set[TaskId]().union(*(intake(d).leans for d in drafts))
        if leans and (len(won) < len(drafts) or not leans <= {d.task.id for d in won}):
            return set()
        self.check(won)
        for draft in won:
            self.write(draft)
        return {d.task.id for d in won}

    def check(self, drafts: Sequence[Draft]) -> None:
        facts = [k.id for d in drafts for k in intake(d).facts]
        fixed = [(about, name) for d in drafts for about, name, _ in intake(d).fixed]
        taken = self.facts.keys() & set(facts) or self.everything.fixed.keys() & set(fixed)
        if taken or len(set(facts)) < len(facts) or len(set(fixed)) < len(fixed):
            raise Contended(f"taken meanwhile: {min(taken, default=None)}")

    def write(self, draft: Draft) -> None:
        self.advance(draft)
        for kept in intake(draft).facts:
            self.facts[kept.id] = kept
            self.everything.learn(kept.fact, kept.content)
            if kept.parked:
                self.waits.setdefault(draft.task.id, {})[kept.id] = kept
        for id_ in intake(draft).released:
            self.facts[id_] = self.waits[draft.task.id].pop(id_)._replace(parked=False)
        for refusal in intake(draft).refusals:
            self.refusals.setdefault(refusal.identity, refusal)

    async def known(self, ids: Collection[FactId], afdelinger: Collection[str]) -> Known:
        subjects: set[Subject] = {(sequence, key) for sequence, key, _ in ids}
        every = self.everything
        fixed = ((about, name) for about in subjects for name in ("afdeling_id", "vacancy_id"))
        return Known(
            {i: every.contents[i] for i in ids if i in every.contents},
            {f: every.fixed[f] for f in fixed if f in every.fixed},
            {a: dict(every.registrations[a]) for a in afdelinger if a in every.registrations},
        )

    async def releasable(self, task: TaskId, limit: int) -> list[Kept]:
        return sorted(self.ready(task), key=lambda k: k.origin.offset)[:limit]

    async def waiting(self) -> Mapping[TaskId, int]:
        return {task: n for task in self.waits if (n := sum(1 for _ in self.ready(task)))}

    def ready(self, task: TaskId) -> Iterable[Kept]:
        return (k for k in self.waits.get(task, {}).values() if self.everything.registered(k.fact.about() or ""))

    async def last_closed(self) -> int | None:
        return max((k.fact.revision for k in self.facts.values() if k.fact.kind == DayClosed.kind), default=None)

    async def refused(self) -> int:
        return len(self.refusals)

    async def parked(self, limit: int) -> list[Waiting]:
        return sorted(
            (waiting(k) for w in self.waits.values() for k in w.values()), key=lambda w: (w.since, w.event_id)
        )[:limit]


def intake(draft: Draft) -> Intake:
    extra = draft.extra
    return extra if isinstance(extra, Intake) else Intake()


def waiting(kept: Kept) -> Waiting:
    return Waiting(kept.fact.about() or "", kept.origin.event_id or "", kept.origin.event_type or "", kept.recorded_at)
