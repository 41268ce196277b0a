"""The event by which a day is closed, as whoever runs the system tells it."""

import json
from datetime import UTC, date, datetime

from shared.events.ids import event_id, type_of
from shared.events.inbound import DayClosed


def closing(day: date, source: str) -> bytes:
    """A structured CloudEvent; the same day gives the same id."""
    told = {
        "specversion": "1.0",
        "id": event_id(source, "", DayClosed.kind, "", day.toordinal()),
        "source": source,
        "type": type_of(DayClosed.kind),
        "time": datetime(day.year, day.month, day.day, tzinfo=UTC).isoformat().replace("+00:00", "Z"),
        "data": {"day": str(day), "revision": day.toordinal()},
    }
    return json.dumps(told).encode()
