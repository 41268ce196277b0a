"""The room in memory: for what a process keeps of its entities, and a part of that again for what a batch touches."""

from collections.abc import Collection

from shared.runtime.contract import Task

FIRST, PART = 100, 4
"""Records in the first portion of all; a portion has a quarter of the room of what is kept: read again from the
database, it is in memory as rows, as objects, and as what is written.
"""
CALMER, RECORDS = 0.9, 100
"""How much of how heavy records were is believed at least, after so many more."""


class Room:
    """`most`: bytes, as JSON, over all tasks of the process."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.heavy = most / PART / FIRST  # bytes that a record touches, by what the last ones did

    def portion(self) -> int:
        """So many records of a batch are taken at once."""
        return max(1, int(self.most / PART / self.heavy))

    def taken(self, weight: int, records: int) -> None:
        """These records touched entities of this weight, in bytes."""
        self.heavy = max(1.0, weight / records, self.heavy * CALMER ** (records / RECORDS))

    def tidy(self, tasks: Collection[Task]) -> None:
        """When they keep too much, each forgets down to its share of half, so that it is seldom done."""
        if sum(task.cache.weight for task in tasks) > self.most:
            for task in tasks:
                task.cache.shrink(self.most // len(tasks) // 2)
