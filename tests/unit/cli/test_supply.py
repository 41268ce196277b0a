"""The usable supply of several afdelinger, added up by rent band and number of rooms, and told."""

from pathlib import Path

import pytest

from services.cli.evaluate import lines_of
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from services.cli.screen import screen
from services.cli.supply import FIGURES, as_told, show, total
from tests.statements import Books

SMALL = Path(__file__).resolve().parents[3] / "examples" / "small.ndjson"


def test_all_shelves_are_those_of_the_afdelinger_together() -> None:
    supplies = Books(line(e).encode() for e in simulate(5, 5)).supplies
    told = as_told(supplies)
    places = [(shelf["band"], shelf["rooms"]) for shelf in told["all"]["shelves"]]

    assert {n: told["all"][n] for n in FIGURES} == total(s for one in supplies.values() for s in one.shelves)
    assert told["all"]["reported"] > told["all"]["relevant"] > told["all"]["used"] > 0
    assert len(places) == len(set(places))


def test_the_screen_tells_the_three_figures_apart(capsys: pytest.CaptureFixture[str]) -> None:
    books = Books(told for *_, told in lines_of([SMALL]))
    show({"0123-001": books.supplies["0123-001"]}, screen())
    lines = capsys.readouterr().out.splitlines()

    assert lines[0] == "Usable supply of 0123-001: reported → relevant → used"
    assert [cell.strip() for cell in lines[-2].split("│")[1:-1]] == ["all", "", "2", "1", "0"]
