"""What is away is told while it is, and no longer."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.runtime import ground
from shared.runtime.ground import Ground


def answering(answers: list[Exception | None]) -> Callable[[], Awaitable[None]]:
    async def ask() -> None:
        if answer := answers.pop(0):
            raise answer

    return ask


async def test_what_raises_is_away_until_it_answers() -> None:
    looked = Ground({"database": answering([None, OSError(), None])})
    told = []
    for _ in range(3):
        await looked.look("database")
        told.append(dict(looked.away))

    assert told == [{}, {"database": "OSError"}, {}]


async def test_what_says_nothing_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground, "LIMIT", 0.01)
    looked = Ground({"broker": lambda: asyncio.sleep(60)})
    await looked.look("broker")

    assert looked.away == {"broker": "TimeoutError"}
