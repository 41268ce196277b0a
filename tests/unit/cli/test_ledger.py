"""A ledger for people, in two languages; and one that is not as it was written is named."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from services.cli.evaluate import lines_of
from services.cli.explained.words import Language
from services.cli.journal import Broken, ledgers
from services.cli.ledger import show
from services.cli.screen import screen
from services.cli.statement.figures import REASONS as COLUMNS
from services.cli.words import COLOURS, LINES, REASONS, standing
from shared.events.internal import Entry, Reversal
from shared.events.values import Colour
from shared.runtime.contract import Written
from tests.statements import Books

SMALL = Path(__file__).resolve().parents[3] / "examples" / "small.ndjson"


@pytest.fixture(scope="module")
def small() -> Books:
    return Books(told for *_, told in lines_of([SMALL]))


# Words


def test_every_code_has_its_words_in_both_languages() -> None:
    assert LINES.keys() == {*get_args(Entry), *get_args(Reversal)}
    assert REASONS.keys() == set(COLUMNS)
    assert COLOURS.keys() == set(get_args(Colour))


@pytest.mark.parametrize(
    ("language", "counted", "back", "stands"),
    [
        (
            "en",
            "1 2025-01-01 home counted (colour unknown) 0123-001/1 +1 counting 1 counting",
            "11 2025-01-01 line 1 taken back: another colour that day 0123-001/1 -1 counting 6 counting",
            "1 due, 2 reported, 1 in credit, next due in 1",
        ),
        (
            "da",
            "1 2025-01-01 bolig talt med (ukendt farve) 0123-001/1 +1 tæller 1 tæller",
            "11 2025-01-01 linje 1 tilbageført: en anden farve den dag 0123-001/1 -1 tæller 6 tæller",
            "1 skal indmeldes i alt, 2 er indmeldt, 1 til gode, pligten vokser igen ved ledig bolig nr. 1 herfra",
        ),
    ],
)
def test_the_ledger_in_words(
    small: Books, capsys: pytest.CaptureFixture[str], *, language: str, counted: str, back: str, stands: str
) -> None:
    afdeling = "0123-001"
    lines = [kept.line for kept in small.ledgers[afdeling]]
    show(afdeling, lines, small.quotas[afdeling].model_dump(mode="json"), screen(), Language(language))
    told = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]

    assert counted in told
    assert back in told
    assert told[-1] == stands


@pytest.mark.parametrize(
    ("quota", "told"),
    [
        ({"owed": 1, "credit": 0, "next_due_in": 2}, "3 due, 2 reported, 1 owed, next due in 2"),
        (
            {"owed": 1, "credit": 0, "next_due_in": 2, "owed_since": "2024-03-01", "next_must_be_reported": True},
            "3 due, 2 reported, 1 owed since 2024-03-01, the next one must be reported",
        ),
        ({"owed": 0, "credit": 0, "next_due_in": None}, "3 due, 2 reported, even, no next one due"),
    ],
)
def test_where_an_afdeling_stands(quota: dict[str, object], told: str) -> None:
    assert standing({"due": 3, "reported": 2, **quota}, Language.en) == told


# A ledger that is not as it was written


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda w: w._replace(body=w.body.replace('"share":"1/4"', '"share":"5/4"')), "3 of the ledger .* was altered"),
        (lambda w: w._replace(hash="0" * 64), "3 of the ledger .* was altered"),
        (lambda w: w._replace(number=4), "3 of the ledger .* is missing"),
    ],
    ids=["a byte", "a hash", "a line"],
)
def test_what_was_altered_or_removed_is_named(small: Books, change: Callable[[Written], Written], why: str) -> None:
    kept = [change(w) if (w.entity, w.number) == ("0123-001", 3) else w for w in small.written]

    with pytest.raises(Broken, match=f"line {why}"):
        ledgers(kept)


def test_a_line_that_was_written_anew_with_its_hash_is_betrayed_by_the_next(small: Books) -> None:
    first, second, third, *_ = small.written

    with pytest.raises(Broken, match="line 2 of the ledger of 0123-001 does not name the hash of the line before it"):
        ledgers([first, third._replace(number=2, hash=third.hash), second])
