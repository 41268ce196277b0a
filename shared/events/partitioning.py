"""Which partition a key belongs to: murmur2, as Kafka's own clients, so that anyone's producer agrees with ours."""

from functools import lru_cache

from aiokafka.partitioner import murmur2 as signed_murmur2

PARTITIONS = 6
"""Of every internal topic, so that an afdeling has one number in all of them. Never changed: a replay instead."""


def murmur2(key: bytes) -> int:
    """32 bits, as Kafka's default partitioner hashes a key."""
    return int(signed_murmur2(key))


@lru_cache(maxsize=100_000)
def partition_of(key: str, partitions: int = PARTITIONS) -> int:
    """The partition of an entity's number or name."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
