"""A stand of the tests' own, fresh for each module."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.stand import Stand


@pytest.fixture(scope="module")
def stand(folder: Path, say: Callable[[str], None]) -> Iterator[Stand]:
    """Two replicas of every service, with doors before them."""
    stand = Stand(folder)
    try:
        stand.up(2, say=say)
        yield stand
    finally:
        stand.close()
