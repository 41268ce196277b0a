"""What a sender tells at an instant, and how it becomes an inbound event (CloudEvents, structured JSON).

An event's id is a UUIDv5 of what it says, so that the same statement is the same event.
"""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from services.cli.invented.lots import Lots
from shared.events.values import plain

Event = dict[str, Any]
NAMESPACE = UUID("7b6c5a0e-3c1f-5d7e-9a44-1f0f5e2c8d11")
KEYS = {
    "afdeling.registered": ("afdeling_id", "valid_from"),
    "indicator.observed": ("subject", "source", "indicator", "as_of"),
    "list.published": ("list_date",),
    "organisation.registered": ("organisation_id",),
    "placement.decided": ("placement_id", "afdeling_id"),
    "reference.published": ("indicator", "list_date"),
    "twins.compared": ("afdeling_id", "as_of"),
}
"""The fields that a retraction names."""


class Told(NamedTuple):
    at: datetime
    source: str
    kind: str
    data: dict[str, Any]

    def revised(self, at: datetime, **changes: Any) -> "Told":
        """The same fact with its next revision."""
        return self._replace(at=at, data={**self.data, **changes, "revision": self.data["revision"] + 1})

    def retracted(self, at: datetime) -> "Told":
        key = {name: self.data[name] for name in KEYS[self.kind]}
        return self._replace(at=at, data={**key, "revision": self.data["revision"] + 1, "retracted": True})


def tell(at: datetime, source: str, kind: str, /, **data: Any) -> Told:
    """A first revision. Days and decimals in the data become text."""
    return Told(at, f"invented/{source}", kind, {n: _plain(v) for n, v in data.items()} | {"revision": 1})


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return plain(value)
        case date():
            return value.isoformat()
    return value


def instant(day: date, hours: float = 6) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hours)


def office_hours(lots: Lots, day: date) -> datetime:
    """An instant of that day, between 6 and 16 UTC, in whole milliseconds."""
    return instant(day) + timedelta(milliseconds=lots.randrange(36_000_000))


def event(told: Told) -> Event:
    kind = f"dk.trappetrin.{told.kind}.v1"
    says = json.dumps(told.data, ensure_ascii=False, sort_keys=True)
    return {
        "specversion": "1.0",
        "id": str(uuid5(NAMESPACE, f"{told.source}\n{kind}\n{says}")),
        "source": told.source,
        "type": kind,
        "time": told.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": told.data,
    }


def line(told: Event) -> str:
    """One event as one line of ndjson."""
    return json.dumps(told, ensure_ascii=False)


def events(tellings: Iterable[Told]) -> list[Event]:
    return [event(t) for t in tellings]
