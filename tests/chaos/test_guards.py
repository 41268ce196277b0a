"""Each guard earns its place on real processes too: without it the run fails, and says by name what is broken."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from tests.chaos.run import Plan, run, tell
from tests.chaos.schedule import Fault

EVENTS, LAST, SOON = 1_500, 600, 15.0
QUIET = Fault("end backends", "postgres", 0.5, 0.5, at_once=False)
# Of a service without a journal: there the database itself would refuse the number that is taken.
ZOMBIE = Fault("freeze before commit", "classifier-1", 4.0, 0.5, at_once=False, point="before_commit")
LEFT = Fault("crash at a point", "quota-1", 0.5, 0.5, at_once=True, point="after_commit")
CASES = {
    "version compare-and-swap": (ZOMBIE, "order violations", "back to"),
    "version filter": (QUIET, "double effects", "the state differs from the fold"),
    "outbox read after every claim": (LEFT, "losses", "never appeared"),
}


def in_any_order() -> Plan:
    """Each line twice, older revisions after newer ones."""
    lots = random.Random(20260101)
    lines = [line(event).encode() for event in simulate(3, events=EVENTS)] * 2
    lots.shuffle(lines)
    told = [("shuffled", n, text) for n, text in enumerate(lines, 1)]
    return Plan(3, told[:-LAST], told[-LAST:], (), QUIET, rate=150.0)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("guard", CASES)
def test_without_the_guard_the_run_fails(guard: str, tmp_path: Path) -> None:
    last, what, sign = CASES[guard]
    report = run(tmp_path, replace(in_any_order(), last=last, without=guard, patience=SOON), tell)
    tell(report.text())

    assert report.problems == []
    assert any(sign in one for one in report.findings.told()[what])


@pytest.mark.timeout(420)
@pytest.mark.parametrize("last", [ZOMBIE, QUIET, LEFT], ids=str)
def test_with_all_guards_the_same_run_is_clean(last: Fault, tmp_path: Path) -> None:
    report = run(tmp_path, replace(in_any_order(), last=last), tell)
    tell(report.text())

    assert report.problems == []
    assert report.findings.told() == {what: [] for what in report.findings.told()}
