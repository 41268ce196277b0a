"""`trappetrin dlq`: what the services could not use: looked at, sent again after a mend, or given up with a reason."""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from services.cli import acts
from services.cli.acts import By
from services.cli.letters import (
    At,
    Choice,
    Letter,
    Organisation,
    Reason,
    Service,
    Since,
    of_service,
    place_of,
    read,
    unhandled,
)
from services.cli.redrive import resend
from services.cli.screen import screen
from services.cli.state import Json, as_json
from services.cli.system import find
from shared.events.topics import READS

dlq = typer.Typer(no_args_is_help=True, help="Dead letters: what a service could not use, with its original bytes.")
Why = Annotated[str, typer.Option(help="The reason, for those who ask later.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")]


def chosen(
    service: str | None, reason: str | None, organisation: str | None, since: datetime | None, at: list[str] | None
) -> Choice:
    return Choice(service, reason, organisation, since, frozenset(map(place_of, at or ())))


def stated(why: str) -> str:
    """A reason that says something. Raises `typer.BadParameter`."""
    if not why.strip():
        raise typer.BadParameter("must say why", param_hint="--why")
    return why.strip()


@dlq.command("list")
def list_(
    *,
    as_text: Json = False,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were redriven or discarded.")] = False,
    service: Service = None,
    reason: Reason = None,
    organisation: Organisation = None,
    since: Since = None,
    at: At = None,
) -> None:
    """List the open dead letters."""
    found = read(find(), chosen(service, reason, organisation, since, at))
    letters = [letter.shown() for letter in (found if everything else unhandled(found))]
    if as_text:
        typer.echo(as_json(letters))
        return
    table = Table(title=f"{len(letters)} {'' if everything else 'open '}dead letters")
    for heading in ("letter", "from", "time", "reason", "bytes", "status"):
        table.add_column(heading, overflow="fold")
    for one in letters:
        lies = f"{one['service']}/{one['partition']}/{one['offset']}"
        status = f"{one['status']} by {one['by']}" if "by" in one else one["status"]
        table.add_row(lies, one["from"], one["time"], one["reason"], str(one["bytes"]), status)
    screen().print(table)


@dlq.command()
def show(
    letter: Annotated[
        str, typer.Argument(help="service/partition/offset, as `dlq list` tells it; or only the service.")
    ],
    at: Annotated[str, typer.Argument(help="Partition/offset, if only the service was given.")] = "",
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Only the original bytes of the value.")] = False,
) -> None:
    """Show one dead letter: its reason, what became of it, its headers, and the original bytes."""
    place = place_of("/".join(part for part in (letter, at) if part))
    found = read(find(), Choice(place[0], places=frozenset([place])))
    if not found:
        typer.echo(f"There is no dead letter {'/'.join(map(str, place))}.", err=True)
        raise typer.Exit(1)
    [one] = found
    if raw:
        sys.stdout.buffer.write(one.record.value or b"")
        return
    typer.echo(json.dumps(one.shown(), ensure_ascii=False, indent=1))
    for name, content in one.record.headers:
        typer.echo(f"header {name}: {content!r}")
    typer.echo(f"key: {one.record.key!r}")
    typer.echo(f"value: {one.record.value!r}")


@dlq.command()
def stats(
    *,
    as_text: Json = False,
    service: Service = None,
    reason: Reason = None,
    organisation: Organisation = None,
    since: Since = None,
) -> None:
    """Count the dead letters by service and reason; reasons that differ in numbers only are one."""
    histogram = counted(read(find(), chosen(service, reason, organisation, since, None)))
    if as_text:
        typer.echo(as_json(histogram))
        return
    table = Table(title=f"{sum(h['open'] for h in histogram)} open dead letters")
    for heading in ("service", "reason", "open", "redriven", "discarded", "organisations", "first", "last"):
        table.add_column(
            heading, overflow="fold", justify="right" if heading in ("open", "redriven", "discarded") else "left"
        )
    for h in histogram:
        whose = ", ".join(f"{name} {n}" for name, n in list(h["organisations"].items())[:3])
        table.add_row(
            h["service"],
            h["reason"],
            str(h["open"]),
            str(h["redriven"]),
            str(h["discarded"]),
            whose,
            h["first"],
            h["last"],
        )
    screen().print(table)


def counted(letters: Sequence[Letter]) -> list[dict[str, Any]]:
    """By service and reason, the most open ones first."""
    groups: dict[tuple[str, str], list[Letter]] = defaultdict(list)
    for letter in letters:
        groups[letter.service, letter.kind_of_reason].append(letter)
    found = []
    for (service, reason), group in groups.items():
        statuses, times = Counter(x.status for x in group), sorted(x.told.get("time", "") for x in group)
        found.append(
            {
                "service": service,
                "reason": reason,
                **{status: statuses[status] for status in ("open", "redriven", "discarded")},
                "organisations": dict(Counter(x.organisation or "none" for x in group).most_common()),
                "first": times[0],
                "last": times[-1],
            }
        )
    return sorted(found, key=lambda h: (-h["open"], h["service"], h["reason"]))


@dlq.command()
def redrive(
    *,
    by: By,
    dry_run: DryRun = False,
    as_text: Json = False,
    service: Service = None,
    reason: Reason = None,
    organisation: Organisation = None,
    since: Since = None,
    at: At = None,
    why: Annotated[str | None, typer.Option(help="What was mended, for those who ask later.")] = None,
) -> None:
    """Send open dead letters to where they came from, with their original bytes, to be judged anew."""
    system = find()
    letters = list(unhandled(read(system, chosen(service, reason, organisation, since, at))))
    outcome = resend(system, letters, by, why, dry_run=dry_run)
    if as_text:
        typer.echo(
            as_json({"dry_run": dry_run, "redriven": outcome.total, "to": outcome.topics, "failed": outcome.failed})
        )
    else:
        verb = "would be sent" if dry_run else "sent"
        typer.echo(f"{outcome.total} dead letters {verb} to where they came from")
        for topic, number in sorted(outcome.topics.items()):
            typer.echo(f"  {topic}  {number}")
        for failed in outcome.failed:
            typer.echo(f"not sent {failed['letter']}: {failed['why']}", err=True)
        for stop in acts.stops(system):
            if stop.task.rpartition("/")[0] in outcome.topics or stop.service in {x.service for x in letters}:
                typer.echo(
                    f"{stop.service} {stop.task} is stopped: `trappetrin dlq resume {stop.service} {stop.task} --why …`"
                )
    if outcome.failed:
        raise typer.Exit(1)


@dlq.command()
def discard(
    *,
    why: Why,
    by: By,
    dry_run: DryRun = False,
    everything: Annotated[
        bool, typer.Option("--all", help="All open ones: needed where nothing else is chosen.")
    ] = False,
    service: Service = None,
    reason: Reason = None,
    organisation: Organisation = None,
    since: Since = None,
    at: At = None,
) -> None:
    """Give open dead letters up, with a reason. Their bytes stay where they are."""
    choice, why = chosen(service, reason, organisation, since, at), stated(why)
    if choice.anything and not everything:
        raise typer.BadParameter("choose which by --at, --reason, --organisation, --service or --since, or say --all")
    system = find()
    letters = list(unhandled(read(system, choice)))
    if not dry_run:
        acts.add(system, "discarded", [letter.place for letter in letters], by, why)
    typer.echo(f"{len(letters)} dead letters {'would be ' if dry_run else ''}discarded")


@dlq.command()
def incomplete(*, as_text: Json = False) -> None:
    """List the entities whose state lacks what became a dead letter; redriven after the mend it is whole again."""
    system = find()
    flaws = [{"service": s, **flaw} for s in READS for flaw in system.ask(s, "/incomplete")]
    if as_text:
        typer.echo(as_json(flaws))
        return
    table = Table(title=f"{len(flaws)} records are missing in what the services know")
    for heading in ("service", "afdeling", "record", "why"):
        table.add_column(heading, overflow="fold")
    for f in flaws:
        table.add_row(f["service"], f["entity"] or "all", f"{f['topic']}/{f['partition']}/{f['offset']}", f["why"])
    screen().print(table)


@dlq.command()
def stops(
    *,
    as_text: Json = False,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were let go on, by whom and why.")] = False,
) -> None:
    """List the sources that are stopped: for their dead letters, or since their topic was emptied or made anew."""
    found = acts.stops(find(), lifted=everything)
    if as_text:
        told = [s._asdict() for s in found]
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True, default=datetime.isoformat))
        return
    table = Table(title=f"{sum(s.lifted_at is None for s in found)} stopped sources")
    for heading in ("service", "task", "since", "why", "let go on"):
        table.add_column(heading, overflow="fold")
    for s in found:
        after = f"{s.lifted_at:%Y-%m-%d %H:%M} by {s.lifted_by}: {s.lifted_why}" if s.lifted_at else "no"
        table.add_row(s.service, s.task, f"{s.at:%Y-%m-%d %H:%M:%S}", s.why, after)
    screen().print(table)


@dlq.command()
def resume(
    service: Annotated[str, typer.Argument(help="Whose task it is.", callback=of_service)],
    source: Annotated[str, typer.Argument(help="The task, as `dlq stops` tells it; or a topic: all tasks of it.")],
    *,
    why: Why,
    by: By,
) -> None:
    """Let a stopped source go on where it was. If it brings nothing but dead letters again, it is stopped again."""
    tasks = acts.lift(find(), service, source, by, stated(why))
    if not tasks:
        typer.echo(
            f"Nothing of {service} called {source} is stopped for its dead letters: `trappetrin dlq stops`."
            " A topic that was emptied or made anew is for `trappetrin reground`.",
            err=True,
        )
        raise typer.Exit(1)
    typer.echo(f"{', '.join(sorted(tasks))} of {service} may go on")
