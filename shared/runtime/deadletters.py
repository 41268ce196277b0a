"""A record that could not be used, as it goes to `<service>.dead-letters.v1`: key, value and headers untouched.

Added headers (text): `dead_letter_reason`, `_error`, `_topic`, `_partition`, `_offset`, `_time`; `_cut` with the
original number of bytes where the value was too large to be sent on.
"""

from datetime import datetime

from shared.events.topics import LETTER_BYTES
from shared.events.values import zulu
from shared.runtime.contract import Outgoing, Record

LARGEST = LETTER_BYTES - 20_000
"""Bytes that key, value and headers of one record may have together; the rest is the batch's own."""
REASON = 1_000


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
    whole = Outgoing(partition, record.key, record.value, (*record.headers, *headers(told)))
    if whole.size() <= LARGEST:
        return whole
    told["cut"] = str(len(record.value or b""))
    bare = Outgoing(partition, record.key, b"", (*record.headers, *headers(told)))
    if bare.size() > LARGEST:
        bare = Outgoing(partition, None, b"", tuple(headers(told)))
    return bare._replace(value=(record.value or b"")[: LARGEST - bare.size()])


def headers(told: dict[str, str]) -> list[tuple[str, bytes]]:
    return [(f"dead_letter_{name}", text.encode(errors="replace")) for name, text in told.items()]
