"""A record that became a dead letter stays out of a state that is made anew; another one in its place does not."""

from datetime import UTC, datetime

import pytest

from services.cli.ground.unusable import Letters
from shared.runtime.contract import Flaw, Record
from shared.runtime.deadletters import LARGEST, dead_letter, redriven

AT = datetime(2026, 1, 2, 8, tzinfo=UTC)
MOMENT = int(AT.timestamp() * 1_000)
CAME = Record("vacancies.v1", 3, 17, b"0123-001", b'{"x": 1}', (("ce_type", b"?"),), MOMENT)
FLAW = Flaw("0123-001", "vacancies.v1", 3, 17, "must be a day")
LARGE = CAME._replace(value=b"v" * (LARGEST + 1))


def letter_of(record: Record, reason: str = FLAW.why) -> Record:
    letter = dead_letter(record, 3, reason, "Invalid", AT)
    return Record("quota.dead-letters.v1", 3, 5, letter.key, letter.value, letter.headers, MOMENT)


def letters_of(*records: Record) -> Letters:
    letters = Letters()
    for record in records:
        letters.hear(letter_of(record))
    return letters


@pytest.mark.parametrize("came", [CAME, CAME._replace(value=None), LARGE, LARGE._replace(key=b"k" * LARGEST)])
def test_what_became_a_dead_letter_is_known_by_its_bytes(came: Record) -> None:
    letters = letters_of(came)

    assert letters.holds(came)
    assert [flaw[1:] for flaw in letters.flaws.values()] == [FLAW[1:]]


@pytest.mark.parametrize(
    ("came", "now"),
    [
        (CAME, CAME._replace(offset=18)),
        (CAME, CAME._replace(value=b'{"x": 2}')),
        (CAME, CAME._replace(key=b"0123-002")),
        (LARGE, LARGE._replace(value=b"v" * (LARGEST + 2))),
        (LARGE, LARGE._replace(value=b"w" * (LARGEST + 1))),
        (CAME, CAME._replace(timestamp=MOMENT + 3_600_000)),
    ],
    ids=["place", "value", "key", "length", "beginning", "written after the letter"],
)
def test_another_record_in_the_place_of_a_dead_letter_is_none(came: Record, now: Record) -> None:
    letters = letters_of(came)

    assert not letters.holds(now)
    assert letters.flaws == {}


def test_what_a_letter_left_incomplete_is_whole_when_it_was_sent_again_and_used() -> None:
    again = CAME._replace(offset=40, headers=redriven(letter_of(CAME), CAME.offset))
    once_more = again._replace(offset=50, headers=redriven(letter_of(again), again.offset))
    letters = letters_of(CAME, again)

    assert [letters.holds(r) for r in (CAME, again, once_more)] == [True, True, False]
    assert list(letters.flaws.values()) == [FLAW]

    letters.mended(once_more)

    assert letters.flaws == {}


def test_what_is_no_letter_of_ours_is_of_no_record() -> None:
    letters = Letters()
    letters.hear(CAME._replace(topic="quota.dead-letters.v1", headers=(("dead_letter_offset", b"x"),)))

    assert not letters.holds(CAME)


def test_a_letter_is_known_whatever_its_sender_had_called_as_we_do() -> None:
    """One that was made before such headers were left out."""
    letter = letter_of(CAME)
    letters = Letters()
    letters.hear(letter._replace(headers=(("dead_letter_cut", b"x"), *letter.headers)))

    assert letters.holds(CAME)
