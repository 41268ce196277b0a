"""By what a dead letter knows the record that it is of.

Where the record came from is not enough: a topic that was made anew has other records in the same places, or the same
ones once more, sent after the letter was made and perhaps no dead letters any more.
"""

from hashlib import sha256
from typing import NamedTuple

from services.cli.letters import Letter, number
from shared.runtime.contract import Record

SKEW = 60.0
"""Seconds by which the clocks of those who write records and of those who write letters may differ."""


class Mark(NamedTuple):
    """`size`: bytes of the record's value, of which the letter has kept the first `kept`; `hash`: of these, and of the
    key where nothing was cut; `at`: when the letter was made, in seconds since 1970.
    """

    size: int
    kept: int
    hash: bytes
    at: float

    def fits(self, record: Record) -> bool:
        """Whether these are the bytes that came."""
        return len(record.value or b"") == self.size and self.hash == hashed(record, self)

    def precedes(self, record: Record) -> bool:
        """Whether the record was written when there was the letter already: by a clock of ours, not a sender's."""
        return record.timestamp / 1_000 > self.at + SKEW


def mark_of(letter: Letter) -> Mark:
    """Of a letter of ours. Raises `ValueError` for one that does not tell when it was made."""
    if letter.made_at is None:
        raise ValueError("it does not tell when it was made")
    kept = len(letter.record.value or b"")
    size = number(letter.told.get("cut"))
    mark = Mark(kept if size is None else size, kept, b"", letter.made_at.timestamp())
    return mark._replace(hash=hashed(letter.record, mark))


def hashed(record: Record, mark: Mark) -> bytes:
    """A key that is too large is cut too."""
    key = record.key or b"" if mark.kept == mark.size else b""
    return sha256(key + b"\n" + (record.value or b"")[: mark.kept]).digest()
