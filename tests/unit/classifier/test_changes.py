"""What a new colour timeline tells of how it differs from the one before: each stretch of days by itself."""

from datetime import UTC, date, datetime

import pytest

from shared.events.internal import Colours, Segment
from shared.events.values import Colour

AT = datetime(2026, 1, 2, tzinfo=UTC)
Line = dict[int, Colour]
"""By the year on whose first day a segment begins."""


def timeline(line: Line) -> Colours:
    segments = [Segment(from_=date(year, 1, 1), colour=colour, at_least=None) for year, colour in line.items()]
    return Colours(recorded_at=AT, afdeling_id="0123-001", agreements="a", timeline=segments)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            {2020: "green"},
            {2020: "green", 2021: "red", 2022: "green", 2023: "red"},
            [(2021, "green", "red"), (2023, "green", "red")],
        ),
        ({2020: "green", 2022: "yellow"}, {2020: "red"}, [(2020, "green", "red"), (2022, "yellow", "red")]),
        (
            {2020: "green"},
            {2020: "red", 2021: "yellow", 2022: "green"},
            [(2020, "green", "red"), (2021, "green", "yellow")],
        ),
        ({2021: "green"}, {2020: "green"}, [(2020, "unknown", "green")]),
        ({2020: "green", 2021: "red"}, {2020: "green", 2021: "red"}, []),
    ],
    ids=["twice the same", "two before", "two after", "earlier", "none"],
)
def test_each_stretch_that_differs_is_told(before: Line, after: Line, told: list[tuple[int, str, str]]) -> None:
    change = timeline(after).following(timeline(before)).change

    assert [(c.from_.year, c.before, c.after) for c in change] == told


def test_one_stretch_is_told_once_however_many_segments_it_has() -> None:
    before, after = timeline({2020: "green"}), timeline({2020: "red"})
    manual = after.timeline[0].model_copy(update={"from_": date(2021, 1, 1), "manual": "p1"})
    after = after.model_copy(update={"timeline": [*after.timeline, manual]})

    assert [c.from_.year for c in after.following(before).change] == [2020]
