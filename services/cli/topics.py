"""`trappetrin topics`: the topics of the cluster held against the registry, and made as it says."""

from collections.abc import Sequence
from typing import Annotated

import typer
from confluent_kafka import KafkaException
from rich.table import Table

from services.cli.screen import screen
from services.cli.state import Json, as_json
from services.cli.system import Unreachable, find
from shared.runtime.admin import Topics, ensure_senders
from shared.runtime.planning import Change

LEFT_ALONE = ("refuse", "unknown")
topics = typer.Typer(no_args_is_help=True, help="The topics of the cluster, held against the registry.")


@topics.command("plan")
def plan_(*, as_text: Json = False) -> None:
    """Tell what `apply` would do, and what it would refuse and why. Exit code 1 when there is anything of either."""
    _, changes = looked()
    show(changes, as_text=as_text)
    if any(c.action != "unknown" for c in changes):
        raise typer.Exit(1)


@topics.command()
def apply(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    as_text: Json = False,
) -> None:
    """Create what is missing, set what differs. Nothing is deleted, no key moved.

    Exit code 1 when something could not be made, or would need another number of partitions that is refused. What else
    is refused is told.
    """
    here, changes = looked()
    show(changes, as_text=as_text)
    if doable := [c for c in changes if c.action not in LEFT_ALONE]:
        if not yes:
            typer.confirm(f"Make these {len(doable)} changes?", abort=True, err=True)
        try:
            here.apply(doable)
        except KafkaException as error:
            typer.echo(f"Not all is done, do it again: {error.args[0].str()}", err=True)
            raise typer.Exit(1) from error
        typer.echo(f"{len(doable)} changes are made", err=True)
    if any(c.in_the_way for c in changes):
        raise typer.Exit(1)


@topics.command()
def add(
    *,
    organisation: Annotated[
        list[str] | None, typer.Option(help="The code of a housing organisation, 0123; may be given again.")
    ] = None,
    municipality: Annotated[list[str] | None, typer.Option(help="The code of a municipality, 0851.")] = None,
) -> None:
    """Make the topics of a sender: what it writes to, and its receipts. What is there already is left as it is.

    Senders can not make them: a topic's name is who its sender is.
    """
    codes = [*(organisation or ()), *(municipality or ())]
    if not codes:
        raise typer.BadParameter("name a sender: --organisation or --municipality")
    if strange := next((c for c in codes if not (c.isascii() and c.isdecimal() and len(c) == 4)), None):
        raise typer.BadParameter(f"a sender's code has four digits, not {strange!r}")
    servers = find().kafka
    try:
        made = ensure_senders(servers, organisation or (), municipality or ())
    except KafkaException as error:
        raise Unreachable(f"{', '.join(servers)} does not answer: {error.args[0].str()}") from error
    typer.echo("\n".join(f"{name} is made" for name in made) or "They are there already.")


def looked() -> tuple[Topics, list[Change]]:
    """The cluster, and what differs in it. Raises `Unreachable`."""
    servers = find().kafka
    try:
        here = Topics(servers)
        return here, here.plan()
    except KafkaException as error:
        raise Unreachable(f"{', '.join(servers)} does not answer: {error.args[0].str()}") from error


def show(changes: Sequence[Change], *, as_text: bool) -> None:
    if as_text:
        typer.echo(as_json([c._asdict() for c in changes]))
        return
    if not changes:
        typer.echo("All topics are as the registry says.")
        return
    table = Table()
    for heading in ("topic", "what", "of", "is", "should be", "why"):
        table.add_column(heading, overflow="fold")
    for c in changes:
        table.add_row(*c)
    screen().print(table)
