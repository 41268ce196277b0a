"""Counting costs at most three hundredths of the throughput."""

import pytest

from tests.ops.overhead import measure

MOST = 0.03


@pytest.mark.timeout(300)
def test_metrics_cost_at_most_three_percent() -> None:
    without, _, alone = measure(events=1_000, rounds=1)

    assert 0 < alone <= without * MOST
