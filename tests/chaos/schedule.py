"""What the nemesis does, and in which order: drawn from a seed alone, so that a seed replays."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from shared.events.topics import SERVICES
from tests.chaos.service import POINTS
from tests.chaos.stand import SESSION, SIDES

KINDS = (
    "kill",
    "kill both",
    "crash at a point",
    "freeze",
    "freeze before commit",
    "freeze between commit and publish",
    "terminate",
    "kill broker",
    "restart postgres",
    "end backends",
    "cut kafka",
    "cut postgres",
    "delay kafka",
    "delay postgres",
    "swallow kafka",
    "swallow postgres",
    "fill disk",
    "wrong clock",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """`victim`: a process; of doors the side, empty for both. `at_once`: the next one comes before all is well."""

    kind: str
    victim: str
    seconds: float
    gap: float
    at_once: bool
    point: str = ""
    change: float = 0.0

    def __str__(self) -> str:
        where = "" if self.victim == "postgres" else self.victim or "everywhere"
        point = self.point if self.kind == "crash at a point" else ""
        return " ".join(w for w in (self.kind, where, point, f"for {self.seconds:.1f} s") if w)


def schedule(seed: int, brokers: int) -> Iterator[Fault]:
    """Without end: every kind once, in any order, then all anew."""
    lots = random.Random(f"faults {seed}")
    while True:
        deck = list(KINDS) + ["kill broker"] * (brokers - 1)
        lots.shuffle(deck)
        for kind in deck:
            yield drawn(kind, lots, brokers)


def last(seed: int) -> Fault:
    """With the last lines, so that nothing that follows covers it up."""
    lots = random.Random(f"last fault {seed}")
    return drawn(lots.choice(("kill", "crash at a point", "freeze before commit")), lots, 1)


def drawn(kind: str, lots: random.Random, brokers: int) -> Fault:
    """Every fault takes the same number of lots, whatever its kind."""
    service, side, number = lots.choice(SERVICES), lots.choice(SIDES), lots.randint(1, brokers)
    door, point, long = lots.choice((*SIDES, "")), lots.choice(POINTS), lots.random()
    gap, at_once, sign = lots.uniform(0.2, 1.5), lots.random() < 0.25, lots.choice((-1, 1))
    what, _, where = kind.partition(" ")
    victim = f"{service}-{side}"
    if kind == "kill broker":
        victim = "kafka" if number == 1 else f"kafka-{number}"
    elif kind in ("restart postgres", "end backends", "fill disk"):
        victim = "postgres"
    elif where in ("kafka", "postgres"):
        victim = door
    elif kind == "kill both":
        victim = service
    if kind == "crash at a point":
        where = point
    elif what == "freeze":
        where = {"": "", "before commit": "before_commit", "between commit and publish": "after_commit"}[where]
    seconds = (SESSION * 1.3 if what in ("freeze", "swallow") else 0.5) + 2.5 * long
    return Fault(kind, victim, seconds, gap, at_once, where if what in ("freeze", "crash") else "", sign * 3600.0)
