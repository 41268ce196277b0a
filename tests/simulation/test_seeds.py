"""Five hundred runs with faults: what is stored is the fold, versions are whole, nothing is lost, poison is dead."""

import os
import subprocess
import sys
from collections import Counter

from tests.simulation.run import many

EVERY_FAULT = {
    "kill", "freeze", "rebalance", "clock moved", "cut", "fenced", "left over", "rejected", "unacknowledged",
    "portions",
}  # fmt: skip


def test_five_hundred_seeds_hold() -> None:
    seen, broken = Counter[str](), {}
    for seed, found, faults in many(range(500)):
        seen.update(faults)
        if found:
            broken[seed] = found

    assert broken == {}
    assert {fault: seen[fault] for fault in EVERY_FAULT if seen[fault] < 100} == {}


def test_a_seed_replays_whatever_the_order_of_sets() -> None:
    def told(hashes: str) -> str:
        code = (
            "from tests.simulation.run import quiet, run; quiet(); _, w = run(7, 'gap rule');"
            "print(sorted(w.seen.items()), [(t, r) for t, r in sorted(w.out.items())], w.store.tasks)"
        )
        env = {**os.environ, "PYTHONHASHSEED": hashes}
        return subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True).stdout

    assert told("1") == told("2")
