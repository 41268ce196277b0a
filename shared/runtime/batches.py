"""Kafka's batches as aiokafka reads them, but that the name of a header may be any bytes, as the format allows.

Where one is not UTF-8, aiokafka raises in the midst of the batch, and nothing gets past it: neither the record nor what
comes after. Here it comes as any other record does, to be refused by the contract with its bytes; what of the name is
not UTF-8 stands as surrogates in it. Batches without such a name are read as fast as before.
"""

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException, KafkaError
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy


def any_names() -> None:
    """For all consumers of this process: aiokafka lets nobody say how a batch is read."""
    fetcher.MemoryRecords = Batches


class Batches(_MemoryRecordsPy):  # type: ignore[misc]  # aiokafka has no types
    def next_batch(self) -> "Batch":
        raw = self._next_slice
        return Batch(raw, super().next_batch())


class Batch:
    """`raw`: the bytes of what is `read`."""

    def __init__(self, raw: Any, read: Any) -> None:
        self.raw, self.read = raw, read

    def __getattr__(self, name: str) -> Any:
        return getattr(self.read, name)

    def __next__(self) -> Any:
        return next(self.read)

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self.read
        except UnicodeDecodeError:
            yield from Lenient(self.raw)  # from its beginning: the fetcher skips what it has had
        except KafkaError:
            raise
        except Exception as error:  # an error that is none of Kafka's would end the loop that consumes
            raise CorruptRecordException(f"cannot be read: {type(error).__name__}") from error


class Lenient(_DefaultRecordBatchPy):  # type: ignore[misc]  # as above
    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer: bytearray = Names(self._buffer)


class Names(bytearray):
    """Of a record nothing but the names of its headers is decoded."""

    def __getitem__(self, at: Any) -> Any:
        part = super().__getitem__(at)
        return Names(part) if isinstance(at, slice) else part

    def decode(self, encoding: str = "utf-8", _errors: str = "strict") -> str:
        return super().decode(encoding, "surrogateescape")
