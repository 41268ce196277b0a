"""What the core asks of whoever traces, and which trace a record continues. Nothing here knows OpenTelemetry.

A trace is told by W3C's `traceparent`, in the header of that name. A sender may use CloudEvents' extension of the same
name instead, for which a header's prefix is `ce_`. A `tracestate` is a sender's own text and goes no further than here.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

import orjson

from shared.events.cloudevents import STRUCTURED, TRACEPARENT
from shared.runtime.contract import Draft, Entity, Fact, Record

WIDTH = 55
"""Characters of a `traceparent`."""
ROOM = len(TRACEPARENT) + WIDTH + 8
"""What its header adds to the size of a record."""
IDS = "-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
WELL_FORMED = re.compile(f"00{IDS}|(?!00|ff)[0-9a-f]{{2}}{IDS}(-.*)?".encode(), re.DOTALL)
"""Of version 00 just that; a later one may say more, which is left out."""


class Tracer(Protocol):
    """Told once of each batch before anything is made of it, and once after its commit. Raises nothing."""

    def began(self, drafts: Iterable[Draft]) -> None:
        """Gives each its trail."""

    def ended(self, drafts: Iterable[Draft], batch: Sequence[tuple[Draft, Record]], seconds: float) -> None:
        """These drafts are in the database now, so long after they were begun; of a re-evaluation without records."""

    def close(self) -> None:
        """Send what is left, for a short while at the most."""


class Untraced:
    """Traces nothing, at no cost."""

    def began(self, drafts: Iterable[Draft]) -> None: ...

    def ended(self, drafts: Iterable[Draft], batch: Sequence[tuple[Draft, Record]], seconds: float) -> None: ...

    def close(self) -> None: ...


def sent_with(record: Record) -> str | None:
    """The trace that the record came with, where it is one; anything may stand there."""
    told = event = b""
    for name, value in record.headers:
        if name == TRACEPARENT:
            return well_formed(value or b"")
        if name == f"ce_{TRACEPARENT}":
            told = value or b""
        elif name == "content-type" and value and value.startswith(STRUCTURED.encode()):
            event = record.value or b""
    return well_formed(told or attribute(event))


def well_formed(told: bytes) -> str | None:
    return told[:WIDTH].decode() if WELL_FORMED.fullmatch(told) else None


def attribute(event: bytes) -> bytes:
    """Of an event in structured mode."""
    if TRACEPARENT.encode() not in event:
        return b""
    try:
        told = orjson.loads(event).get(TRACEPARENT)
    except (ValueError, AttributeError):
        return b""
    return told.encode(errors="replace") if isinstance(told, str) else b""


def trace_of(draft: Draft, entity: Entity, brought: Iterable[tuple[Record, Fact]]) -> str | None:
    """Of what follows for an entity from those of these facts that are news; None where nothing is traced."""
    if draft.trail is None:
        return None
    return draft.trail.after([record for record, fact in brought if entity.facts.get(fact.slot) is fact])
