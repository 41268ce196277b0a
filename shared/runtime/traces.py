"""The tracer that traces: which spans there are, and what hangs on what. Imported only where traces are on.

Of a task's batch there is one span, which links to what its records came with. A record has one where its trace goes
on, or where it became a dead letter: the child of what it came with, or else the beginning of a trace. Of what was
thrown away there is none, since it comes again.
"""

from collections.abc import Iterable, Sequence
from time import time_ns

from shared.events.topics import CONTROL
from shared.loglines import fits
from shared.metrics import family
from shared.runtime.contract import EVERYONE, Draft, Record, TaskId
from shared.runtime.spans import Span, Spans, Told, is_sampled
from shared.runtime.tracing import sent_with

LINKS = 128
"""At the most, as OpenTelemetry has it."""
Place = tuple[str, int]
"""Topic and offset: within a task that is one record."""


class Trail:
    """`own`: the batch's trace, of what several traces brought about together: none of them alone is its parent."""

    def __init__(self, spans: Spans) -> None:
        self.spans, self.own = spans, spans.begin()
        self.came: dict[Place, str | None] = {}
        self.goes_on: dict[Place, str] = {}

    def after(self, records: Sequence[Record]) -> str:
        if len(records) == 1:
            return self.of(records[0])
        traces = {(self.came_with(r) or "")[3:35] for r in records}
        return self.of(records[-1]) if len(traces) == 1 and "" not in traces else self.own

    def of(self, record: Record) -> str:
        """The record's own span, begun when it is first asked for."""
        place = place_of(record)
        if place not in self.goes_on:
            self.goes_on[place] = self.spans.begin(self.came_with(record))
        return self.goes_on[place]

    def came_with(self, record: Record) -> str | None:
        place = place_of(record)
        if place not in self.came:
            self.came[place] = sent_with(record)
        return self.came[place]


class Traces:
    """`Tracer` of one process."""

    def __init__(self, service: str, instance: str) -> None:
        self.spans = Spans(service, instance)
        self.opened: dict[TaskId, str] = {}  # the batch that began the re-evaluation under way

    def began(self, drafts: Iterable[Draft]) -> None:
        for draft in drafts:
            draft.trail = Trail(self.spans)

    def ended(self, drafts: Iterable[Draft], batch: Sequence[tuple[Draft, Record]], seconds: float) -> None:
        until = time_ns()
        since = until - int(seconds * 1e9)
        records: dict[TaskId, list[Record]] = {draft.task.id: [] for draft in drafts}
        for draft, record in batch:
            if draft.task.id in records:
                records[draft.task.id].append(record)
        for draft in drafts:
            if isinstance(draft.trail, Trail):
                for span in self.made(draft, draft.trail, records[draft.task.id], since, until):
                    if is_sampled(span.trace):
                        self.spans.send(span)

    def made(self, draft: Draft, trail: Trail, records: Sequence[Record], since: int, until: int) -> Iterable[Span]:
        for record in records:
            dead = place_of(record) in draft.buried
            if dead or place_of(record) in trail.goes_on:
                name, trace, parent = f"process {family(record.topic)}", trail.of(record), trail.came_with(record)
                yield Span(name, trace, since, until, told_of(record, since), parent, (), dead)
        if records or draft.out:
            told: Told = {"messaging.batch.message_count": len(records), "trappetrin.task": draft.task.id}
            name = "process" if records else "reconsider"
            yield Span(name, trail.own, since, until, told, None, self.links(draft, trail, records))

    def links(self, draft: Draft, trail: Trail, records: Sequence[Record]) -> Sequence[str]:
        """A re-evaluation's is the batch that began it, while that is remembered."""
        task = draft.task.id
        came = (trail.came_with(r) or trail.goes_on.get(place_of(r)) for r in records[:LINKS])
        links = [trace for trace in came if trace]
        if not records and task in self.opened:
            links = [self.opened[task]]
        if draft.cursor is None:
            self.opened.pop(task, None)
        elif draft.cursor == EVERYONE and any(r.topic == CONTROL for r in records):
            self.opened[task] = trail.own
        return links

    def close(self) -> None:
        self.spans.close()


def told_of(record: Record, since: int) -> Told:
    """Where it lies, which event of ours it is, and how long it has waited since the broker took it."""
    told: Told = {"trappetrin.place": f"{record.topic}/{record.partition}/{record.offset}"}
    event = next((value for name, value in record.headers if name == "ce_id" and value), b"")
    if fits("event_id", name := event.decode(errors="replace")):
        told["messaging.message.id"] = name
    if record.timestamp > 0:
        told["trappetrin.waited_seconds"] = max(0.0, since / 1e9 - record.timestamp / 1e3)
    return told


def place_of(record: Record) -> Place:
    return record.topic, record.offset
