"""Each process of each service is restarted under load: nothing is lost or doubled, and no task waits for long."""

from pathlib import Path

import pytest

from shared.events.topics import SERVICES
from tests.chaos.rolling import Patient, Restart, Turn, pauses, roll
from tests.chaos.run import tell


def test_a_pause_ends_with_a_claim_and_begins_with_what_took_the_task_from_its_owner() -> None:
    restarts = [Restart("quota-1", 10, 1, 2), Restart("quota-2", 20, 1, 2)]
    turns = [
        Turn("quota", "0", True, 5),
        Turn("quota", "0", False, 9),
        Turn("quota", "1", False, 11),  # told at 10, it finishes its batch
        Turn("quota", "0", True, 13),
        Turn("quota", "1", True, 14),
        Turn("quota", "1", True, 17),
        Turn("quota", "1", False, 21),
        Turn("quota", "1", True, 24),
    ]

    assert pauses(restarts, turns, {"quota": [12, 16, 22]}) == {"quota-1": {"0": 3, "1": 3}, "quota-2": {"1": 2}}


@pytest.mark.timeout(420)
def test_a_rolling_restart_changes_nothing_and_needs_no_session_timeout(tmp_path: Path) -> None:
    rolled = roll(tmp_path, 5, tell)
    tell(rolled.text())

    assert rolled.problems == []
    assert rolled.findings.told() == {what: [] for what in rolled.findings.told()}
    assert [service for service in SERVICES if not rolled.of(service)] == []
    assert {s: max(rolled.of(s)) for s in SERVICES if max(rolled.of(s)) > Patient.session} == {}
