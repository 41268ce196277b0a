"""Every point at which a process may die × every service × restart: nothing is lost, nothing happens twice."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from services.cli.evaluate import Offline
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from services.cli.system import of
from shared.events.topics import SERVICES
from shared.runtime.views import State
from tests.chaos.audit import Audit, Told
from tests.chaos.findings import Findings
from tests.chaos.seen import Live, watch
from tests.chaos.service import POINTS
from tests.chaos.stand import Stand
from tests.e2e.checks import live, published

pytestmark = pytest.mark.timeout(300)
TABLE = [(service, point) for point in POINTS for service in SERVICES]
EVENTS, FIRST, LOT, PATIENCE = 8_000, 700, 60, 1.0
"""Events of the year; of them before the first case, so that afdelinger are registered; at once, until the point is
met; seconds between.
"""
Lot = list[tuple[str, int, bytes]]


class Year:
    """A year in lots, and what follows from those that were told."""

    def __init__(self) -> None:
        events = simulate(5, events=EVENTS)
        self.lines = [("simulated", n, line(event).encode()) for n, event in enumerate(events, 1)]
        self.offline, self.told, self.runner = Offline(), 0, asyncio.Runner()

    def lot(self, size: int) -> Lot:
        lot = self.lines[self.told : self.told + size]
        self.told += size
        for file, number, text in lot:
            self.offline.send(file, number, text, "0851")
        return lot

    def expected(self) -> State:
        async def settled() -> State:
            await self.offline.settle()
            return {**await self.offline.state(), "refused": None}

        return self.runner.run(settled())

    def found(self, stand: Stand) -> Findings:
        """Of all that was told: facts, receipts, versions, journals, dead letters, and what went back on the way."""
        audit = Audit(Live(of(stand), stand.dsn), Told(self.lines[: self.told], {}, {}), Findings())
        audit.offline = self.offline
        audit.hold(self.expected())
        return audit.found


@pytest.fixture(scope="module")
def year(stand: Stand) -> Iterator[Year]:
    year = Year()
    watch(stand.dsn)
    published(stand, year.lot(FIRST))

    assert live(stand) == year.expected()

    yield year

    found = year.found(stand)
    year.runner.close()

    assert found.told() == {what: [] for what in found.told()}


@pytest.mark.parametrize(("service", "point"), TABLE, ids=[f"{p} of {s}" for s, p in TABLE])
def test_a_process_that_dies_here_changes_nothing(stand: Stand, year: Year, service: str, point: str) -> None:
    name = f"{service}-1"
    before = stand.process(name)
    assert before is not None

    stand.order(name, "kill", point)
    while before.alive and (lot := year.lot(LOT)):
        published(stand, lot)
        deadline = time.monotonic() + PATIENCE
        while before.alive and time.monotonic() < deadline:
            time.sleep(0.02)

    assert not before.alive, f"{name} never came to {point}"

    stand.revive(name)

    assert live(stand) == year.expected()
