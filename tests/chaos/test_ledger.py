"""A minute of a year under faults: nothing lost, nothing doubled, nothing out of order, exactly the poison dead.

The same with another seed, for longer, and with three brokers: `make chaos SEED=… MINUTES=… BROKERS=3`.
"""

from pathlib import Path

import pytest

from tests.chaos.run import plan, run, tell

SEED, MINUTES = 7, 1.0


@pytest.mark.timeout(420)
def test_a_minute_of_faults_changes_nothing(tmp_path: Path) -> None:
    report = run(tmp_path, plan(SEED, MINUTES), tell)
    tell(report.text())

    assert report.problems == []
    assert report.findings.told() == {what: [] for what in report.findings.told()}
    assert report.dropped["fenced"] > 0
    assert len(report.recoveries()) >= 5
