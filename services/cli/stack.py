"""`trappetrin up`, `down`, `status`: the system on this machine."""

import json
import subprocess
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from deploy.local.needs import Missing
from deploy.local.stack import Broken, Stack
from services.cli.letters import of_service
from services.cli.screen import screen
from services.cli.state import Json
from shared.events.topics import SERVICES


def up(
    *,
    replicas: Annotated[
        int | None, typer.Option(min=1, max=6, help="Processes of every service; as last time when not given, else 1.")
    ] = None,
    brokers: Annotated[
        int | None,
        typer.Option(min=1, max=5, help="Kafka brokers, for good; of three, one may fail. 1 unless given at first."),
    ] = None,
    monitoring: Annotated[
        bool | None,
        typer.Option(help="With Prometheus, Alertmanager and exporters beside it; as last time when not given."),
    ] = None,
    install: Annotated[bool, typer.Option("--install", help="Install missing system packages with apt-get.")] = False,
) -> None:
    """Start Kafka, PostgreSQL and the services, or what is missing of them, and wait until all are ready."""
    errors = screen(stderr=True)
    try:
        Stack().up(replicas, brokers, monitored=monitoring, install=install, say=errors.print)
    except Missing as missing:
        errors.print(f"Missing on this machine. Install it with:\n  {missing}\nor run `trappetrin up --install`.")
        raise typer.Exit(2) from missing
    except (Broken, subprocess.CalledProcessError, ValueError) as error:
        errors.print(str(error))
        raise typer.Exit(1) from error
    errors.print("all is up; `trappetrin status` tells where, `trappetrin down` stops it")


def down(
    services: Annotated[
        list[str] | None, typer.Argument(help=f"Only these of {', '.join(SERVICES)}; all and the ground unless given.")
    ] = None,
    *,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Remove the topics, the database and the logs too.")
    ] = False,
) -> None:
    """Stop what `up` started. The data stays unless told otherwise."""
    if services and delete_data:
        raise typer.BadParameter("must not be given together with services", param_hint="--delete-data")
    only = [name for service in services or () if (name := of_service(service))]
    Stack().down(only=only, delete_data=delete_data, say=screen(stderr=True).print)


def status(as_text: Json = False) -> None:
    """Tell which processes should run, and how each is. Exit code 1 when one is not healthy."""
    told = Stack().status()
    if as_text:
        typer.echo(json.dumps(told, indent=1))
    else:
        table = Table()
        for heading in ("process", "pid", "port", "healthy", "version"):
            table.add_column(heading)
        for p in told["processes"]:
            table.add_row(
                p["name"],
                str(p["pid"] or "–"),
                str(p["port"]),
                "yes" if p["healthy"] else Text("no", "red"),
                p["version"],
            )
        screen().print(table if told["processes"] else "Nothing was started here: `trappetrin up`.")
    if not all(p["healthy"] for p in told["processes"]):
        raise typer.Exit(1)
