"""Parked events on the console: which are meant, where their bytes are, and what became of a discard."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.cli import parked
from services.cli.main import app
from services.cli.system import System
from shared.runtime.contract import Record
from tests.edge import ORG, STRUCTURED, Edge
from tests.lying import log_of

AT = datetime(2026, 1, 2, 8, tzinfo=UTC)
ODD = "[/x]"
WAITS = {
    "afdeling": "0123-010", "event_id": ODD, "type": "dk.trappetrin.vacancy.reported.v1", "since": AT.isoformat(),
    "topic": ORG, "partition": 0, "offset": 7,
}  # fmt: skip

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command while one event waits, where this value lies in its place."""

    def run(*words: str, lies: bytes | None = None) -> Result:
        answers = {"/progress": {"releasable": 3}}
        monkeypatch.setattr(System, "ask", lambda _system, _service, path: answers.get(path, [WAITS]))
        monkeypatch.setattr(parked, "find", lambda: System([], {}))
        records = [] if lies is None else [Record(ORG, 0, 7, b"k", lies, STRUCTURED)]
        monkeypatch.setattr(parked, "Log", log_of(*records))
        return CliRunner().invoke(app, ["parked", *words])

    return run


@pytest.mark.parametrize("words", [[], ["list"]])
def test_an_event_is_listed_by_the_id_that_its_sender_gave_it(run: Run, words: list[str]) -> None:
    done = run(*words)

    assert done.exit_code == 0, done.exception
    assert ODD in done.stdout


@pytest.mark.parametrize("command", [["list"], ["redrive"], ["discard", "--why", "spoilt", "--by", "drift-7"]])
def test_a_number_that_no_afdeling_can_have_is_refused(run: Run, command: list[str]) -> None:
    done = run(*command, "--afdeling", "0123-1")

    assert done.exit_code == 2
    assert "four digits, a hyphen and three" in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("lies", "told", "raw"),
    [
        (Edge().event("vacancy.reported", ODD), f"value: {Edge().event('vacancy.reported', ODD)!r}", 0),
        (Edge().event("vacancy.reported", "e-2"), "which was made anew: event e-2 lies there now", 1),
        (b"{}", "which was made anew: a record without an event's id lies there now", 1),
        (None, "its original bytes are gone from the topic", 1),
    ],
)
def test_only_the_events_own_bytes_are_shown(run: Run, lies: bytes | None, told: str, raw: int) -> None:
    shown, bare = run("show", ODD, lies=lies), run("show", ODD, "--raw", lies=lies)

    assert shown.stdout.strip().endswith(told)
    assert bare.exit_code == raw
    assert bare.stdout_bytes == (b"" if raw else lies)


@pytest.mark.parametrize(("organisation", "number"), [("0123", 1), ("0124", 0)])
def test_of_which_events_each_number_is(run: Run, organisation: str, number: int) -> None:
    told = run("redrive", "--organisation", organisation).stdout

    assert told == f"3 of all parked events are being released or discarded; of those chosen {number} are parked\n"


def test_a_discard_is_asked_for_by_place_and_id_and_is_not_done_yet(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[Any]()

    class Connection:
        async def fetch(self, *told: object) -> list[str]:
            asked.append(told[3:])
            return ["v1"]

    monkeypatch.setattr(parked, "database", lambda _system, work: asyncio.run(work(Connection())))
    done = run("discard", "--event", ODD, "--why", "spoilt", "--by", "drift-7")

    assert asked == [([ORG], [0], [7], [ODD])]
    assert done.stdout == "1 parked events will be discarded; `trappetrin parked discarded` tells when it is done\n"


@pytest.mark.parametrize(
    ("done_at", "late", "told"),
    [(AT, False, "2026-01-02 08:00:00"), (None, False, "not yet"), (None, True, "it came too late")],
)
def test_what_became_of_a_discard(
    run: Run, monkeypatch: pytest.MonkeyPatch, done_at: datetime | None, late: bool, told: str
) -> None:
    row = {
        "key": "v1", "revision": 1, "at": AT.replace(year=2025), "by": "drift-7", "why": "[see mail]",
        "done_at": done_at, "too_late": late,
    }  # fmt: skip
    monkeypatch.setattr(parked, "database", lambda _system, _work: [row])

    assert told in " ".join(run("discarded").stdout.split())
    assert "[see mail]" in run("discarded").stdout
    assert json.loads(run("discarded", "--json").stdout)[0]["too_late"] is late
