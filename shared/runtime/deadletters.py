"""A record that could not be used, as it goes to `<service>.dead-letters.v1`: key, value and headers untouched, but for
headers of the record whose names begin with `dead_letter_`: these are left out, since they would be taken for ours.

Added headers (text): `dead_letter_reason`, `_error`, `_topic`, `_partition`, `_offset`, `_time`; `_cut` with the
original number of bytes where the value was too large to be sent on; `_left_out` with the number of headers where
they, or the key, were too large or too many to be kept; `_escaped` with how many of their names are not UTF-8: no
client can send such a name, so in it stands for each odd byte what Python writes for it.

An operator sends it again to where it came from (redrive): the same bytes without the added headers, and with
`redrive_offset`, where it came first, and `redrive_attempt`, the how-many-th time this is.
"""

from collections.abc import Iterable
from datetime import datetime

from shared.events.topics import LETTER_BYTES
from shared.events.values import zulu
from shared.loglines import event_of
from shared.runtime.contract import Draft, Outgoing, Record
from shared.runtime.packing import MOST

LARGEST = LETTER_BYTES - 20_000
"""Bytes that key, value and headers of one record may have together; the rest is the batch's own."""
REASON, ADDED = 1_000, 9
LETTER, REDRIVE = "dead_letter_", "redrive_"


def dead_letter(record: Record, partition: int, reason: str, error: str, at: datetime) -> Outgoing:
    """`reason` is the rule in words, `error` its kind; headers and key that alone are too large are left out."""
    told = {
        "reason": reason[:REASON],
        "error": error[:REASON],
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "time": zulu(at),
    }
    came = [(name, value) for name, value in record.headers if not name.startswith(LETTER)]
    kept = [(sendable(name), value) for name, value in came]
    if escaped := len(dict(came).keys() - dict(kept).keys()):
        told["escaped"] = str(escaped)
    if len(kept) > MOST - ADDED or any(len(name.encode()) > MOST for name, _ in kept):
        kept, told["left_out"] = [], str(len(kept))
    whole = Outgoing(partition, record.key, record.value, (*kept, *headers(told)))
    if whole.size() <= LARGEST:
        return whole
    told["cut"] = str(len(record.value or b""))
    bare = Outgoing(partition, record.key, b"", (*kept, *headers(told)))
    if bare.size() > LARGEST:
        told["left_out"] = str(len(came))
        bare = Outgoing(partition, None, b"", tuple(headers(told)))
    return bare._replace(value=(record.value or b"")[: LARGEST - bare.size()])


def sendable(name: str) -> str:
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def headers(told: dict[str, str]) -> list[tuple[str, bytes]]:
    return [(f"{LETTER}{name}", text.encode(errors="replace")) for name, text in told.items()]


def redriven(letter: Record, offset: int) -> list[tuple[str, bytes | None]]:
    """The headers with which a dead letter goes to where it came from; `offset` is the one it had there."""
    record = letter._replace(offset=offset)
    attempt = int(told_by(letter, "attempt") or 0) + 1
    told = {"offset": str(first_offset(record)), "attempt": str(attempt)}
    original = [(name, value) for name, value in letter.headers if not name.startswith((LETTER, REDRIVE))]
    return [*original, *((f"{REDRIVE}{name}", text.encode()) for name, text in told.items())]


def first_offset(record: Record) -> int:
    """Where it came first, if it was sent again; else where it is."""
    first = told_by(record, "offset")
    return record.offset if first is None else min(first, record.offset)


def told_by(record: Record, name: str) -> int | None:
    """The number in a redrive header; anyone may write one, so it is believed only where it is a number."""
    for header, value in record.headers:
        if header == REDRIVE + name and value is not None and value.isdigit() and len(value) < 19:
            return int(value)
    return None


def mend(batch: Iterable[tuple[Draft, Record]]) -> None:
    """Of redriven records that are no dead letters any more: what they left incomplete is whole."""
    for draft, record in batch:
        if (first := first_offset(record)) != record.offset and (record.topic, record.offset) not in draft.buried:
            draft.mended.append((entity_named(record), record.topic, record.partition, first))


def entity_named(record: Record) -> str:
    """Whose state lacks a record that could not be used: by its key, as text that can be stored."""
    return "".join(c for c in (record.key or b"").decode(errors="replace") if c.isprintable())[:100]


def letter_of(draft: Draft) -> dict[str, str]:
    """The last dead letter of the draft, as it is logged: kind of reason, place, ids."""
    flaw, record = draft.flaws[-1], draft.letter
    told = {"place": f"{flaw.topic}/{flaw.partition}/{flaw.offset}"}
    if record:
        told |= event_of(record.headers, draft.trail.after([record]) if draft.trail else None)
    return told | ({"reason": max(draft.letters, key=lambda k: draft.letters[k])} if draft.letters else {})
