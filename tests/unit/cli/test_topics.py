"""Whether `topics apply` lets those go on that wait for it: not every difference is in their way."""

import pytest
from typer.testing import CliRunner

from services.cli import topics
from shared.runtime.admin import Topics
from shared.runtime.planning import COPIES, FEWER, KEYED, LEFT, Change

FEWER_COPIES = Change("colours.v1", "refuse", "copies", "1", "3", COPIES)
STRANGE = Change("colours.v0", "unknown", why=LEFT)


def codes(monkeypatch: pytest.MonkeyPatch, *changes: Change) -> list[int]:
    """Of `plan` and of `apply`, where all that can be made is made."""
    monkeypatch.setattr(topics, "looked", lambda: (Topics(["127.0.0.1:1"]), list(changes)))
    return [CliRunner().invoke(topics.topics, words).exit_code for words in (["plan"], ["apply", "--yes"])]


def test_fewer_copies_are_told_and_stop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert codes(monkeypatch, FEWER_COPIES, STRANGE) == [1, 0]


@pytest.mark.parametrize("why", [FEWER, KEYED])
def test_another_number_of_partitions_stops_what_waits(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    assert codes(monkeypatch, FEWER_COPIES, Change("quotas.v1", "refuse", "partitions", "9", "6", why)) == [1, 1]


def test_what_is_only_strange_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert codes(monkeypatch, STRANGE) == [0, 0]


def test_where_nothing_differs_nothing_is_to_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    assert codes(monkeypatch) == [0, 0]
