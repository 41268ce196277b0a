"""Each explanation as it is read, in both languages, byte for byte; made from records of a real offline evaluation.

After a wanted change: `TRAPPETRIN_REWRITE=1 .venv/bin/pytest tests/unit/explained`, then read what has changed.
"""

import os
from pathlib import Path

import pytest

from services.cli.explained import explanation
from services.cli.explained.lines import as_text
from services.cli.explained.words import Language
from services.matching.domain.reasons import TABLE
from tests.unit.explained.cases import CASES, latest

HERE = Path(__file__).parent
SCREEN = 55
"""Lines of one screen."""


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", CASES)
def test_text(name: str, language: Language) -> None:
    file, (record, life) = HERE / f"{name}.{language}.txt", latest(name)
    text = as_text(explanation(record, life, language), language)
    if os.environ.get("TRAPPETRIN_REWRITE"):
        file.write_text(text, encoding="utf-8")

    assert file.read_text(encoding="utf-8") == text
    assert len(text.splitlines()) <= SCREEN


def test_each_reason_has_a_text() -> None:
    found = {name: {r.code for r in latest(name)[0].reasons} for name in CASES}

    assert {code for code in TABLE if code not in found.get(code, ())} == set()


def test_no_text_is_left_over() -> None:
    assert {f.name for f in HERE.glob("*.txt")} == {f"{name}.{language}.txt" for name in CASES for language in Language}
