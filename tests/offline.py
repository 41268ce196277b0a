"""What the services make of told facts, offline: records as they would lie in the journals, and the lives of offers."""

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from services.cli.evaluate import Offline
from shared.events.internal import Decision, Life
from shared.runtime.contract import Written
from shared.runtime.memory import MemoryStore

HOMES = ("vacancy.", "offer.")
RECEIVED = datetime(2024, 8, 2, 8, tzinfo=UTC)


class Made(NamedTuple):
    """The stores by service."""

    offline: Offline
    stores: dict[str, MemoryStore]

    def journal(self, service: str, kind: str) -> list[Written]:
        return asyncio.run(self.stores[service].journal(kind, "", 1000))

    def decisions(self) -> list[Decision]:
        return [Decision.model_validate_json(w.body) for w in self.journal("matching", "decision")]

    def life(self, offer: str) -> Life | None:
        lives = (e.conclusions.get((Life.kind, offer)) for e in self.stores["matching"].entities.values())
        return next((life for life in lives if isinstance(life, Life)), None)


def made(told: Iterable[tuple[str, dict[str, Any]]], closed: Iterable[date] = ()) -> Made:
    """Of facts (kind, data); what is told of a home comes after all that follows from what was told before. Then the
    days are closed.
    """
    offline = Offline(clock=lambda: RECEIVED)

    async def run() -> None:
        for n, (kind, data) in enumerate(told):
            event = {
                "specversion": "1.0", "id": str(n), "source": "s", "type": f"dk.trappetrin.{kind}.v1",
                "data": {"revision": 1, **data},
            }  # fmt: skip
            if kind.startswith(HOMES):
                await offline.settle()
            offline.send("f", n, json.dumps(event).encode(), "0851")
        await offline.settle()
        for day in closed:
            offline.close(day)
            await offline.settle()

    asyncio.run(run())

    assert offline.refused() == []
    names = ("classifier", "quota", "matching")
    return Made(offline, {name: store for name, (_, store) in zip(names, offline.services, strict=True)})
