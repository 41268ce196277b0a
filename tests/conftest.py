"""A stack of the tests' own: real Kafka, real PostgreSQL, real processes, in a folder that goes with them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from shared.logging import configure_console


@pytest.fixture(scope="session", autouse=True)
def only_errors_are_logged() -> None:
    configure_console()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="module")
def stack(folder: Path, say: Callable[[str], None]) -> Iterator[Stack]:
    """Two replicas of every service; fresh for each module, gone after it."""
    stack = Stack(folder)
    try:
        stack.up(2, say=say)
        yield stack
    finally:
        stack.down(delete_data=True, say=say)


@pytest.fixture(scope="session")
def say() -> Callable[[str], None]:
    return lambda _line: None
