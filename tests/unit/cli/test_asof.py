"""What was known at an instant, whatever somebody has put among what was recorded."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from services.cli import asof, letters
from services.cli.main import app
from services.cli.system import System
from shared.runtime.contract import Record
from tests.edge import ORG, Edge
from tests.lying import log_of

POISON = [
    Record("afdelinger.v1", 0, 97, b"x", b"poison 1"),
    Record("afdelinger.v1", 0, 98, b"x", b"poison 2", (("ce_time", b"\xff"),)),
    Record("afdelinger.v1", 0, 99, b"x", b"poison 3", (("ce_time", b"2026-01-02T08:00:00"),)),
]
LETTER = Record("ingest.dead-letters.v1", 0, 0, b"x", b"poison", (("dead_letter_time", b"yesterday"),))


@pytest.fixture
def recorded() -> list[Record]:
    """Of two afdelinger, the first a second before the second."""

    async def send() -> list[Record]:
        edge = Edge()
        await edge.send(ORG, edge.event("afdeling.registered"))
        await edge.send(ORG, edge.event("afdeling.registered", afdeling_id="0123-002"))
        told = [(t, o) for t, o in edge.out if t == "afdelinger.v1"]
        return [Record(t, o.partition, n, o.key, o.value, o.headers) for n, (t, o) in enumerate(told)]

    return asyncio.run(send())


@pytest.mark.parametrize(
    ("instant", "known"),
    [("2026-01-02T08:00:01Z", {"0123-001"}), ("2026-01-03", {"0123-001", "0123-002"}), ("2026-01-01", set())],
)
def test_what_does_not_tell_its_time_is_left_out_and_counted(
    monkeypatch: pytest.MonkeyPatch, recorded: list[Record], instant: str, known: set[str]
) -> None:
    monkeypatch.setattr(asof, "find", lambda: System([], {}))
    monkeypatch.setattr(asof, "Log", log_of(*recorded, *POISON))
    monkeypatch.setattr(letters, "Log", log_of(LETTER))
    done = CliRunner().invoke(app, ["state", "--json", "--as-of", instant])

    assert done.exit_code == 0, done.exception
    assert done.stderr.strip() == "3 records do not tell when they were recorded: no service wrote them"
    assert json.loads(done.stdout)["afdelinger"].keys() == known
    assert json.loads(done.stdout)["refused"] == 0
