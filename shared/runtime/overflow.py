"""When a source brings so many dead letters that going on would only drain it: by run, and by share.

A source is one topic of one task: of ingest that is one partition of one sender's topic, and stopping it touches nobody
else. Behind the edge a task's topics are everyone's. There the letters of one party, the one with the most, do not
count: its records are laid aside as dead letters and nobody waits for it; what breaks for all of them stops the task.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.runtime.contract import Record

Source = tuple[str, str]
"""Task and topic."""
RUN, SHARE, WINDOW = 500, 0.5, 2_000
PARTS = 20
"""Of a window: small batches are kept together, so many at the most; a country's ingest has thousands of sources."""


@dataclass(slots=True)
class Counts:
    """Of one source, by party: dead letters in a row, and those of the last batches, with the batches' records."""

    run: Counter[str] = field(default_factory=Counter)
    batches: deque[tuple[int, Counter[str]]] = field(default_factory=deque)
    records: int = 0
    letters: Counter[str] = field(default_factory=Counter)


class Overflow:
    """`run`: dead letters in a row after which a source is stopped; `share`: of its last `window` records.

    What it counts is in memory; that a source is stopped is written down (`Ledger.stop`).
    """

    def __init__(self, run: int = RUN, share: float = SHARE, window: int = WINDOW, *, everyones: bool = False) -> None:
        self.run, self.share, self.window, self.everyones = run, share, window, everyones
        self.counts: dict[Source, Counts] = {}

    def note(self, source: Source, outcomes: Iterable[str | None]) -> str | None:
        """What a source brought next, in its order: None, or whose dead letter. Why it must be stopped, or None."""
        counts = self.counts.setdefault(source, Counts())
        records, letters, longest = 0, Counter[str](), 0
        for party in outcomes:
            records += 1
            if party is None:
                counts.run.clear()
                continue
            letters[party] += 1
            counts.run[party] += 1
            longest = max(longest, self.weight(counts.run))
        counts.records += records
        counts.letters += letters
        if counts.batches and counts.batches[-1][0] < self.window // PARTS:
            before, theirs = counts.batches.pop()
            records, letters = before + records, theirs + letters
        counts.batches.append((records, letters))
        while counts.records - counts.batches[0][0] >= self.window:
            gone = counts.batches.popleft()
            counts.records -= gone[0]
            counts.letters -= gone[1]
        if longest >= self.run:
            return f"{longest} dead letters in a row"
        if counts.records >= self.window and (dead := self.weight(counts.letters)) > self.share * counts.records:
            return f"{dead} dead letters among the last {counts.records} records"
        return None

    def weight(self, letters: Counter[str]) -> int:
        """What counts; a record without a party is nobody's own, so it always does."""
        own = max((n for party, n in letters.items() if party), default=0)
        return letters.total() - (own if self.everyones else 0)

    def forget(self, task: str) -> None:
        """Count anew: the task was stopped, or somebody else owns it."""
        for source in [s for s in self.counts if s[0] == task]:
            del self.counts[source]


def party_of(record: Record) -> str:
    """Whose a record is: of an afdeling its organisation's, by the key; the number begins with the organisation's."""
    return (record.key or b"")[:4].decode(errors="replace")
