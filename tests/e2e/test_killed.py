"""A municipality's year streams in, with a new agreement in its midst, while every process is killed once."""

import signal

import pytest

from deploy.local.processes import send as signalled
from deploy.local.stack import Stack
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from tests.e2e.checks import assert_all_is_whole, expected, live, published

EVENTS = 20_000


@pytest.mark.timeout(600)
def test_each_process_killed_once_changes_nothing(stack: Stack) -> None:
    events = list(simulate(7, events=EVENTS, broken=0.01))
    lines = [("simulated", n, line(event).encode()) for n, event in enumerate(events, 1)]
    names = [p["name"] for p in stack.status()["processes"]]
    size = EVENTS // len(names)
    slices = [lines[n * size : (n + 1) * size] for n in range(len(names))]
    agreements = [n for n, event in enumerate(events) if "agreement.published" in event["type"]]

    assert len(names) == 10
    assert EVENTS / 4 < agreements[1] < EVENTS * 3 / 4

    for name, part in zip(names, slices, strict=True):
        published(stack, part)
        process = stack.read().process(name)
        assert process is not None
        signalled(process, signal.SIGKILL)
        stack.up(say=lambda _line: None)

    assert live(stack) == expected(lines)
    assert_all_is_whole(stack)
