"""Lag in records and in seconds: never more than it is, but for what was there before anybody looked."""

from shared.runtime.contract import Record
from shared.runtime.lag import MOST, Behind, Lag

PLACE = ("vacancies.v1", 3)


def look(lag: Lag, now: float, end: int, position: int | None) -> Behind | None:
    return lag.look(now, {PLACE: end}, {} if position is None else {PLACE: position}).get(PLACE)


def test_what_is_consumed_is_no_lag() -> None:
    assert look(Lag(), 100, 7, 7) == Behind(0, 0)


def test_a_record_is_as_old_as_the_look_that_saw_it_first() -> None:
    lag = Lag()

    assert look(lag, 100, 7, 7) == Behind(0, 0)
    assert look(lag, 105, 8, 7) == Behind(1, 0)
    assert look(lag, 110, 9, 7) == Behind(2, 5)
    assert look(lag, 115, 9, 8) == Behind(1, 5)
    assert look(lag, 120, 9, 9) == Behind(0, 0)
    assert look(lag, 125, 10, 9) == Behind(1, 0)


def test_what_was_there_before_the_first_look_is_as_old_as_what_was_committed_before_it() -> None:
    lag = Lag()

    assert look(lag, 1000, 50, 10) == Behind(40, 0)

    lag.consumed([Record(*PLACE, offset, None, None, timestamp=400_000 + offset) for offset in range(10, 20)])

    assert look(lag, 1005, 50, 20) == Behind(30, 1005 - 400.019)
    assert look(lag, 1010, 60, 50) == Behind(10, 0)


def test_of_a_source_that_is_stopped_not_every_look_is_remembered() -> None:
    lag, looks = Lag(), 3 * MOST
    for n in range(looks):
        look(lag, n, 7 + n, 7)

    assert MOST / 2 <= len(lag.grown[PLACE]) <= MOST
    assert look(lag, looks, 6 + looks, 7) == Behind(looks - 1, looks - 1)
    assert look(lag, looks, 6 + looks, 5 + looks) == Behind(1, 1)


def test_while_nothing_is_known_of_a_task_its_last_position_counts() -> None:
    lag = Lag()

    assert look(lag, 100, 7, None) is None
    assert look(lag, 105, 7, 7) == Behind(0, 0)
    assert look(lag, 110, 9, None) == Behind(2, 0)
    assert look(lag, 170, 9, None) == Behind(2, 60)


def test_a_partition_that_went_to_another_process_is_forgotten() -> None:
    lag = Lag()
    look(lag, 100, 9, 7)
    lag.consumed([Record(*PLACE, 7, None, None, timestamp=1)])

    assert lag.look(105, {}, {}) == {}
    assert (lag.grown, lag.unwatched, lag.positions, lag.last) == ({}, {}, {}, {})
