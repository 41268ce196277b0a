"""Where the stack lives, and what its parts share."""

import os
import random
import signal
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STOP = signal.SIGTERM
LOW, HIGH = 20_000, 32_000
"""Below the ports that the kernel gives to outgoing connections."""


def home() -> Path:
    """The stack's folder: ports, data and logs; `.local` in the repository unless TRAPPETRIN_HOME is set."""
    return folder("TRAPPETRIN_HOME", ROOT / ".local")


def cache() -> Path:
    """What is fetched once and serves every stack; `.local/cache` unless TRAPPETRIN_CACHE says otherwise."""
    return folder("TRAPPETRIN_CACHE", ROOT / ".local" / "cache")


def folder(variable: str, otherwise: Path) -> Path:
    """An empty variable is one that is not set: taken as a path it would be wherever the command was called."""
    return Path(os.environ.get(variable) or otherwise).resolve()


def free_port(taken: frozenset[int] = frozenset()) -> int:
    """A port on which nobody listens now. Raises `OSError` when none was found."""
    lots = random.SystemRandom()
    for _ in range(1_000):
        port = lots.randrange(LOW, HIGH)
        if port not in taken and is_free(port):
            return port
    raise OSError(f"no free port from {LOW} to {HIGH}")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
