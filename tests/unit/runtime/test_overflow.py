"""A source that brings nothing but dead letters is stopped; one with a few among the good ones never is."""

import pytest

from shared.runtime.overflow import Overflow

SOURCE = ("org.0123.in.v1/0", "org.0123.in.v1")
D, G = "0123", None


def test_a_run_stops_whatever_the_batches() -> None:
    overflow = Overflow(run=5, share=1, window=1_000)

    assert [overflow.note(SOURCE, [D, D]) for _ in range(3)] == [None, None, "6 dead letters in a row"]


def test_a_good_record_ends_the_run() -> None:
    overflow = Overflow(run=5, share=1, window=1_000)

    assert [overflow.note(SOURCE, [D, D, D, D, G]) for _ in range(50)] == [None] * 50
    assert overflow.note(SOURCE, [D, D, D, D, D, G]) == "5 dead letters in a row"


@pytest.mark.parametrize(("every", "stops"), [(100, False), (3, False), (2, False), (1, True)])
def test_a_share_stops_when_there_is_enough_to_judge_by(every: int, stops: bool) -> None:
    """Of 2,000 records each n-th is broken; half is not more than half."""
    overflow = Overflow(run=10_000, share=0.5, window=1_000)
    told = [
        overflow.note(SOURCE, [D if n % every == 0 else G for n in range(at, at + 50)]) for at in range(0, 2_000, 50)
    ]

    assert (told[:19], any(told)) == ([None] * 19, stops)
    assert told[19] == ("1000 dead letters among the last 1000 records" if stops else None)


def test_what_was_good_long_ago_does_not_help() -> None:
    overflow = Overflow(run=10_000, share=0.5, window=100)
    good = overflow.note(SOURCE, [G] * 10_000)
    told = [overflow.note(SOURCE, [D, G, D]) for _ in range(40)]

    assert good is None
    assert next(t for t in told if t) == "68 dead letters among the last 102 records"


def test_small_batches_are_kept_together() -> None:
    overflow = Overflow(run=10_000, share=0.5, window=1_000)
    for n in range(5_000):
        assert overflow.note(SOURCE, [D if n % 2 else G]) is None
    counts = overflow.counts[SOURCE]

    assert len(counts.batches) <= 21
    assert 1_000 <= counts.records < 1_050
    assert counts.letters[D] == counts.records / 2
    assert (counts.records, counts.letters.total()) == (
        sum(records for records, _ in counts.batches),
        sum(letters.total() for _, letters in counts.batches),
    )
    told = [overflow.note(SOURCE, [D]) for _ in range(60)]
    assert next(t for t in told if t) == "501 dead letters among the last 1001 records"


def test_batches_of_any_size_are_kept_in_few_parts() -> None:
    overflow = Overflow(run=10_000, share=0.5, window=1_000)
    for n in range(500):
        overflow.note(SOURCE, [G] * (50 if n % 2 else 1))

    assert len(overflow.counts[SOURCE].batches) <= 21


def test_sources_are_counted_apart_and_anew() -> None:
    overflow = Overflow(run=3, share=1, window=100)
    overflow.note(SOURCE, [D, D])
    overflow.note(("org.0456.in.v1/0", "org.0456.in.v1"), [D, D])
    overflow.forget(SOURCE[0])

    assert overflow.note(SOURCE, [D]) is None
    assert overflow.note(("org.0456.in.v1/0", "org.0456.in.v1"), [D]) == "3 dead letters in a row"


def test_where_a_task_is_everyones_one_party_stops_nobody() -> None:
    overflow = Overflow(run=5, share=1, window=1_000, everyones=True)
    told = [overflow.note(SOURCE, ["0123"] * 40 + ["0456"]) for _ in range(3)]

    assert told == [None] * 3
    assert overflow.note(SOURCE, ["0456", "0789"]) == "5 dead letters in a row"


def test_where_a_task_is_everyones_what_is_nobodys_stops_it() -> None:
    overflow = Overflow(run=5, share=1, window=1_000, everyones=True)

    assert overflow.note(SOURCE, [""] * 4 + ["0123"] * 9) is None
    assert overflow.note(SOURCE, [""]) == "5 dead letters in a row"


def test_where_a_task_is_everyones_the_share_is_that_of_the_others() -> None:
    overflow = Overflow(run=1_000, share=0.3, window=100, everyones=True)
    one = [overflow.note(SOURCE, ["0123"] * 9 + [G]) for _ in range(20)]
    mixed = [overflow.note(SOURCE, ["0123", "0456", "0789", G]) for _ in range(60)]

    assert one == [None] * 20
    assert next(t for t in mixed if t) == "32 dead letters among the last 104 records"
