"""Dead letters whatever a sender wrote, and what operators choose of them."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.cli import acts, dlq, letters
from services.cli.acts import Act, Place
from services.cli.letters import Choice, Letter, of_record
from services.cli.main import app
from services.cli.marks import mark_of
from services.cli.redrive import Outcome, original
from services.cli.system import System, Unreachable
from shared.events.values import zulu
from shared.runtime.app import FLAWS_AT_MOST
from shared.runtime.contract import Record
from shared.runtime.deadletters import dead_letter
from tests.lying import log_of

AT = datetime(2026, 1, 2, 8, tzinfo=UTC)
CAME = Record("vacancies.v1", 3, 17, b"0123-001", b'{"x": 1}', (("ce_type", b"?"),))
THEIRS = (("dead_letter_cut", b"x"), ("dead_letter_left_out", b"1"), ("dead_letter_reason", b"none"))
KNOWN, NOBODY = System([], {}, "postgresql://nowhere/none"), System([], {})
WORDS = {"discard": ["--why", "spoilt", "--by", "drift-7"], "redrive": ["--by", "drift-7"]}


def lying(offset: int = 0, reason: str = "must be a day") -> Record:
    """The letter as it lies in its topic."""
    letter = dead_letter(CAME, 3, reason, "Invalid", AT)
    return Record("quota.dead-letters.v1", 3, offset, letter.key, letter.value, letter.headers)


class Desk:
    """Where an operator sits: `sent` and `discarded` are the offsets of the letters that were."""

    def __init__(self) -> None:
        self.sent, self.discarded = list[int](), list[int]()

    def resend(self, _system: System, chosen: Sequence[Letter], *_: object, dry_run: bool) -> Outcome:
        self.sent += [letter.record.offset for letter in chosen]
        return Outcome()

    def add(self, _system: System, _act: str, places: Sequence[Place], *_: object) -> None:
        self.discarded += [place.offset for place in places]

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["dlq", *words, *WORDS.get(words[0], ())])


Sit = Callable[..., Desk]


@pytest.fixture
def sit(monkeypatch: pytest.MonkeyPatch) -> Sit:
    """At these letters, of which some were handled, by their offsets."""

    def sit(*records: Record, handled: Mapping[int, str] | None = None, system: System = KNOWN) -> Desk:
        desk, done = Desk(), {}
        for offset, act in (handled or {}).items():
            done[Place("quota", 3, offset, zulu(AT))] = Act(act, "drift-1", "[see mail]", AT)
        monkeypatch.setattr(letters, "Log", log_of(*records))
        monkeypatch.setattr(dlq, "find", lambda: system)
        if system.dsn:
            monkeypatch.setattr(letters, "acts", lambda _system: done)
        monkeypatch.setattr(dlq, "resend", desk.resend)
        monkeypatch.setattr(acts, "add", desk.add)
        monkeypatch.setattr(acts, "stops", lambda _system: [])
        return desk

    return sit


# What a sender wrote


def test_a_letter_is_read_by_our_headers_also_where_its_senders_lie_before_them() -> None:
    """As in letters that were made before a sender's own were left out."""
    plain = lying()
    letter = of_record(plain._replace(headers=(*THEIRS, *plain.headers)))

    assert letter.shown() == of_record(plain).shown()
    assert (letter.ours, letter.cut, letter.bare, letter.reason) == (True, False, False, "must be a day")
    assert mark_of(letter) == mark_of(of_record(plain))


@pytest.mark.parametrize(
    "headers",
    [
        (),
        THEIRS,
        (("dead_letter_topic", b"vacancies.v1"), ("dead_letter_partition", b"x"), ("dead_letter_offset", b"9" * 20)),
        (*lying().headers, ("dead_letter_time", b"yesterday")),
    ],
)
def test_what_no_service_has_made_is_shown_and_never_sent(
    sit: Sit, headers: Sequence[tuple[str, bytes | None]]
) -> None:
    foreign, outcome = lying()._replace(headers=headers), Outcome()
    told = json.loads(sit(foreign).run("list", "--json", "--since", "2026-01-01").stdout)
    shown = sit(foreign).run("show", "quota/3/0")

    assert told == []
    assert shown.exit_code == 0, shown.exception
    assert list(original(KNOWN, of_record(foreign), outcome)) == []
    assert "no service has made it" in outcome.failed[0]["why"]


@pytest.mark.parametrize("command", [["list"], ["list", "--all"], ["stats"]])
def test_a_reason_is_listed_as_it_is(sit: Sit, command: list[str]) -> None:
    done = sit(lying(reason="data.[/x] order[abc]")).run(*command)

    assert done.exit_code == 0, done.exception
    assert "data.[/x]" in done.stdout
    assert "order[abc]" in done.stdout


def test_values_are_kept_where_they_are_wanted(sit: Sit) -> None:
    desk = sit(lying())
    [whole], [light] = (letters.read(KNOWN, Choice(), values=wanted) for wanted in (True, False))

    assert (whole.record.value, light.record.value) == (CAME.value, None)
    assert whole.shown() == light.shown()
    assert [one["bytes"] for one in json.loads(desk.run("list", "--json").stdout)] == [len(CAME.value or b"")]


# What is chosen


@pytest.mark.parametrize("command", ["list", "stats", "redrive", "discard"])
@pytest.mark.parametrize("reason", ["", " "])
def test_an_empty_reason_chooses_nothing(sit: Sit, command: str, reason: str) -> None:
    desk = sit(lying())
    done = desk.run(command, "--reason", reason)

    assert (done.exit_code, desk.sent, desk.discarded) == (2, [], [])
    assert "must have some of the reason's words" in done.stderr


HANDLED = {1: "discarded", 2: "redriven"}


@pytest.mark.parametrize(
    ("words", "sent", "problem"),
    [
        ([], [0], ""),
        (["--at", "quota/3/1"], [1], ""),
        (["--at", "quota/3/0", "--at", "quota/3/2"], [0], "not sent quota/3/2: it is redriven already"),
        (["--at", "quota/3/9"], [], "not sent quota/3/9: there is none such among the chosen"),
        (["--at", "quota/3/0", "--reason", "else"], [], "not sent quota/3/0: there is none such among the chosen"),
    ],
)
def test_what_is_redriven(sit: Sit, words: list[str], sent: list[int], problem: str) -> None:
    desk = sit(lying(0), lying(1), lying(2), handled=HANDLED)
    done = desk.run("redrive", *words)

    assert desk.sent == sent
    assert (done.exit_code, done.stderr.strip()) == (1 if problem else 0, problem)


@pytest.mark.parametrize(
    ("words", "discarded", "problem"),
    [
        (["--at", "quota/3/0"], [0], ""),
        (["--at", "quota/3/0", "--at", "quota/3/1"], [0], "not discarded quota/3/1: it is discarded already"),
        (["--at", "quota/3/9"], [], "not discarded quota/3/9: there is none such among the chosen"),
        (["--all"], [0], ""),
    ],
)
def test_what_is_discarded(sit: Sit, words: list[str], discarded: list[int], problem: str) -> None:
    desk = sit(lying(0), lying(1), lying(2), handled=HANDLED)
    done = desk.run("discard", *words)

    assert desk.discarded == discarded
    assert (done.exit_code, done.stderr.strip()) == (1 if problem else 0, problem)


def test_all_are_listed_with_what_was_done_by_whom_and_why(sit: Sit) -> None:
    told = sit(lying(0), lying(1), handled=HANDLED).run("list", "--all").stdout

    assert [word for word in ("open", "discarded", "drift-1:", "[see", "mail]") if word not in told] == []


def test_without_a_database_nobody_knows_what_is_open(sit: Sit) -> None:
    desk = sit(lying(0), lying(1), system=NOBODY)
    listed, counted = desk.run("list", "--json"), desk.run("stats", "--json")

    assert [one["status"] for one in json.loads(listed.stdout)] == ["unknown", "unknown"]
    assert [(one["unknown"], one.get("open")) for one in json.loads(counted.stdout)] == [(2, None)]
    for done in (listed, counted, desk.run("show", "quota/3/0")):
        assert "No database is known" in done.stderr
    for words in (["redrive"], ["redrive", "--dry-run"], ["discard", "--all"], ["discard", "--all", "--dry-run"]):
        assert isinstance(desk.run(*words).exception, Unreachable)
    assert (desk.sent, desk.discarded) == ([], [])


def test_where_not_all_that_is_missing_is_told_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    flaw = {"entity": "[/x]", "topic": "vacancies.v1", "partition": 3, "offset": 17, "why": "must be a day"}

    def ask(_system: Any, service: str, _path: str) -> list[Any]:
        return [flaw] * (2 if service == "quota" else 1)

    monkeypatch.setattr(System, "ask", ask)
    monkeypatch.setattr(dlq, "find", lambda: NOBODY)
    whole = CliRunner().invoke(app, ["dlq", "incomplete"])
    monkeypatch.setattr(dlq, "FLAWS", 2)
    cut = CliRunner().invoke(app, ["dlq", "incomplete"])

    assert (whole.exit_code, whole.stderr) == (0, "")
    assert "[/x]" in whole.stdout
    assert cut.stderr.startswith("Of quota only the first 2 are told;")


def test_a_service_tells_as_many_as_the_console_takes_it_to() -> None:
    assert dlq.FLAWS == FLAWS_AT_MOST == 10_000
