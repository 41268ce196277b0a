"""Counting costs at most three hundredths of the throughput, and tracing every event at most a tenth."""

import pytest

from tests.ops.overhead import measure

COUNTING, TRACING = 0.03, 0.10


@pytest.mark.timeout(300)
def test_metrics_cost_at_most_three_percent_and_traces_ten() -> None:
    costs = measure(events=1_000, rounds=3)

    assert 0 < costs.counting_alone <= costs.without * COUNTING
    assert 0 < costs.tracing_alone <= costs.without * TRACING
    assert costs.spans > 1_000 * 3
