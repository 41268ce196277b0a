"""Prometheus' and Alertmanager's own programs, which these tests run; installed where they are missing. And the running
stack with both beside it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import monitoring
from deploy.local.settings import cache
from deploy.local.stack import Stack
from tests.ops import paced
from tests.ops.running import Received, Running

SHORT = {"SESSION_TIMEOUT": "1.5", "HEARTBEAT": "0.3", "LOOK_EVERY": "0.5", "SIGNALS_EVERY": "1", "SIGNALS_SHARE": "1"}


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    monitoring.ensure_programs(install=True, say=lambda _line: None)


@pytest.fixture(scope="module")
def received() -> Iterator[Received]:
    hook = Received()
    yield hook
    hook.close()


@pytest.fixture(scope="module")
def running(folder: Path, received: Received) -> Iterator[Running]:
    """Two replicas of every service, with short times."""
    monitoring.ensure_agent(cache(), install=True, say=lambda _line: None)
    paced.write(folder / "prometheus", received.url)
    stack = Stack(folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SHORT.items():
            patch.setenv(f"TRAPPETRIN_{name}", value)
        try:
            stack.up(2, monitored=True, say=lambda _line: None)
            yield Running(stack, received)
        finally:
            stack.down(delete_data=True, say=lambda _line: None)
