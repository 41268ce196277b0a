"""The body of an outbox row: many records in one value, as bytes, so that the database stores and returns it untouched.

Per record: partition, key, value and headers, each length-prefixed; length -1 is None, which is not the same as empty.
"""

from collections.abc import Iterator, Sequence
from struct import Struct

from shared.runtime.contract import Outgoing

HEAD = Struct(">iiiH")
HEADER = Struct(">Hi")
NONE = -1
MOST = 2**16 - 1
"""Headers of one record, and bytes of a header's name."""


def pack(records: Sequence[Outgoing]) -> bytes:
    parts: list[bytes] = []
    for r in records:
        parts += (HEAD.pack(r.partition, length(r.key), length(r.value), len(r.headers)), r.key or b"", r.value or b"")
        for name, value in r.headers:
            encoded = name.encode()
            parts += (HEADER.pack(len(encoded), length(value)), encoded, value or b"")
    return b"".join(parts)


def unpack(body: bytes) -> list[Outgoing]:
    """Raises `ValueError` for what `pack` has not written."""
    return list(records(Reader(body)))


def length(value: bytes | None) -> int:
    return NONE if value is None else len(value)


def records(reader: "Reader") -> Iterator[Outgoing]:
    while not reader.done():
        partition, key, value, headers = reader.fields(HEAD)
        yield Outgoing(partition, reader.take(key), reader.take(value), tuple(reader.header() for _ in range(headers)))


class Reader:
    def __init__(self, body: bytes) -> None:
        self.body, self.at = body, 0

    def done(self) -> bool:
        return self.at == len(self.body)

    def fields(self, form: Struct) -> tuple[int, ...]:
        at, self.at = self.at, self.at + form.size
        if self.at > len(self.body):
            raise ValueError("the packed row is cut short")
        return form.unpack_from(self.body, at)

    def take(self, size: int) -> bytes | None:
        if size == NONE:
            return None
        at, self.at = self.at, self.at + size
        if size < NONE or self.at > len(self.body):
            raise ValueError("the packed row is cut short")
        return self.body[at : self.at]

    def header(self) -> tuple[str, bytes | None]:
        name, value = self.fields(HEADER)
        return (self.take(name) or b"").decode(), self.take(value)
