"""What the services stand on goes and comes back, is slow, or has much waiting: they bear it, and take no more."""

import time
from collections.abc import Iterator, Sequence
from itertools import islice

import pytest

from services.cli.settle import wait_until_settled
from services.cli.system import of
from tests.chaos.audit import Audit, Told, told
from tests.chaos.away import BLOWS, RATE, away, pids, rss, swallowed
from tests.chaos.findings import Findings
from tests.chaos.load import Line, Load, lines_of
from tests.chaos.seen import Live, watch
from tests.chaos.stand import Stand
from tests.e2e.checks import live, published

pytestmark = pytest.mark.timeout(300)
GONE, HALF, SLOW = 10.0, 2_000, 0.1
LONG, PACE = 38.0, 10.0
"""Seconds, more than our own limits of a statement, a send and a batch; lines a second meanwhile."""
SMALL, LARGE = 40.0, 200.0
"""MB: what a process may grow while it can do nothing; what it may have at all with this much waiting."""
DOORS = [(door, side) for door in BLOWS for side in ("1", "2")]


class Year:
    """One year in parts, each sent by another test, and what was sent of it."""

    def __init__(self) -> None:
        events = round(GONE * RATE + 2 * HALF + len(DOORS) * LONG * PACE)
        self.rest, self.told = iter(lines_of(23, events)), Told([], {}, {})

    def part(self, size: float) -> Sequence[Line]:
        return list(islice(self.rest, round(size)))

    def sent(self, load: Load) -> None:
        now, before = told(load), self.told
        self.told = Told([*before.lines, *now.lines], before.sent | now.sent, before.poison | now.poison)

    def publish(self, stand: Stand) -> None:
        lines = self.part(HALF)
        published(stand, lines)
        self.told = Told([*self.told.lines, *lines], self.told.sent, self.told.poison)


@pytest.fixture(scope="module")
def year(stand: Stand) -> Iterator[Year]:
    """What was sent has had its effect in the end, once, whatever was done."""
    year, found = Year(), Findings()
    watch(stand.dsn)

    yield year

    wait_until_settled(of(stand), limit=100)
    Audit(Live(of(stand), stand.dsn), year.told, found).run()

    assert found.told() == {what: [] for what in found.told()}


@pytest.mark.parametrize("what", BLOWS)
def test_what_goes_and_comes_back_needs_no_help(stand: Stand, year: Year, what: str) -> None:
    load = Load(of(stand), year.part(GONE * RATE) if what == "postgres" else [], RATE)
    outage = away(stand, what, GONE, load)
    year.sent(load)

    assert load.problems() == []
    assert outage.ended == []
    assert outage.unready < 10
    assert outage.level < 10
    assert outage.lines < 20
    assert outage.grown < SMALL


@pytest.mark.parametrize(("door", "side"), DOORS)
def test_what_is_swallowed_for_long_and_lost_needs_no_help(stand: Stand, year: Year, door: str, side: str) -> None:
    load = Load(of(stand), year.part(LONG * PACE), PACE)
    outage = swallowed(stand, door, side, LONG, load)
    year.sent(load)

    assert load.problems() == []
    assert outage.limits > 0 or door == "kafka"  # there the group's session ends first, and its tasks are others'
    assert outage.ended == []
    assert outage.unready < LONG
    assert outage.level < 20


def test_a_backlog_fills_no_memory(stand: Stand, year: Year) -> None:
    names = ("quota-1", "quota-2")
    stand.kill(*names)
    year.publish(stand)
    stand.revive(*names)
    wait_until_settled(of(stand), limit=100)

    assert {n: size for n in names if (size := rss(pids(stand)[n], "VmHWM")) > LARGE} == {}


def test_a_slow_database_slows_the_intake(stand: Stand, year: Year) -> None:
    before = {name: rss(pid) for name, pid in pids(stand).items()}
    stand.wire.set(lambda name: name.startswith("postgres"), delay=SLOW)
    year.publish(stand)
    peak = dict(before)
    until = time.monotonic() + GONE
    while time.monotonic() < until:
        peak = {name: max(size, rss(pids(stand)[name])) for name, size in peak.items()}
        time.sleep(0.2)
    stand.wire.set(lambda _name: True)

    assert {name: size for name, size in peak.items() if size - before[name] > SMALL} == {}
    assert live(stand)["afdelinger"]
