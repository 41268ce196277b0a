"""The one place of ingest that knows concrete classes."""

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg

from services.ingest.contract import task_of
from services.ingest.days import closing_days
from services.ingest.service import IngestHandler
from services.ingest.signals import IngestSignals
from services.ingest.store import PostgresIngestStore
from shared.clock import utc_now
from shared.events.topics import INBOUND_PATTERN
from shared.loglines import CANNOT_RELEASE
from shared.runtime.app import Parts, serve
from shared.runtime.contract import TaskId
from shared.runtime.core import Core
from shared.settings import from_environment

PARKED_AT_MOST = 1_000


def main() -> None:
    """Ingest = inbound events → accepted, parked or refused facts; receipts to their senders."""
    settings = from_environment()

    def parts(pool: asyncpg.Pool) -> Parts:
        store = PostgresIngestStore(pool)
        handler = IngestHandler(store, utc_now)

        async def state(_query: Mapping[str, str]) -> Any:
            return await handler.view()

        async def parked(query: Mapping[str, str]) -> Any:
            most = query.get("most", "")
            waiting = await handler.parked(int(most) if most.isdecimal() else PARKED_AT_MOST)
            return [{**w._asdict(), "since": w.since.isoformat()} for w in waiting]

        async def crowds(_query: Mapping[str, str]) -> Any:
            return [{**c._asdict(), "since": c.since.isoformat()} for c in await handler.crowds()]

        async def left() -> Mapping[str, Mapping[TaskId, int]]:
            return {"releasable": await handler.waiting()}

        async def releasing(core: Core) -> None:
            """A registration may have come by any task, so each looks for what it can release now."""
            while True:
                await asyncio.sleep(settings.release_every)
                try:
                    core.look_again(await handler.waiting())
                except Exception as error:  # noqa: BLE001 - whatever fails, the next look comes
                    CANNOT_RELEASE(error=error)

        beside = [releasing]
        if settings.close_days == "clock":
            beside.append(lambda core: closing_days(core, store, utc_now))

        return Parts(
            store,
            handler,
            task_of,
            {"/state": state, "/parked": parked, "/parked/stats": crowds},
            pattern=INBOUND_PATTERN,
            believes_gaps=lambda _topic: True,
            left=left,
            beside=beside,
            signals=[IngestSignals],
        )

    serve("ingest", settings, parts)
