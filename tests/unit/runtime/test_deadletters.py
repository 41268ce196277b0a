"""A dead letter keeps what came, says why, and always fits."""

from datetime import UTC, datetime

import pytest

from shared.runtime.contract import Record
from shared.runtime.deadletters import LARGEST, dead_letter, first_offset, redriven
from shared.runtime.packing import pack, unpack

AT = datetime(2026, 1, 2, 8, tzinfo=UTC)


def test_keeps_what_came_and_says_why() -> None:
    record = Record("org.0123.in.v1", 1, 7, b"k", None, (("x", None), ("y", b"\xff")))

    letter = dead_letter(record, 1, "must be a day", "Invalid", AT)

    assert letter[:3] == (1, b"k", None)
    assert list(letter.headers) == [
        ("x", None),
        ("y", b"\xff"),
        ("dead_letter_reason", b"must be a day"),
        ("dead_letter_error", b"Invalid"),
        ("dead_letter_topic", b"org.0123.in.v1"),
        ("dead_letter_partition", b"1"),
        ("dead_letter_offset", b"7"),
        ("dead_letter_time", b"2026-01-02T08:00:00.000000Z"),
    ]


@pytest.mark.parametrize(
    "record",
    [
        Record("t", 0, 0, b"k", b"v" * (LARGEST + 1)),
        Record("t", 0, 0, b"k" * (LARGEST + 1), b"v"),
        Record("t", 0, 0, b"k", b"v" * LARGEST, (("h", b"x" * (LARGEST + 1)),)),
    ],
)
def test_always_fits(record: Record) -> None:
    letter = dead_letter(record, 0, "too large\ud800", "e" * 5_000, AT)

    assert letter.size() <= LARGEST
    assert dict(letter.headers)["dead_letter_cut"] == str(len(record.value or b"")).encode()
    assert letter.value


@pytest.mark.parametrize("headers", [[("x" * 70_000, b"v")], [("æ" * 33_000, b"v")], [("h", b"")] * 65_530])
def test_headers_that_cannot_be_kept_are_left_out_and_counted(headers: list[tuple[str, bytes | None]]) -> None:
    letter = dead_letter(Record("t", 0, 0, b"k", b"v", headers), 0, "why", "Invalid", AT)

    assert unpack(pack([letter])) == [letter._replace(headers=tuple(letter.headers))]
    assert (letter.key, letter.value) == (b"k", b"v")
    assert {name for name, _ in letter.headers if not name.startswith("dead_letter_")} == set()
    assert dict(letter.headers)["dead_letter_left_out"] == str(len(headers)).encode()


def test_a_name_that_is_not_utf_8_is_escaped_and_counted() -> None:
    headers = [("\udcff\udcfe", b"\xff"), ("good", b"v"), ("æ", None)]
    letter = dead_letter(Record("t", 0, 0, b"k", b"v", headers), 0, "why", "Invalid", AT)

    assert [h for h in letter.headers if not h[0].startswith("dead_letter_")] == [
        (r"\xff\xfe", b"\xff"),
        ("good", b"v"),
        ("æ", None),
    ]
    assert dict(letter.headers)["dead_letter_escaped"] == b"1"


def test_what_a_sender_calls_as_we_do_is_not_taken_for_ours() -> None:
    theirs = [("dead_letter_cut", b"x"), ("dead_letter_left_out", b"1"), ("dead_letter_\udcff", b""), ("y", b"v")]
    letter = dead_letter(Record("t", 0, 0, b"k", b"v", theirs), 0, "why", "Invalid", AT)

    assert [name for name, _ in letter.headers if not name.startswith("dead_letter_")] == ["y"]
    assert {name for name, _ in letter.headers if name.startswith("dead_letter_")} == {
        f"dead_letter_{name}" for name in ("reason", "error", "topic", "partition", "offset", "time")
    }


def test_a_redriven_letter_is_what_came_and_says_where_it_came_first() -> None:
    record = Record("vacancies.v1", 4, 7, b"0123-001", b"{}", (("x", None), ("y", b"\xff")))
    for attempt in (1, 2):
        letter = dead_letter(record, 4, "must be a day", "Invalid", AT)
        headers = redriven(
            Record("quota.dead-letters.v1", 4, 99, letter.key, letter.value, letter.headers), record.offset
        )
        record = Record("vacancies.v1", 4, 100 + attempt, letter.key, letter.value, headers)

        assert record.value == b"{}"
        assert headers == [
            ("x", None),
            ("y", b"\xff"),
            ("redrive_offset", b"7"),
            ("redrive_attempt", str(attempt).encode()),
        ]
        assert first_offset(record) == 7


@pytest.mark.parametrize("told", [b"", None, b"-1", b"x", b"\xff", b"9" * 40, b"12"])
def test_a_redrive_header_that_cannot_be_true_is_not_believed(told: bytes | None) -> None:
    assert first_offset(Record("t", 0, 5, None, None, (("redrive_offset", told),))) == 5
