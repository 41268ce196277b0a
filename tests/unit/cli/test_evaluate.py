"""The examples of the agreement, offline: in any order, and twice."""

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.evaluate import fold_files, lines_of
from services.cli.main import app

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
NOT_JSON = "must be JSON: Expecting value: line 1 column 1 (char 0)"
SMALL, REFUSED = EXAMPLES / "small.ndjson", EXAMPLES / "refused.ndjson"


def expected(name: str) -> object:
    return json.loads((EXAMPLES / f"{name}.expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("seed", range(10))
def test_small_in_any_order_with_every_event_twice(seed: int, tmp_path: Path) -> None:
    lines = SMALL.read_bytes().splitlines() * 2
    random.Random(seed).shuffle(lines)
    file = tmp_path / "shuffled.ndjson"
    file.write_bytes(b"\n".join(lines))
    state = fold_files([file]).state

    assert state == expected("small")


def test_small_as_the_command_prints_it() -> None:
    result = CliRunner().invoke(app, ["evaluate", str(SMALL), "--json"])

    assert json.loads(result.stdout) == expected("small")
    assert result.exit_code == 0


def test_refused_in_the_given_order() -> None:
    result = CliRunner().invoke(app, ["evaluate", str(REFUSED), "--json"])
    sentences = [s.removeprefix(f"refused {REFUSED}:") for s in result.stderr.splitlines()]

    assert json.loads(result.stdout) == expected("refused")
    assert len(sentences) == 10
    assert sentences[2] == (
        '14: data.rent_monthly must be a decimal number as text with a point, for example "3500.50", '
        "with at most 20 digits on either side of it: '3.500,00'"
    )
    assert sentences[-1] == "26: data.approved_by must be another actor than proposed_by: 'strategisk gruppe'"


def test_what_waits_for_its_afdeling_is_told(tmp_path: Path) -> None:
    file = tmp_path / "parked.ndjson"
    file.write_bytes(next(line for line in SMALL.read_bytes().splitlines() if b"vacancy.reported" in line))
    result = CliRunner().invoke(app, ["evaluate", str(file), "--json"])

    assert result.stderr == "parked 1: afdeling 0123-001 is not registered\n"


def test_the_sentence_names_the_file_and_the_line(tmp_path: Path) -> None:
    one, two = tmp_path / "one.ndjson", tmp_path / "two.ndjson"
    one.write_bytes(b"\n" + SMALL.read_bytes().splitlines()[0] + b"\n")
    two.write_bytes(b"\n\nnot json\r\n")
    refused = fold_files([one, two]).refused

    assert [(r.file, r.line, r.field, r.rule) for r in refused] == [(str(two), 3, "value", NOT_JSON)]
    assert [n for _, n, _ in lines_of([one, two])] == [2, 3]


def test_a_file_that_is_not_there_is_named() -> None:
    result = CliRunner(env={"COLUMNS": "300"}).invoke(app, ["evaluate", "nowhere.ndjson"])

    assert result.exit_code == 2
    assert "nowhere.ndjson" in result.output
