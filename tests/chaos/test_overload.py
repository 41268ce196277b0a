"""What the services stand on goes and comes back, is slow, or has much waiting: they bear it, and take no more."""

import time

import pytest

from services.cli.settle import wait_until_settled
from services.cli.system import of
from tests.chaos.away import BLOWS, away, pids, rss
from tests.chaos.load import lines_of
from tests.chaos.stand import Stand
from tests.e2e.checks import live, published

pytestmark = pytest.mark.timeout(300)
GONE, EVENTS, SLOW = 10.0, 4_000, 0.1
LINES = lines_of(23, EVENTS)
SMALL, LARGE = 40.0, 200.0
"""MB: what a process may grow while it can do nothing; what it may have at all with this much waiting."""


@pytest.mark.parametrize("what", BLOWS)
def test_what_goes_and_comes_back_needs_no_help(stand: Stand, what: str) -> None:
    outage = away(stand, what, GONE)

    assert outage.ended == []
    assert outage.unready < 10
    assert outage.level < 10
    assert outage.lines < 20
    assert outage.grown < SMALL


def test_a_backlog_fills_no_memory(stand: Stand) -> None:
    names = ("quota-1", "quota-2")
    stand.kill(*names)
    published(stand, LINES[: EVENTS // 2])
    stand.revive(*names)
    wait_until_settled(of(stand), limit=100)

    assert {n: size for n in names if (size := rss(pids(stand)[n], "VmHWM")) > LARGE} == {}


def test_a_slow_database_slows_the_intake(stand: Stand) -> None:
    before = {name: rss(pid) for name, pid in pids(stand).items()}
    stand.wire.set(lambda name: name.startswith("postgres"), delay=SLOW)
    published(stand, LINES[EVENTS // 2 :])
    peak = dict(before)
    until = time.monotonic() + GONE
    while time.monotonic() < until:
        peak = {name: max(size, rss(pids(stand)[name])) for name, size in peak.items()}
        time.sleep(0.2)
    stand.wire.set(lambda _name: True)

    assert {name: size for name, size in peak.items() if size - before[name] > SMALL} == {}
    assert live(stand)["afdelinger"]
