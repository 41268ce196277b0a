"""What lies between a service and what it stands on: doors that can be shut, slowed down or made to swallow everything.

A door is a port that leads to another. All doors turn in one thread of their own.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from deploy.local.settings import free_port

CHUNK = 65_536


class Door:
    """`delay`: seconds that every chunk waits. Swallowing, it takes what comes and gives nothing: what it then holds is
    given when it is plain again, and lost when it is cut. Cut, it refuses.
    """

    def __init__(self, target: int, taken: frozenset[int]) -> None:
        self.target, self.port = target, free_port(taken)
        self.delay, self.is_cut, self.open = 0.0, False, asyncio.Event()
        self.open.set()
        self.inside: set[asyncio.StreamWriter] = set()
        self.passing: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        self.server = await asyncio.start_server(self.enter, "127.0.0.1", self.port)

    def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing = asyncio.get_running_loop().create_task(self.through(reader, writer))
        self.passing.add(passing)
        passing.add_done_callback(self.passing.discard)

    async def through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one side ends; then both do."""
        ends = [writer]
        self.inside.add(writer)
        try:
            if self.is_cut:
                return
            there, beyond = await asyncio.open_connection("127.0.0.1", self.target)
            ends.append(beyond)
            self.inside.add(beyond)
            ways = [asyncio.create_task(self.carry(reader, beyond)), asyncio.create_task(self.carry(there, writer))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            return
        finally:
            for end in ends:
                self.inside.discard(end)
                end.transport.abort()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            await self.open.wait()
            if self.delay:
                await asyncio.sleep(self.delay)
            writer.write(data)
            await writer.drain()

    # What a nemesis does, in the doors' own thread

    async def set(self, *, cut: bool = False, swallow: bool = False, delay: float = 0.0) -> None:
        """As told, whatever it was before; nothing told is a plain door."""
        self.is_cut, self.delay = cut, delay
        if swallow:
            self.open.clear()
        else:
            self.open.set()
        if cut:
            for end in list(self.inside):
                end.transport.abort()

    async def close(self) -> None:
        self.server.close()
        for passing in list(self.passing):
            passing.cancel()
        await asyncio.gather(*self.passing, return_exceptions=True)


class Wire:
    """All doors, by name."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.doors: dict[str, Door] = {}

    def door(self, name: str, target: int) -> Door:
        """The door of that name; made when it is first asked for."""
        if name not in self.doors:
            self.doors[name] = self.run(self.make(target))
        return self.doors[name]

    async def make(self, target: int) -> Door:
        door = Door(target, frozenset(p for d in self.doors.values() for p in (d.port, d.target)))
        await door.listen()
        return door

    def set(self, wanted: Callable[[str], bool], **how: Any) -> None:
        """All doors whose names are wanted."""
        for name, door in self.doors.items():
            if wanted(name):
                self.run(door.set(**how))

    def run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(doing, self.loop)
        return future.result(10)

    def close(self) -> None:
        for door in self.doors.values():
            self.run(door.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()
