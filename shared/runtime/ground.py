"""Whether what a process stands on answers: asked all the time, since one with nothing to do would not notice."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

EVERY, LIMIT = 1.0, 3.0
log = structlog.get_logger()


class Ground:
    """`asks`: by name what raises, or says nothing in time, while it is away. `away`: what is, and how that shows."""

    def __init__(self, asks: Mapping[str, Callable[[], Awaitable[Any]]]) -> None:
        self.asks = asks
        self.away: dict[str, str] = {}

    async def watch(self) -> None:
        """Until cancelled. Nothing but cancellation comes out."""
        while True:
            await asyncio.gather(*map(self.look, self.asks))
            await asyncio.sleep(EVERY)

    async def look(self, name: str) -> None:
        try:
            async with asyncio.timeout(LIMIT):
                await self.asks[name]()
        except Exception as error:  # noqa: BLE001 - whatever it is, it does not answer
            if name not in self.away:
                log.warning("away", task=name, error=type(error).__name__)
            self.away[name] = type(error).__name__
        else:
            if self.away.pop(name, None):
                log.info("back", task=name)
