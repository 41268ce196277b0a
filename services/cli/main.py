"""`trappetrin`: the console."""

import sys
from collections.abc import Callable
from typing import NoReturn

import typer
from confluent_kafka import KafkaException

from services.cli.asof import state
from services.cli.day import day
from services.cli.demo import demo
from services.cli.designations import designations
from services.cli.dlq import dlq
from services.cli.evaluate import evaluate
from services.cli.explain import explain
from services.cli.ground.backup import backup
from services.cli.ground.rebuild import rebuild
from services.cli.ground.reground import reground
from services.cli.ground.restore import restore
from services.cli.journal import Broken
from services.cli.ledger import ledger
from services.cli.migrate import migrate
from services.cli.parked import parked
from services.cli.publish import publish
from services.cli.referrals import referrals
from services.cli.screen import screen
from services.cli.settle import settle
from services.cli.setup import setup
from services.cli.simulate import simulate
from services.cli.stack import down, status, up
from services.cli.statement.command import statement
from services.cli.supply import supply
from services.cli.system import Unreachable, brokers
from services.cli.topics import topics
from services.cli.verify import verify
from services.cli.watch import watch
from shared.database.migrations import MigrationFailed, OthersLive
from shared.logging import configure_console
from shared.runtime.admin import TopicMismatch
from shared.version import VERSION

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def console() -> None:
    """The staircase, the quotas and the decisions of Fælles Udlejningsaftale."""
    configure_console()


PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "The system on this machine": (demo, up, down, status, settle, setup, migrate),
    "What it knows": (state, explain, verify, ledger, statement, supply, referrals, watch),
    "For the bad day": (rebuild, backup, restore, reground),
    "Files of events": (evaluate, publish, simulate, designations),
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.add_typer(parked, name="parked", rich_help_panel="What it knows")
app.add_typer(dlq, name="dlq", rich_help_panel="What it knows")
app.add_typer(day, name="day", rich_help_panel="The system on this machine")
app.add_typer(topics, name="topics", rich_help_panel="The system on this machine")


@app.command(rich_help_panel="The system on this machine")
def version() -> None:
    """Print the version."""
    typer.echo(VERSION)


def main() -> None:
    """Errors that a user can meet come as one sentence, not as a traceback."""
    try:
        app()
    except Unreachable as error:
        ended(str(error), 2)
    except KafkaException as error:
        ended(f"the broker at {brokers()} does not answer, or not what was asked: {error.args[0].str()}", 2)
    except (Broken, MigrationFailed, OthersLive, TopicMismatch) as error:
        ended(str(error), 1)


def ended(sentence: str, code: int) -> NoReturn:
    screen(stderr=True).print(sentence)
    sys.exit(code)


if __name__ == "__main__":
    main()
