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
    OPEN,
    UNKNOWN,
    At,
    Choice,
    Letter,
    Organisation,
    Reason,
    Service,
    Since,
    named,
    of_service,
    place_of,
    read,
    unhandled,
    unmet,
)
from services.cli.redrive import resend
from services.cli.screen import screen
from services.cli.state import Json, as_json
from services.cli.system import System, find
from shared.events.topics import READS

dlq = typer.Typer(no_args_is_help=True, help="Dead letters: what a service could not use, with its original bytes.")
Why = Annotated[str, typer.Option(help="The reason, for those who ask later.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")]
FLAWS = 10_000
"""So many records a service tells as missing, at the most."""


def chosen(
    service: str | None, reason: str | None, organisation: str | None, since: datetime | None, at: list[str] | None
) -> Choice:
    return Choice(service, reason, organisation, since, frozenset(map(place_of, at or ())))


def stated(why: str) -> str:
    """A reason that says something. Raises `typer.BadParameter`."""
    if not why.strip():
        raise typer.BadParameter("must say why", param_hint="--why")
    return why.strip()


def tell_unknown(system: System) -> None:
    """Only an operator's commands need a database, but what operators did is written there."""
    if system.dsn is None:
        typer.echo("No database is known (TRAPPETRIN_DATABASE), so neither is which letters are open still.", err=True)


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
    system = find()
    found = read(system, chosen(service, reason, organisation, since, at), values=False)
    tell_unknown(system)
    letters = [letter.shown() for letter in (found if everything else unhandled(found))]
    if as_text:
        typer.echo(as_json(letters))
        return
    table = Table(title=f"{len(letters)} {'' if everything or system.dsn is None else 'open '}dead letters")
    for heading in ("letter", "from", "time", "reason", "bytes", "status"):
        table.add_column(heading, overflow="fold")
    for one in letters:
        lies = named((one["service"], one["partition"], one["offset"]))
        did = f" by {one['by']}: {one['why'] or 'no reason given'}" if "by" in one else ""
        table.add_row(lies, one["from"], one["time"], one["reason"], str(one["bytes"]), one["status"] + did)
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
    system = find()
    found = read(system, Choice(place[0], places=frozenset([place])))
    if not found:
        typer.echo(f"There is no dead letter {named(place)}.", err=True)
        raise typer.Exit(1)
    [one] = found
    if raw:
        sys.stdout.buffer.write(one.record.value or b"")
        return
    tell_unknown(system)
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
    system = find()
    found = read(system, chosen(service, reason, organisation, since, None), values=False)
    tell_unknown(system)
    states = (UNKNOWN,) if system.dsn is None else (OPEN, "redriven", "discarded")
    histogram = counted(found, states)
    if as_text:
        typer.echo(as_json(histogram))
        return
    table = Table(title=f"{sum(h[states[0]] for h in histogram)} {'' if system.dsn is None else 'open '}dead letters")
    for heading in ("service", "reason", *states, "organisations", "first", "last"):
        table.add_column(heading, overflow="fold", justify="right" if heading in states else "left")
    for h in histogram:
        whose = ", ".join(f"{name} {n}" for name, n in list(h["organisations"].items())[:3])
        table.add_row(h["service"], h["reason"], *(str(h[state]) for state in states), whose, h["first"], h["last"])
    screen().print(table)


def counted(letters: Sequence[Letter], states: Sequence[str]) -> list[dict[str, Any]]:
    """By service and reason, with how many are in each of the states; the most in the first one first."""
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
                **{state: statuses[state] for state in states},
                "organisations": dict(Counter(x.organisation or "none" for x in group).most_common()),
                "first": times[0],
                "last": times[-1],
            }
        )
    return sorted(found, key=lambda h: (-h[states[0]], h["service"], h["reason"]))


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
    """Send open dead letters to where they came from, with their original bytes, to be judged anew.

    One that was discarded is sent where it is named by --at. Exit code 1 where one was not sent, or --at names none.
    """
    system, choice = find(), chosen(service, reason, organisation, since, at)
    found = read(system, choice, surely=True)
    letters = [x for x in found if x.status == OPEN or (choice.places and x.status == "discarded")]
    outcome = resend(system, letters, by, why, dry_run=dry_run)
    outcome.failed += [{"letter": name, "why": problem} for name, problem in unmet(choice, found, letters)]
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
    """Give open dead letters up, with a reason. Their bytes stay where they are. Exit code 1 where --at names none."""
    choice, why = chosen(service, reason, organisation, since, at), stated(why)
    if choice.anything and not everything:
        raise typer.BadParameter("choose which by --at, --reason, --organisation, --service or --since, or say --all")
    system = find()
    found = read(system, choice, surely=True, values=False)
    letters = list(unhandled(found))
    if not dry_run:
        acts.add(system, "discarded", [letter.place for letter in letters], by, why)
    typer.echo(f"{len(letters)} dead letters {'would be ' if dry_run else ''}discarded")
    if problems := list(unmet(choice, found, letters)):
        typer.echo("\n".join(f"not discarded {name}: {problem}" for name, problem in problems), err=True)
        raise typer.Exit(1)


@dlq.command()
def incomplete(*, as_text: Json = False) -> None:
    """List the entities whose state lacks what became a dead letter; redriven after the mend it is whole again."""
    system = find()
    flaws = list[dict[str, Any]]()
    for service in READS:
        told = system.ask(service, "/incomplete")
        flaws += ({"service": service, **flaw} for flaw in told)
        if len(told) >= FLAWS:
            typer.echo(
                f"Of {service} only the first {FLAWS:,} are told; trappetrin_incomplete_entities counts all entities.",
                err=True,
            )
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
