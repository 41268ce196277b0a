"""`trappetrin parked`: the events that wait for their afdeling to be registered."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import asyncpg
import typer
from rich.table import Table

from services.cli.acts import By, database
from services.cli.dlq import DryRun, Why, stated
from services.cli.letters import Organisation, instant
from services.cli.log import Log
from services.cli.names import sent_record
from services.cli.screen import screen
from services.cli.state import Json, as_json
from services.cli.system import System, find
from services.cli.whom import AN_AFDELING
from services.ingest.reading import read
from shared.events.cloudevents import shown

ALL = 1_000_000
parked = typer.Typer(help="Parked events: accepted, and waiting for their afdeling to be registered.")
Afdeling = Annotated[str | None, typer.Option(help="Only of this afdeling.", callback=AN_AFDELING)]
Event = Annotated[str | None, typer.Option(help="Only the event with this id.")]
Since = Annotated[
    datetime | None,
    typer.Option(
        help="Only what has waited since this day or instant, or came later.", parser=instant, metavar="INSTANT"
    ),
]

# Once, however often it is asked; the owner of the fact's task carries it out. A place alone names no event: in a topic
# that was made anew another one lies there.
DISCARD = """
INSERT INTO ingest.discard (sequence, key, revision, by, why, topic, partition, "offset")
SELECT sequence, key, revision, $1, $2, topic, partition, "offset" FROM ingest.fact
JOIN unnest($3::text[], $4::int[], $5::bigint[], $6::text[]) AS p(topic, partition, "offset", event_id)
    USING (topic, partition, "offset", event_id)
WHERE parked
ON CONFLICT (sequence, key, revision) WHERE done_at IS NULL DO NOTHING
RETURNING key
"""

# What was to be discarded, by whom and why, the newest first; too late where the fact was released before.
DISCARDED = """
SELECT sequence, key, revision, at, by, why, topic, partition, "offset", done_at, done_at IS NULL AND EXISTS (
    SELECT 1 FROM ingest.fact f
    WHERE NOT f.parked AND (f.sequence, f.key, f.revision) = (d.sequence, d.key, d.revision)) AS too_late
FROM ingest.discard d ORDER BY at DESC
"""


def waiting(
    system: System, afdeling: str | None, organisation: str | None, since: datetime | None, event: str | None = None
) -> list[dict[str, Any]]:
    """The oldest first."""
    return [
        w
        for w in system.ask("ingest", f"/parked?most={ALL}")
        if afdeling in (None, w["afdeling"])
        and organisation in (None, w["afdeling"][:4])
        and event in (None, w["event_id"])
        and (since is None or datetime.fromisoformat(w["since"]) >= since)
    ]


@parked.callback(invoke_without_command=True)
def everything(context: typer.Context, *, as_text: Json = False) -> None:
    if context.invoked_subcommand is None:
        tell(waiting(find(), None, None, None), as_text=as_text)


@parked.command("list")
def list_(
    *, as_text: Json = False, afdeling: Afdeling = None, organisation: Organisation = None, since: Since = None
) -> None:
    """List them, the oldest first."""
    tell(waiting(find(), afdeling, organisation, since), as_text=as_text)


def tell(events: Sequence[Mapping[str, Any]], *, as_text: bool) -> None:
    if as_text:
        typer.echo(as_json(events))
        return
    table = Table(title=f"{len(events)} parked events")
    for heading in ("afdeling", "event", "type", "since"):
        table.add_column(heading)
    for w in events:
        table.add_row(w["afdeling"], w["event_id"], w["type"], w["since"])
    screen().print(table)


@parked.command()
def stats(*, as_text: Json = False) -> None:
    """Count them by organisation and type."""
    crowds = find().ask("ingest", "/parked/stats")
    if as_text:
        typer.echo(as_json(crowds))
        return
    table = Table(title=f"{sum(c['events'] for c in crowds)} parked events")
    for heading in ("organisation", "type", "events", "afdelinger not registered", "since"):
        table.add_column(heading)
    for c in crowds:
        table.add_row(c["organisation"], c["type"], str(c["events"]), str(c["afdelinger"]), c["since"])
    screen().print(table)


@parked.command()
def show(
    event: Annotated[str, typer.Argument(help="The event's id, as `parked list` tells it.")],
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Only the original bytes.")] = False,
) -> None:
    """Show what a parked event waits for, and its original bytes."""
    system = find()
    found = waiting(system, None, None, None, event)
    if not found:
        typer.echo(f"No event {event} is parked.", err=True)
        raise typer.Exit(1)
    for one in found:
        value, gone = original(system, one)
        if raw and gone:
            typer.echo(gone, err=True)
            raise typer.Exit(1)
        if raw:
            sys.stdout.buffer.write(value or b"")
            continue
        why = f"afdeling {one['afdeling']} is not registered, or its registration was taken back"
        typer.echo(json.dumps({**one, "waits": why}, ensure_ascii=False, indent=1))
        typer.echo(gone or f"value: {value!r}")


def original(system: System, one: Mapping[str, Any]) -> tuple[bytes | None, str]:
    """The value that came; or nothing, and why it can not be had any more."""
    log = Log(system, one["topic"].__eq__)
    try:
        message = log.one(one["topic"], one["partition"], one["offset"])
    finally:
        log.close()
    if message is None:
        return None, "its original bytes are gone from the topic"
    record = sent_record(message, system)
    found = read(record)[0].event_id
    if found != one["event_id"]:
        other = f"event {shown(found)}" if found else "a record without an event's id"
        return None, f"its original bytes are gone from the topic, which was made anew: {other} lies there now"
    return record.value, ""


@parked.command()
def redrive(
    *,
    dry_run: DryRun = False,
    afdeling: Afdeling = None,
    organisation: Organisation = None,
    since: Since = None,
) -> None:
    """Tell which could go on now. They do so by themselves, within a second of their afdeling's registration."""
    system = find()
    could = system.ask("ingest", "/progress")["releasable"]
    still = len(waiting(system, afdeling, organisation, since))
    verb = "could be" if dry_run else "are being"
    typer.echo(f"{could} of all parked events {verb} released or discarded; of those chosen {still} are parked")


@parked.command()
def discard(
    *,
    why: Why,
    by: By,
    dry_run: DryRun = False,
    afdeling: Afdeling = None,
    organisation: Organisation = None,
    since: Since = None,
    event: Event = None,
) -> None:
    """Give parked events up, as if they had never come; their senders are told, and may send them anew."""
    why = stated(why)
    if (afdeling, organisation, since, event) == (None, None, None, None):
        raise typer.BadParameter("choose which by --event, --afdeling, --organisation or --since")
    system = find()
    found = waiting(system, afdeling, organisation, since, event)
    places = [[w[name] for w in found] for name in ("topic", "partition", "offset", "event_id")]

    async def work(connection: asyncpg.Connection) -> int:
        return len(await connection.fetch(DISCARD, by, why, *places))

    number = len(found) if dry_run else database(system, work)
    if dry_run:
        typer.echo(f"{number} parked events would be discarded")
    else:
        typer.echo(f"{number} parked events will be discarded; `trappetrin parked discarded` tells when it is done")


@parked.command()
def discarded(*, as_text: Json = False) -> None:
    """List what was to be discarded, by whom and why, and whether it is done."""

    async def work(connection: asyncpg.Connection) -> list[dict[str, Any]]:
        return [dict(r) for r in await connection.fetch(DISCARDED)]

    found = database(find(), work)
    if as_text:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True, default=datetime.isoformat))
        return
    table = Table(title=f"{len(found)} discarded events")
    for heading in ("key", "revision", "at", "by", "why", "done"):
        table.add_column(heading, overflow="fold")
    for d in found:
        undone = "it came too late: the event was released" if d["too_late"] else "not yet"
        done = f"{d['done_at']:%Y-%m-%d %H:%M:%S}" if d["done_at"] else undone
        table.add_row(d["key"], str(d["revision"]), f"{d['at']:%Y-%m-%d %H:%M:%S}", d["by"], d["why"], done)
    screen().print(table)
