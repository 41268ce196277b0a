"""An event loop whose time jumps to the next timer: hours pass in milliseconds, and nothing depends on the machine."""

import asyncio
import selectors
from typing import Any


class Deadlock(RuntimeError):
    """Nothing is ready and no timer is set: nobody will ever wake."""


class Jump(selectors.SelectSelector):
    """Waits for nothing: it puts the clock on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Deadlock("nobody will ever wake")
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.jump = Jump()
        super().__init__(self.jump)

    def time(self) -> float:
        return self.jump.now
