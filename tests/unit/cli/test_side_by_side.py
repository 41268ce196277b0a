"""Tasks that are replayed side by side: nobody goes on with them when who ordered it is interrupted or killed."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from services.cli.ground.keyed import PROCESSES, Order, side_by_side

NOWHERE: Any = None
"""For topics that nobody comes to read."""
SCRIPT = """
import asyncio, sys
from services.cli.ground.keyed import Order, side_by_side

async def wait():
    with side_by_side([Order(None, sys.argv[1], "quota", str(n), {}, 1, False) for n in range(20)]) as started:
        for one in started:
            await one

asyncio.run(wait())
"""


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A database that never answers: who works begins with a connection, and is at it for ten seconds."""
    with socket.create_server(("127.0.0.1", 0), backlog=20) as server:
        yield server


def dsn(server: socket.socket) -> str:
    return f"postgresql://me@127.0.0.1:{server.getsockname()[1]}/none"


def beside(server: socket.socket) -> int:
    """How many came, beside those that were accepted."""
    server.setblocking(False)
    came = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            came += 1
    return came


async def test_who_is_interrupted_leaves_nobody_at_work(silent: socket.socket) -> None:
    orders = [Order(NOWHERE, dsn(silent), "quota", str(n), {}, 1, whole=False) for n in range(20)]
    begun = list[socket.socket]()

    def interrupted() -> None:
        with side_by_side(orders):
            begun.append(silent.accept()[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with begun[0]:
        assert beside(silent) < PROCESSES


def test_who_is_killed_leaves_nobody_at_work(silent: socket.socket) -> None:
    command = [sys.executable, "-c", SCRIPT, dsn(silent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        begun, _ = silent.accept()
        parent.kill()
        parent.communicate(timeout=60)  # its output has ended when the last process that has it ended
    with begun:
        assert beside(silent) < PROCESSES
