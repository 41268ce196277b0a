"""`trappetrin day close DATE`: a day is over, told by those who run the system. Deadlines fold over the closed days."""

from datetime import date, datetime
from typing import Annotated

import typer
from confluent_kafka import KafkaError, Message, Producer

from services.cli.evaluate import HEADERS
from services.cli.system import System, find
from services.ingest.days import yesterday
from shared.clock import utc_now
from shared.events.day import closing
from shared.events.topics import OPERATIONS

LIMIT = 30.0
Day = Annotated[datetime, typer.Argument(metavar="DATE", formats=["%Y-%m-%d"], help="A day that is over.")]
day = typer.Typer(no_args_is_help=True, help="Closed days: up to which all deadlines are judged.")


def close_day(system: System, over: date) -> None:
    """Returns when the broker has it; to close a day again is harmless. Raises `OSError`, a time-out among them."""
    producer, problems = Producer({"bootstrap.servers": ",".join(system.kafka), "log_level": 2}), list[str]()

    def done(error: KafkaError | None, _message: Message) -> None:
        if error:
            problems.append(error.str())

    producer.produce(OPERATIONS, closing(over, "operator"), headers=list(HEADERS), on_delivery=done)
    if producer.flush(LIMIT):
        raise TimeoutError(f"the broker did not take it within {LIMIT:g} s")
    if problems:
        raise OSError(problems[0])


@day.command()
def close(over: Day) -> None:
    """Close a day and all before it: what was due by then and did not come has lapsed. It cannot be taken back."""
    last = yesterday(utc_now())
    if over.date() > last:
        raise typer.BadParameter(
            f"must be a day that is over, {last} or before; it is {over.date()}", param_hint="DATE"
        )
    try:
        close_day(find(), over.date())
    except OSError as error:
        typer.echo(f"Not closed: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{over.date()} is closed; `trappetrin settle` waits for what follows")
