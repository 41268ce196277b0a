"""From a raw record to a fact, or to why it is none: never an exception, always with what the event calls itself."""

import hashlib
import json
from typing import Any

from services.ingest.contract import Origin
from shared.events.cloudevents import Invalid, from_record, read_json
from shared.events.decoding import inbound
from shared.events.inbound import Inbound
from shared.runtime.contract import Record

LONGEST_IDENTITY, LONGEST_RULE = 500, 1_000


def read(record: Record) -> tuple[Origin, Inbound | Invalid]:
    origin = Origin(record.topic, record.partition, record.offset)
    try:
        envelope = from_record(record.headers, record.value)
        origin = origin._replace(source=envelope.source, event_id=envelope.id, event_type=envelope.type)
        return origin, inbound(envelope)
    except Invalid as error:
        if origin.event_id is not None:
            return origin, error
        return Origin(*origin[:3], source_of(record), error.event_id, error.event_type), error
    except Exception as error:  # noqa: BLE001  # what nobody thought of costs its own record, never its neighbours
        return origin, Invalid("value", f"cannot be read: {type(error).__name__}")


def source_of(record: Record) -> str | None:
    """The source of a record whose envelope is broken elsewhere, in binary or structured mode."""
    for name, value in record.headers:
        if name == "ce_source" and value is not None:
            return value.decode(errors="replace")
    try:
        told: Any = read_json(record.value or b"")
    except Invalid:
        return None
    source = told.get("source") if isinstance(told, dict) else None
    return source if isinstance(source, str) else None


def identity(origin: Origin) -> str:
    """What makes a refused event distinct: its source and id, or where it came from when it has no id. Plain ASCII."""
    if origin.event_id is None:
        return origin.place
    text = json.dumps([origin.source, origin.event_id])
    return text if len(text) <= LONGEST_IDENTITY else hashlib.sha256(text.encode()).hexdigest()


def printable(rule: str) -> str:
    """A rule as it is told: some name the sender's own texts, which may hold anything."""
    return "".join(c if c.isprintable() else "\ufffd" for c in rule[:LONGEST_RULE])
