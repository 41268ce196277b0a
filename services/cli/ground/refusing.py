"""What stops a command for the bad day: one sentence for whoever runs it, and an exit code of its own."""

from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

import asyncpg
import typer
from confluent_kafka import KafkaException
from rich.console import Console

from services.cli.ground.reading import Impossible
from services.cli.ground.shadow import Moved
from services.cli.screen import screen
from services.cli.system import Unreachable
from shared.database.migrations import MigrationFailed, OthersLive, OtherVersion

SENTENCES = (Impossible, Moved, Unreachable, OtherVersion, OthersLive, MigrationFailed, OSError)


@contextmanager
def refusing() -> Iterator[Console]:
    """Exit code 2: what was asked for was not done, or not to its end, and may be asked for again."""
    errors = screen(stderr=True)
    try:
        yield errors
    except (*SENTENCES, KafkaException, BrokenProcessPool, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        errors.print(sentence(error))
        raise typer.Exit(2) from error


def sentence(error: Exception) -> str:
    match error:
        case KafkaException():
            return f"the broker does not answer, or not what was asked: {error.args[0].str()}"
        case BrokenProcessPool():
            return "the operating system ended a process that replayed a task, most likely for want of memory"
        case asyncpg.PostgresError() | asyncpg.InterfaceError():
            return f"the database did not do what was asked: {error or type(error).__name__}"
    return str(error)
