"""How far behind a process is, in records and in seconds, from looks at where its partitions end.

A record's age is not known before it is read. But when a look sees that a partition has grown, what lies beyond the
position has been there since that look, at the least. Of what was there before the first look nothing is known but that
it is no older than the last record that was committed before it, so that is taken.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from shared.runtime.contract import Record

Place = tuple[str, int]
"""Topic and partition."""
MOST = 1_000
"""So many looks are remembered of a place, an even number; what a forgotten one saw is as old as the next one."""


class Behind(NamedTuple):
    records: int
    seconds: float


class Lag:
    """`consumed` with every batch, `look` every few seconds; times in seconds since 1970."""

    def __init__(self) -> None:
        self.grown: dict[Place, deque[tuple[float, int]]] = {}  # when a look first saw which end
        self.unwatched: dict[Place, int] = {}  # the end that the first look saw, until it is passed
        self.positions: dict[Place, int] = {}
        self.last: dict[Place, float] = {}  # the time of the last record committed

    def consumed(self, records: Iterable[Record]) -> None:
        self.last.update({(r.topic, r.partition): r.timestamp / 1000 for r in records})

    def look(self, now: float, ends: Mapping[Place, int], positions: Mapping[Place, int]) -> dict[Place, Behind]:
        """Of the places with an end and a position; where none is known any more, that of an earlier look is taken."""
        for known in (self.grown, self.unwatched, self.positions, self.last):
            for gone in known.keys() - ends.keys():
                del known[gone]
        self.positions.update({place: at for place, at in positions.items() if place in ends})
        return {place: self.behind(now, place, end) for place, end in ends.items() if place in self.positions}

    def behind(self, now: float, place: Place, end: int) -> Behind:
        position = self.positions[place]
        if place not in self.grown:
            self.grown[place], self.unwatched[place] = deque(), end
        grown = self.grown[place]
        if end > max(self.unwatched[place], grown[-1][1] if grown else 0):
            grown.append((now, end))
        if len(grown) > MOST:
            self.grown[place] = grown = deque(list(grown)[::2])  # the first and the last stay
        while grown and grown[0][1] <= position:
            grown.popleft()
        if position >= end:
            return Behind(0, 0.0)
        if position < self.unwatched[place]:
            return Behind(end - position, max(0.0, now - self.last[place]) if self.last.get(place) else 0.0)
        return Behind(end - position, max(0.0, now - grown[0][0]))
