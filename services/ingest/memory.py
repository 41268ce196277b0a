"""The store of ingest in memory: the same contract as `store.py`, for the offline evaluation, tests and simulation."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from services.ingest.contract import Contended, Crowd, Discarded, Intake, Kept, RefusedEvent, Waiting
from services.ingest.domain import FactId, Known, Subject
from shared.events.inbound import DayClosed
from shared.runtime.contract import Draft, Row, TaskId
from shared.runtime.memory import MemoryOutbox


class MemoryIngestStore(MemoryOutbox):
    """Every method is atomic, since none waits for anything."""

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[FactId, Kept] = {}
        self.everything = Known()
        self.refusals: dict[str, RefusedEvent] = {}
        self.waits: dict[TaskId, dict[FactId, Kept]] = {}
        self.unwanted: dict[FactId, str] = {}

    async def commit(self, drafts: Sequence[Draft]) -> set[TaskId]:
        won = [d for d in drafts if self.tasks[d.task.id].version == d.task.version]
        leans = set[TaskId]().union(*(intake(d).leans for d in drafts))
        if leans and (len(won) < len(drafts) or not leans <= {d.task.id for d in won}):
            return set()
        self.check(won)
        rows = self.packed(drafts)
        for draft in won:
            self.write(draft, rows[draft.task.id])
        return {d.task.id for d in won}

    def check(self, drafts: Sequence[Draft]) -> None:
        facts = [k.id for d in drafts for k in intake(d).facts]
        fixed = [(about, name) for d in drafts for about, name, _ in intake(d).fixed]
        taken = self.facts.keys() & set(facts) or self.everything.fixed.keys() & set(fixed)
        if taken or len(set(facts)) < len(facts) or len(set(fixed)) < len(fixed):
            raise Contended(f"taken meanwhile: {min(taken, default=None)}")

    def write(self, draft: Draft, rows: Iterable[Row]) -> None:
        self.advance(draft, rows)
        for kept in intake(draft).facts:
            self.facts[kept.id] = kept
            self.everything.learn(kept.fact, kept.content)
            if kept.parked:
                self.waits.setdefault(draft.task.id, {})[kept.id] = kept
        for id_ in intake(draft).released:
            self.facts[id_] = self.waits[draft.task.id].pop(id_)._replace(parked=False)
        for refusal in intake(draft).refusals:
            self.refusals.setdefault(refusal.identity, refusal)
        for _, *place in draft.mended:
            self.refusals = {i: r for i, r in self.refusals.items() if r.origin[:3] != tuple(place)}
        for id_ in intake(draft).discarded:
            self.forget(draft.task.id, id_)

    def forget(self, task: TaskId, id_: FactId) -> None:
        """As if it had never come."""
        del self.facts[id_], self.everything.contents[id_], self.unwanted[id_], self.waits[task][id_]
        if not any(i[:2] == id_[:2] for i in self.facts):
            self.everything.fixed = {f: v for f, v in self.everything.fixed.items() if f[0] != id_[:2]}

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

    async def discards(self, task: TaskId, limit: int) -> list[Discarded]:
        waits = sorted(self.waits.get(task, {}).values(), key=lambda k: k.origin.offset)
        return [Discarded(k, self.unwanted[k.id]) for k in waits if k.id in self.unwanted][:limit]

    async def waiting(self) -> Mapping[TaskId, int]:
        unwanted = {task: sum(i in self.unwanted for i in waits) for task, waits in self.waits.items()}
        return {task: n for task in self.waits if (n := unwanted[task] + sum(1 for _ in self.ready(task)))}

    def ready(self, task: TaskId) -> Iterable[Kept]:
        waits = (k for k in self.waits.get(task, {}).values() if k.id not in self.unwanted)
        return (k for k in waits if self.everything.registered(k.fact.about() or ""))

    async def last_closed(self) -> int | None:
        return max((k.fact.revision for k in self.facts.values() if k.fact.kind == DayClosed.kind), default=None)

    async def refused(self) -> int:
        return len(self.refusals)

    async def parked(self, limit: int) -> list[Waiting]:
        return sorted(
            (waiting(k) for w in self.waits.values() for k in w.values()), key=lambda w: (w.since, w.event_id)
        )[:limit]

    async def crowds(self) -> list[Crowd]:
        found: dict[tuple[str, str], list[Waiting]] = {}
        for one in await self.parked(len(self.facts)):
            found.setdefault((one.afdeling[:4], one.type), []).append(one)
        crowds = [
            Crowd(*group, len(every), len({w.afdeling for w in every}), every[0].since)
            for group, every in found.items()
        ]
        return sorted(crowds, key=lambda c: (-c.events, c.organisation, c.type))


def intake(draft: Draft) -> Intake:
    extra = draft.extra
    return extra if isinstance(extra, Intake) else Intake()


def waiting(kept: Kept) -> Waiting:
    return Waiting(
        kept.fact.about() or "",
        kept.origin.event_id or "",
        kept.origin.event_type or "",
        kept.recorded_at,
        *kept.origin[:3],
    )
