"""Every event twice, in any order, through two replicas of every service."""

import random
from pathlib import Path

from deploy.local.stack import Stack
from services.cli.evaluate import lines_of
from tests.e2e.checks import assert_versions_are_whole, expected, live, published

SMALL = Path(__file__).parents[2] / "examples" / "small.ndjson"


def test_shuffled_and_doubled_events_end_in_the_state_of_evaluate(stack: Stack) -> None:
    lines = list(lines_of([SMALL]))
    shuffled = lines * 2
    random.Random(20260101).shuffle(shuffled)

    published(stack, shuffled)

    assert live(stack) == expected(lines)
    assert_versions_are_whole(stack)
