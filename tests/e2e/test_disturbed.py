"""quota with two replicas, disturbed while a year streams in: restarted one by one, killed, frozen past its session."""

import signal
from dataclasses import replace

import pytest

from deploy.local.processes import Identity, stop
from deploy.local.processes import send as signalled
from deploy.local.stack import Stack
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from services.cli.settle import wait_until_settled
from services.cli.system import of
from tests.e2e.checks import assert_versions_are_whole, expected, live, published

LINES = [("simulated", n, line(event).encode()) for n, event in enumerate(simulate(11, events=3_000), 1)]
QUOTA = ("quota-1", "quota-2")


@pytest.fixture(autouse=True, scope="module")
def short_sessions() -> None:
    """Before the stack, so that a frozen process is given up soon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAPPETRIN_SESSION_TIMEOUT", "1.5")
        patch.setenv("TRAPPETRIN_HEARTBEAT", "0.3")
        yield


def process(stack: Stack, name: str) -> Identity:
    found = stack.read().process(name)
    assert found is not None
    return found


def test_disturbances_of_quota_change_nothing(stack: Stack) -> None:
    size = len(LINES) // 6
    parts = [LINES[n * size : (n + 1) * size] for n in range(6)]

    for name, part in zip(QUOTA, parts, strict=False):  # rolling restart
        published(stack, part)
        stop([process(stack, name)], signal.SIGTERM, 20)
        stack.up(say=lambda _line: None)

    for name, part in zip(QUOTA, parts[2:], strict=False):
        published(stack, part)
        signalled(process(stack, name), signal.SIGKILL)
        stack.up(say=lambda _line: None)

    frozen, system = process(stack, "quota-1"), of(stack)
    other = replace(system, urls={**system.urls, "quota": [system.urls["quota"][1]]})
    signalled(frozen, signal.SIGSTOP)
    published(stack, parts[4])
    wait_until_settled(other, limit=60)  # only when the other one has taken over is all consumed
    signalled(frozen, signal.SIGCONT)
    published(stack, parts[5])

    assert live(stack) == expected(LINES)
    assert_versions_are_whole(stack)
