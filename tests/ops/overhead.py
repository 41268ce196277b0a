"""`python -m tests.ops.overhead`: what counting costs of the time that all else takes.

All four services over a broker and stores in memory: with neither to wait for, the share of counting is as large as it
can be. One run is taken with and without counting, in turns; and since what else a machine does blurs a difference of a
few percent, what the core tells its observer in a run is written down too, and counted alone. CPU time of the process.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Sequence
from typing import Any

from services.classifier.signals import ColourSignals
from services.cli.evaluate import Offline
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from services.ingest.signals import IngestSignals
from services.matching.signals import OfferSignals
from services.quota.signals import QuotaSignals
from shared.logging import configure_console
from shared.metrics import Metrics
from shared.runtime.counting import Counting
from shared.runtime.observer import Nobody, Observer

EVENTS, ROUNDS, AGAIN, STATEMENTS = 1_500, 5, 20, 3
SIGNALS = (IngestSignals, ColourSignals, QuotaSignals, OfferSignals)
"""In the order of the cores of `Offline`."""
Told = tuple[str, tuple[Any, ...]]


def counting() -> list[Observer]:
    """One for each service."""
    made: list[Observer] = []
    for make in SIGNALS:
        watch = Counting(metrics := Metrics())
        watch.signals = [make(None, metrics)]  # type: ignore[arg-type]  # it is never asked to look
        made.append(watch)
    return made


class Writing:
    """An observer that writes down what it is told, with as many statements as a batch takes on PostgreSQL."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        def write(*words: Any) -> None:
            self.told.append((name, words))
            if name == "committed":
                self.told += [("statement", (0.001, False))] * STATEMENTS

        return write


async def spent(lines: Sequence[bytes], observers: Sequence[Any]) -> float:
    """CPU seconds for these events through all services."""
    offline = Offline()
    for (core, _), observer in zip(offline.cores, observers, strict=True):
        core.observer = core.relay.observer = observer
    for number, one in enumerate(lines):
        offline.send("simulated", number, one, "0851")
    gc.collect()
    began = time.process_time()
    await offline.settle()
    return time.process_time() - began


def counted(told: Sequence[Sequence[Told]]) -> float:
    """CPU seconds to count what the observers were told."""
    observers = counting()
    began = time.process_time()
    for observer, lines in zip(observers, told, strict=True):
        for name, words in lines:
            getattr(observer, name)(*words)
    return time.process_time() - began


def measure(events: int = EVENTS, rounds: int = ROUNDS) -> tuple[float, float, float]:
    """Microseconds an event: without counting, with it, and of the counting alone; of each the least of the rounds."""
    lines = [line(event).encode() for event in simulate(5, events=events)]
    writing = [Writing() for _ in SIGNALS]
    asyncio.run(spent(lines, writing))
    without, with_ = [], []
    for _ in range(rounds):
        without.append(asyncio.run(spent(lines, [Nobody()] * len(SIGNALS))))
        with_.append(asyncio.run(spent(lines, counting())))
    alone = [counted([w.told for w in writing]) for _ in range(AGAIN)]
    return min(without) * 1e6 / events, min(with_) * 1e6 / events, min(alone) * 1e6 / events


if __name__ == "__main__":
    configure_console()
    without, with_, alone = measure()
    print(f"without counting {without:.0f} µs an event, with {with_:.0f} µs")  # noqa: T201 - its purpose
    print(f"counting alone {alone:.1f} µs an event: {100 * alone / without:.2f} %")  # noqa: T201 - as above
