"""`trappetrin parked`, `trappetrin dlq list|show`: what the services could not use, or not yet."""

import json
import sys
from typing import Annotated, Any

import typer
from confluent_kafka import Message
from rich.table import Table

from services.cli.log import Log
from services.cli.screen import screen
from services.cli.state import Json, as_json
from services.cli.system import find
from shared.events.topics import SERVICES, dead_letters

LETTER = "dead_letter_"
dlq = typer.Typer(no_args_is_help=True, help="Dead letters: what a service could not use, with its original bytes.")


def parked(as_text: Json = False) -> None:
    """List the events that wait for their afdeling to be registered, the oldest first."""
    waiting = find().ask("ingest", "/parked")
    if as_text:
        typer.echo(as_json(waiting))
        return
    table = Table(title=f"{len(waiting)} parked events")
    for heading in ("afdeling", "event", "type", "since"):
        table.add_column(heading)
    for w in waiting:
        table.add_row(w["afdeling"], w["event_id"], w["type"], w["since"])
    screen().print(table)


def letter(message: Message) -> dict[str, Any]:
    """Where it lies, where it came from, and why; every header that could be read as text."""
    headers = {name: (value or b"").decode(errors="replace") for name, value in headers_of(message)}
    told = {name.removeprefix(LETTER): text for name, text in headers.items() if name.startswith(LETTER)}
    return {
        "service": str(message.topic()).partition(".")[0],
        "partition": message.partition(),
        "offset": message.offset(),
        "from": f"{told.get('topic')}/{told.get('partition')}/{told.get('offset')}",
        "time": told.get("time"),
        "error": told.get("error"),
        "reason": told.get("reason"),
        "bytes": int(told.get("cut") or len(message.value() or b"")),
        "cut": "cut" in told,
    }


def headers_of(message: Message) -> list[tuple[str, bytes | None]]:
    found: Any = message.headers()
    return list(found or [])


Service = Annotated[str | None, typer.Option(help=f"Only of one service: {', '.join(SERVICES)}.")]


@dlq.command("list")
def list_(as_text: Json = False, service: Service = None) -> None:
    """List the dead letters."""
    topics = {dead_letters(s) for s in SERVICES if service in (None, s)}
    if not topics:
        raise typer.BadParameter(f"must be one of {', '.join(SERVICES)}; it is {service}", param_hint="--service")
    log = Log(find(), topics.__contains__)
    try:
        letters = [letter(m) for m in log.whole()]
    finally:
        log.close()
    letters.sort(key=lambda one: (one["time"] or "", one["service"], one["partition"], one["offset"]))
    if as_text:
        typer.echo(as_json(letters))
        return
    table = Table(title=f"{len(letters)} dead letters")
    for heading in ("service", "at", "from", "time", "reason", "bytes"):
        table.add_column(heading, overflow="fold")
    for one in letters:
        at = f"{one['partition']}/{one['offset']}"
        table.add_row(one["service"], at, one["from"], one["time"], one["reason"], str(one["bytes"]))
    screen().print(table)


@dlq.command()
def show(
    service: Annotated[str, typer.Argument(help="Whose dead letter.")],
    at: Annotated[str, typer.Argument(help="Partition/offset, as `dlq list` tells it.")],
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Only the original bytes of the value.")] = False,
) -> None:
    """Show one dead letter: its headers, its reason, and the original bytes."""
    partition, _, offset = at.partition("/")
    if not (partition.isdecimal() and offset.isdecimal()) or service not in SERVICES:
        raise typer.BadParameter(f"must be a service and partition/offset; it is {service} {at}")
    topic = dead_letters(service)
    log = Log(find(), topic.__eq__)
    try:
        message = log.one(topic, int(partition), int(offset))
    finally:
        log.close()
    if message is None:
        typer.echo(f"There is no dead letter of {service} at {at}.", err=True)
        raise typer.Exit(1)
    value = message.value() or b""
    if raw:
        sys.stdout.buffer.write(value)
        return
    typer.echo(json.dumps(letter(message), ensure_ascii=False, indent=1))
    for name, content in headers_of(message):
        typer.echo(f"header {name}: {content!r}")
    typer.echo(f"key: {message.key()!r}")
    typer.echo(f"value: {value!r}")
