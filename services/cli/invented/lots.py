"""Lots drawn from a seed, one independent row of them for each purpose, so that a change in one leaves the others."""

from datetime import date, timedelta
from random import Random


class Lots(Random):
    """Seeded by text, which does not depend on the process's hash seed."""

    def __init__(self, seed: int, purpose: str) -> None:
        super().__init__(f"{seed}/{purpose}")

    def chance(self, share: float) -> bool:
        return self.random() < share

    def day(self, first: date, last: date) -> date:
        """Any day from the first to the last, both included."""
        return first + timedelta(days=self.randint(0, (last - first).days))
