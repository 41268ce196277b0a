"""A poisoned hour: 1 % of all events broken, and a release with a fault for all that one organisation sends.

Beside it another service fails on all that concerns another organisation. The others are not held up, only the one
source is stopped, and what is redriven after the mend ends in the state of the unbroken stream.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.local.processes import Spec
from deploy.local.stack import Book, Stack
from services.cli.evaluate import fold
from services.cli.invented.broken import SOURCE
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from services.cli.settle import wait_until_settled
from services.cli.state import current
from services.cli.system import of
from shared.runtime.views import State
from tests.e2e.checks import assert_versions_are_whole, live, published
from tests.e2e.console import OPERATOR, trappetrin


class Releases(Stack):
    """`sick`: the service whose release has a fault, and for which organisation."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.sick: dict[str, str] = {}

    def service(self, book: Book, name: str) -> Spec:
        spec, service = super().service(book, name), name.rpartition("-")[0]
        if whom := self.sick.get(service):
            return replace(spec, command=[sys.executable, "-m", "tests.e2e.faulty", service, whom])
        return spec


EVENTS = list(simulate(5, afdelinger=60, broken=0.01))


def organisation(event: Any) -> str:
    return str(event["data"].get("afdeling_id", ""))[:4] if "municipality" not in event["source"] else ""


WEIGHTS = Counter(o for e in EVENTS if (o := organisation(e)) and e["source"] != SOURCE).most_common()
SICK, UNCOUNTED = WEIGHTS[0][0], WEIGHTS[1][0]
# What contradicts an event must come after it, and the sick organisation's events come late: so none of those is in it.
TOLD = [e for e in EVENTS if e["source"] != SOURCE or organisation(e) != SICK]
LINES = [("simulated", n, line(event).encode()) for n, event in enumerate(TOLD, 1)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Releases]:
    stack = Releases(tmp_path_factory.mktemp("stack"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAPPETRIN_OVERFLOW_RUN", "60")
        try:
            stack.sick = {"ingest": SICK, "quota": UNCOUNTED}
            stack.up(1, say=lambda _line: None)
            yield stack
        finally:
            stack.down(delete_data=True, say=lambda _line: None)


def others(state: State) -> State:
    """Of the organisations for which no release has a fault."""
    afdelinger = {a: s for a, s in state["afdelinger"].items() if a[:4] not in (SICK, UNCOUNTED)}
    return {"afdelinger": afdelinger, "decisions": {o: d for o, d in state["decisions"].items() if o[:4] != SICK}}


def counted(state: State) -> State:
    """Without the afdelinger that quota had not counted, which a fold of what was recorded does count."""
    return {**state, "afdelinger": {a: s for a, s in state["afdelinger"].items() if a[:4] != UNCOUNTED}}


@pytest.mark.timeout(600)
def test_a_poisoned_hour_costs_nobody_else_anything(stack: Releases) -> None:
    broken = sum(e["source"] == SOURCE for e in TOLD)
    published(stack, LINES)
    wait_until_settled(of(stack), limit=100, past_stops=True)
    unbroken = asyncio.run(fold(LINES)).state
    then, before = datetime.now(UTC).isoformat(), current(of(stack))
    letters = trappetrin(stack, "dlq", "list", "--json")
    stops = trappetrin(stack, "dlq", "stops", "--json")
    stats = trappetrin(stack, "dlq", "stats", "--json", "--service", "ingest")
    mine = [x for x in letters if x["service"] == "ingest" and x["organisation"] == SICK]
    incomplete = trappetrin(stack, "dlq", "incomplete", "--json")

    assert WEIGHTS[0][1] > 2 * 60
    assert others(before) == others(unbroken)
    assert {s["task"] for s in stops} == {f"org.{SICK}.in.v1/0", f"org.{SICK}.in.v1/1"}
    assert {x["error"] for x in mine} == {"refused"}
    assert 2 * 60 <= len(mine) < WEIGHTS[0][1]
    assert len([x for x in letters if x["service"] == "ingest"]) == len(mine) + broken
    assert sum(s["open"] for s in stats) == len(mine) + broken
    assert {f["entity"][:4] for f in incomplete} == {UNCOUNTED}
    assert {f["service"] for f in incomplete} == {"quota"}

    stack.sick = {}
    stack.up(say=lambda _line: None)  # the mend

    told = trappetrin(stack, "dlq", "redrive", "--json", "--organisation", SICK, "--dry-run")
    assert told["redriven"] == sum(x["organisation"] == SICK for x in letters)
    assert len(trappetrin(stack, "dlq", "list", "--json")) == len(letters)

    for whom in (SICK, UNCOUNTED):
        trappetrin(stack, "dlq", "redrive", "--organisation", whom, "--reason", "this release", "--why", "mended")
    trappetrin(stack, "dlq", "resume", "ingest", f"org.{SICK}.in.v1", "--why", "mended by the next release")

    assert live(stack) == {**unbroken, "refused": None}
    assert trappetrin(stack, "dlq", "incomplete", "--json") == []
    assert trappetrin(stack, "dlq", "stops", "--json") == []
    assert current(of(stack))["refused"] == unbroken["refused"]
    assert_versions_are_whole(stack)

    known = trappetrin(stack, "state", "--json", "--as-of", then)
    assert counted(known) == counted(before)
    assert trappetrin(stack, "state", "--json", "--as-of", "2099-01-01") == current(of(stack))

    trappetrin(stack, "dlq", "discard", "--service", "ingest", "--why", "never meant to be right")
    assert trappetrin(stack, "dlq", "list", "--json") == []
    [one] = [x for x in trappetrin(stack, "dlq", "list", "--json", "--all") if x["status"] == "discarded"][:1]
    assert (one["by"], one["why"]) == (OPERATOR, "never meant to be right")
