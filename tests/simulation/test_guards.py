"""Each guard earns its place: without it some run breaks, and with it the same run does not."""

import pytest

from tests.simulation.guards import GUARDS
from tests.simulation.run import run

SIGNS = {
    "version compare-and-swap": "published with two contents",
    "offset filter": "went back",
    "gap rule": "differ from the fold",
    "version filter": "does not end with what is stored",
    "delete by acknowledged id": "the versions of",
    "outbox read after every claim": "left in the outbox",
    "producer renewed": "left in the outbox",
    "halving": "was consumed to",
    "claim raises the version": "published with two contents",
    "cache only of the version before": "differ from the fold",
    "drop after an unknown commit": "was consumed to",
    "size check": "left in the outbox",
}


@pytest.mark.parametrize("guard", GUARDS)
def test_without_the_guard_a_run_breaks(guard: str) -> None:
    for seed in range(100):
        found, _ = run(seed, guard)
        if any(SIGNS[guard] in sentence for sentence in found):
            break
    else:
        pytest.fail(f"100 seeds hold without: {guard}")

    assert run(seed)[0] == []
