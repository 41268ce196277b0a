"""Edges in memory, and the example files as they are sent."""

from pathlib import Path
from typing import Any

import pytest

from shared.events.decoding import route
from tests.edge import Edge

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def edge() -> Edge:
    return Edge()


@pytest.fixture(scope="session")
def new_edge() -> type[Edge]:
    """For properties, which need a fresh one for every example."""
    return Edge


@pytest.fixture
def routed() -> Any:
    """The lines of an example file, each with the topic that it is published to."""

    def lines(name: str) -> list[tuple[str, bytes]]:
        found = (ROOT / "examples" / name).read_bytes().splitlines()
        return [(route(line)[0], line) for line in found if line.strip()]

    return lines
