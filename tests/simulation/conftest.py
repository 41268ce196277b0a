"""No logs: the faults are wanted."""

from collections.abc import Iterator

import pytest

from shared.logging import configure_console
from tests.simulation.run import quiet


@pytest.fixture(autouse=True)
def nothing_is_told() -> Iterator[None]:
    quiet()
    yield
    configure_console()
