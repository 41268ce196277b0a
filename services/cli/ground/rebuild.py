"""`trappetrin rebuild SERVICE`: a state made anew from the topics, compared with the live one, and put in its place.

The service's processes are stopped. The state is made in a schema beside the live one and says nothing; what was
published stands, so versions and journals go on where they were. When the service starts it reconsiders everything, and
publishes only what is not as it was said, as the next version.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic
from typing import Annotated, NamedTuple

import asyncpg
import typer
from rich.table import Table

from services.cli.acts import By
from services.cli.ground import edgetables, keyed
from services.cli.ground.alone import alone
from services.cli.ground.quiet import Claimed, Operator, claim, note, refuse_while_alive
from services.cli.ground.reading import Impossible, Topics
from services.cli.ground.refusing import refusing
from services.cli.ground.said import Home
from services.cli.ground.shadow import Ground, Made, Shadow
from services.cli.letters import of_service
from services.cli.screen import screen
from services.cli.state import Json, as_json
from services.cli.system import find
from shared.events.topics import SERVICES
from shared.runtime.contract import TaskId

SHOWN = 20
DONE = "UPDATE console.ground SET done_at = clock_timestamp() WHERE at = $1"


class Rebuilt(NamedTuple):
    """What came of it. `live`, `rebuilt`: the hashes of both states; `differing`: what of the live state is not so, by
    name; `news`: what will be said when the service starts; `problems`: what of the topics could not be read or kept;
    `swapped`: whether the rebuilt one is live now.
    """

    service: str
    records: int
    entities: int
    live: str
    rebuilt: str
    differing: list[str]
    news: list[str]
    problems: list[str]
    swapped: bool
    seconds: float

    @property
    def same(self) -> bool:
        return not (self.differing or self.news or self.problems)


@asynccontextmanager
async def made(
    ground: Ground, connection: asyncpg.Connection, service: str, claimed: Mapping[TaskId, Claimed], *, whole: bool
) -> AsyncIterator[Made]:
    """The state of any service, up to where it has consumed, or of the `whole` topics. Raises `Impossible`.

    What is not put in place meanwhile is dropped.
    """
    try:
        if service == "ingest":
            yield await edgetables.make(ground, connection, claimed, whole=whole)
        else:
            yield await keyed.make(ground, connection, service, claimed, whole=whole)
    finally:
        if not connection.is_closed():
            await Shadow(connection, service).drop()


async def rebuilt(ground: Ground, service: str, operator: Operator, *, accept: bool, dry_run: bool) -> Rebuilt:
    """Raises `Impossible`, `Moved`."""
    began = monotonic()
    async with alone(ground.dsn, f"rebuild {service}") as connection:
        await refuse_while_alive(connection, [service])
        claimed = await claim(connection, service)
        refuse_while_busy(service, claimed, accept=accept)
        async with made(ground, connection, service, claimed, whole=False) as state:
            differing, news, problems = by_whose(state.differing), by_whose(state.news), state.problems
            swapped = not dry_run and (accept or not (differing or news or problems))
            if swapped:
                ground.say("putting it in place, once no backup is under way")
                numbers = {"differing": len(differing), "news": len(news)}
                told = {"service": service, **numbers, "problems": problems, "hash": state.made}
                async with connection.transaction():
                    await state.shadow.swap(claimed, state.offsets)
                    await connection.execute(DONE, await note(connection, "rebuilt", operator, told))
        found = differing, news, problems, swapped, round(monotonic() - began, 2)
        return Rebuilt(service, state.records, state.entities, state.live, state.made, *found)


def refuse_while_busy(service: str, claimed: Mapping[TaskId, Claimed], *, accept: bool) -> None:
    """What such a task would say next is not yet said, so the two would differ for no fault. Raises `Impossible`."""
    busy = sorted(task for task, one in claimed.items() if one.busy)
    if busy and not accept:
        raise Impossible(
            f"{service} was stopped while it was reconsidering task {', '.join(busy)}: start it, `trappetrin settle`,"
            " and stop it again; or give --accept-differences"
        )


def by_whose(found: Mapping[Home, list[str]]) -> list[str]:
    """Each with whose it is."""
    return [f"{whose(home)}: {words}" for home, every in sorted(found.items()) for words in every]


def whose(home: Home) -> str:
    task, entity = home
    return entity or f"task {task}" if task.isdecimal() else f"{task} {entity}"


Accept = Annotated[
    bool, typer.Option("--accept-differences", help="Put the rebuilt state in place also where the live one differs.")
]


def rebuild(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.", callback=of_service)],
    *,
    by: By,
    why: Annotated[str | None, typer.Option(help="The reason, for those who ask later.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only compare; the live state stays, and who is not stopped is fenced.")
    ] = False,
    accept: Accept = False,
    as_text: Json = False,
) -> None:
    """Make a stopped service's state anew from the topics, compare it with the live one, and put it in its place.

    Exit code 1 where they differ and the live one stays, 2 where the topics do not hold what the state is made of.
    """
    system = find()
    with refusing() as errors, errors.status(f"rebuilding {service}") as status:

        def say(what: str) -> None:
            status.update(f"rebuilding {service}: {what}")

        ground = Ground(partial(Topics, system), system.database, say)
        done = asyncio.run(rebuilt(ground, service, Operator(by, why), accept=accept, dry_run=dry_run))
    if as_text:
        typer.echo(as_json(done._asdict()))
    else:
        tell(done)
    if not (done.same or done.swapped):
        raise typer.Exit(1)


def tell(done: Rebuilt) -> None:
    rate = f"{done.records / done.seconds:,.0f} a second" if done.seconds else ""
    table = Table(title=f"{done.service}: {done.records:,} records, {done.seconds:g} s, {rate}", title_justify="left")
    for heading in ("state", "hash"):
        table.add_column(heading)
    table.add_row("live", done.live)
    table.add_row("rebuilt", done.rebuilt)
    screen().print(table)
    listed("The live state differs from the topics", done.differing)
    listed("What follows from the facts is not what was said last", done.news)
    listed("Of the topics could not be read or kept", done.problems)
    if done.same:
        typer.echo("the live state is what the topics make")
    if done.swapped:
        typer.echo(f"the rebuilt state is in place; what was before is kept in the schema {done.service}_before")
    elif not done.same:
        typer.echo("the live state stays; to put the rebuilt one in its place: --accept-differences")


def listed(title: str, found: list[str]) -> None:
    if found:
        typer.echo(f"{title}, in {len(found)} places:")
    for one in found[:SHOWN]:
        typer.echo(f"  {one}")
    if len(found) > SHOWN:
        typer.echo(f"  and {len(found) - SHOWN} more, all with --json")
