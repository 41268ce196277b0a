"""`python -m tests.ops.overhead`: what counting and tracing cost of the time that all else takes.

All four services over a broker and stores in memory: with neither to wait for, the share of either is as large as it
can be. One run is taken with neither and with each, in turns; and since what else a machine does blurs a difference of
a few percent, what the core tells its observer and its tracer in a run is written down too, and counted and traced
alone. CPU time of the process. All is traced, and each span goes to a collector, which is a process of its own.
"""

import asyncio
import gc
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from services.classifier.signals import ColourSignals
from services.cli.evaluate import Offline
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from services.ingest.signals import IngestSignals
from services.matching.signals import OfferSignals
from services.quota.signals import QuotaSignals
from shared.events.topics import SERVICES
from shared.logging import configure_console
from shared.metrics import Metrics
from shared.runtime.contract import Draft, Record
from shared.runtime.counting import Counting
from shared.runtime.observer import Nobody, Observer
from shared.runtime.spans import Spans
from shared.runtime.traces import Traces, Trail
from shared.runtime.tracing import Untraced

EVENTS, ROUNDS, AGAIN, STATEMENTS = 1_500, 5, 20, 3
SIGNALS = (IngestSignals, ColourSignals, QuotaSignals, OfferSignals)
"""In the order of the cores of `Offline`."""
Told = list[Callable[[], Any]]


class Costs(NamedTuple):
    """CPU microseconds an event: with neither, with each, and of each alone. `spans`: how many came, of all rounds."""

    without: float
    counting: float
    tracing: float
    counting_alone: float
    tracing_alone: float
    spans: int


def counting() -> list[Observer]:
    """One for each service."""
    made: list[Observer] = []
    for make in SIGNALS:
        watch = Counting(metrics := Metrics())
        watch.signals = [make(None, metrics)]  # type: ignore[arg-type]  # it is never asked to look
        made.append(watch)
    return made


class Writing:
    """Writes down what it passes on; of a commit also as many statements as a batch takes on PostgreSQL."""

    def __init__(self, to: Any, told: Told) -> None:
        self.to, self.told = to, told

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def write(*words: Any) -> Any:
            self.told.append(lambda: getattr(self.to, name)(*words))
            self.told[-1]()
            if name == "committed":
                self.told += [lambda: self.to.statement(0.001, False)] * STATEMENTS

        return write


class WritingTracer(Writing):
    """And what the handlers ask of the trails of their drafts."""

    def began(self, drafts: Iterable[Draft]) -> None:
        drafts = list(drafts)
        self.told.append(lambda: self.to.began(drafts))
        for draft in drafts:
            draft.trail = WritingTrail(self.to.spans, draft, self.told)


class WritingTrail(Trail):
    def __init__(self, spans: Spans, draft: Draft, told: Told) -> None:
        super().__init__(spans)
        self.draft, self.told = draft, told

    def after(self, records: Sequence[Record]) -> str:
        self.told.append(lambda: self.draft.trail and self.draft.trail.after(records))
        return super().after(records)


async def spent(lines: Sequence[bytes], observers: Sequence[Any], tracers: Sequence[Any]) -> float:
    """CPU seconds for these events through all services."""
    offline = Offline()
    for (core, _), observer, tracer in zip(offline.cores, observers, tracers, strict=True):
        core.observer = core.relay.observer = observer
        core.tracer = tracer
    for number, one in enumerate(lines):
        offline.send("simulated", number, one, "0851")
    gc.collect()
    began = time.process_time()
    await offline.settle()
    flush(tracers)
    return time.process_time() - began


def again(told: Told, tracers: Sequence[Any] = ()) -> float:
    """CPU seconds for what was told."""
    began = time.process_time()
    for tell in told:
        tell()
    flush(tracers)
    return time.process_time() - began


def flush(tracers: Sequence[Any]) -> None:
    """To the last span."""
    for tracer in tracers:
        if isinstance(tracer, Traces):
            tracer.spans.processor.force_flush()


@contextmanager
def collector() -> Iterator[list[int]]:
    """Where spans go to meanwhile; at the end, how many came."""
    came: list[int] = []
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.collector"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process, pytest.MonkeyPatch.context() as environment:
        assert process.stdout is not None
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", process.stdout.readline().strip())
        environment.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100000")  # a round comes at once, and none may be spared
        yield came
        came.append(int(process.communicate()[0]))


def measure(events: int = EVENTS, rounds: int = ROUNDS) -> Costs:
    """Of each the least of the rounds."""
    lines = [line(event).encode() for event in simulate(5, events=events)]
    nobody, untraced = [Nobody()] * len(SIGNALS), [Untraced()] * len(SIGNALS)
    counts, traces = list[Any](), list[Any]()
    costs: list[list[float]] = [[] for _ in range(5)]
    with collector() as came:
        tracers = [Traces(service, f"{service}-1") for service in SERVICES]
        watched, traced = [Writing(o, counts) for o in counting()], [WritingTracer(t, traces) for t in tracers]
        asyncio.run(spent(lines, watched, traced))
        flush(tracers)
        for _ in range(rounds):
            costs[0].append(asyncio.run(spent(lines, nobody, untraced)))
            costs[1].append(asyncio.run(spent(lines, counting(), untraced)))
            costs[2].append(asyncio.run(spent(lines, nobody, tracers)))
        for _ in range(AGAIN):
            costs[3].append(again(counts))
            costs[4].append(again(traces, tracers))
        for tracer in tracers:
            tracer.close()
    return Costs(*(min(cost) * 1e6 / events for cost in costs), came[0])


if __name__ == "__main__":
    configure_console()
    costs = measure()
    lines = (
        f"with neither {costs.without:.0f} µs an event, counted {costs.counting:.0f} µs, traced {costs.tracing:.0f} µs",
        *(
            f"{name} alone {alone:.1f} µs an event: {100 * alone / costs.without:.2f} %"
            for name, alone in (("counting", costs.counting_alone), ("tracing", costs.tracing_alone))
        ),
        f"{costs.spans / (ROUNDS + AGAIN + 1) / EVENTS:.2f} spans an event",
    )
    print("\n".join(lines))  # noqa: T201 - its purpose
