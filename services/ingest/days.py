"""Each day is closed once, soon after it is over in Denmark: told by ingest to itself, as anyone who runs the system
could, so that it is accepted once however many processes there are.
"""

import asyncio
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.ingest.contract import IngestStore, task_of
from shared.events.cloudevents import STRUCTURED
from shared.events.day import closing
from shared.events.topics import OPERATIONS
from shared.loglines import CANNOT_CLOSE
from shared.runtime.contract import Outgoing
from shared.runtime.core import Core

DENMARK = ZoneInfo("Europe/Copenhagen")
LOOK_EVERY = 5.0
TASK = task_of(OPERATIONS, 0)


def yesterday(now: datetime) -> date:
    """The last day that is over in Denmark."""
    return now.astimezone(DENMARK).date() - timedelta(days=1)


async def closing_days(core: Core, store: IngestStore, clock: Callable[[], datetime]) -> None:
    """Until cancelled: the process that owns the operators' topic closes yesterday, unless somebody has."""
    while True:
        await asyncio.sleep(LOOK_EVERY)
        try:
            day = yesterday(clock())
            if TASK in core.tasks and (await store.last_closed() or 0) < day.toordinal():
                headers = (("content-type", STRUCTURED.encode()),)
                await core.tell(TASK, OPERATIONS, Outgoing(0, b"", closing(day, "ingest"), headers))
        except Exception as error:  # noqa: BLE001 - whatever fails, the next look comes
            CANNOT_CLOSE(error=error)
