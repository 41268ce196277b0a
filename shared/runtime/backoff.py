"""How long to wait before the next attempt: doubling, bounded, with jitter from an injected source."""

import random

FIRST, LONGEST = 0.2, 5.0


class Backoff:
    """Seconds from `FIRST`, doubled each time up to `LONGEST`, times a lot from 0.5 to 1."""

    def __init__(self, lots: random.Random, first: float = FIRST, longest: float = LONGEST) -> None:
        self.lots, self.first, self.longest, self.tries = lots, first, longest, 0

    def next(self) -> float:
        wait: float = min(self.longest, self.first * 2 ** min(self.tries, 16))
        self.tries += 1
        return wait * self.lots.uniform(0.5, 1)

    def reset(self) -> None:
        self.tries = 0
