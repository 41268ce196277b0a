"""`trappetrin restore FOLDER`: a backup in the database's place, and what the topics tell beyond it.

The topics are ahead of it. Others have read what was published since, so it is read back: facts and receipts, the
journals' entries, the newest version of every conclusion. The chains go on, and no version is used for two contents.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer

from services.cli.acts import By
from services.cli.dlq import DryRun, Why, stated
from services.cli.ground.dumping import contents, name_in, named, run, unlike
from services.cli.ground.manifest import DUMP, Manifest, ids_of, made_anew, read
from services.cli.ground.quiet import Operator, claim, forget_groups, note, refuse_while_alive
from services.cli.ground.reading import Impossible, Topics
from services.cli.ground.rebuild import DONE, listed, made
from services.cli.ground.shadow import Ground, Moved, Say
from services.cli.screen import screen
from services.cli.state import Json, as_json
from services.cli.system import System, find
from shared.database.migrations import apply
from shared.events.topics import SERVICES

DROP = "DROP SCHEMA IF EXISTS {schema}_before CASCADE"


async def put_back(
    system: System, backup: tuple[Path, Manifest], operator: Operator, say: Say, *, topics_lost: bool
) -> dict[str, Any]:
    """Into a database of its own, which takes the other's name when all is well; the other one is kept beside it.

    Raises `Impossible`, `Moved`.
    """
    (folder, told), name = backup, name_in(system.database)
    fresh, before = f"{name}_restored", f"{name}_before"
    target = replace(system, dsn=named(system.database, fresh))
    admin = await asyncpg.connect(named(system.database, "postgres"), timeout=10)
    try:
        await refuse_while_alive(admin, SERVICES, name)
        say("reading the dump")
        await admin.execute(f'DROP DATABASE IF EXISTS "{fresh}"')
        await admin.execute(f'CREATE DATABASE "{fresh}"')
        await asyncio.to_thread(
            run, target.database, "pg_restore", "--no-owner", "--exit-on-error", f"--dbname={fresh}", str(folder / DUMP)
        )
        connection = await asyncpg.connect(target.database, timeout=10)
        try:
            if wrong := unlike(told.tables, await contents(connection)):
                raise Impossible(f"the database does not hold what was backed up: {'; '.join(wrong)}")
            await apply(target.database, say=say)
            services = (
                {}
                if topics_lost
                else await read_back(Ground(partial(Topics, target), target.database, say), connection)
            )
            for service in services:
                await connection.execute(DROP.format(schema=service))
            noted = {"backup": told.at.isoformat(), "services": services, "topics_lost": topics_lost}
            await connection.execute(DONE, await note(connection, "restored", operator, noted))
        finally:
            await connection.close()
        await admin.execute(f'DROP DATABASE IF EXISTS "{before}"')
        kept = bool(await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", name))
        if kept:
            await admin.execute(f'ALTER DATABASE "{name}" RENAME TO "{before}"')
        await admin.execute(f'ALTER DATABASE "{fresh}" RENAME TO "{name}"')
        return {"services": services, "kept": before if kept else None}
    finally:
        await admin.close()


async def in_its_place(system: System, operator: Operator, say: Say) -> dict[str, Any]:
    """The same where the database was set back by other means. Raises `Impossible`, `Moved`."""
    connection = await asyncpg.connect(system.database, timeout=10)
    try:
        await refuse_while_alive(connection, SERVICES)
        await apply(system.database, say=say)
        services = await read_back(Ground(partial(Topics, system), system.database, say), connection)
        noted = {"backup": None, "services": services, "topics_lost": False}
        await connection.execute(DONE, await note(connection, "restored", operator, noted))
        return {"services": services, "kept": None}
    finally:
        await connection.close()


async def read_back(ground: Ground, connection: asyncpg.Connection) -> dict[str, Any]:
    """Every service's state, made of its topics to their ends; what stands in the database and in no topic is kept."""
    found: dict[str, Any] = {}
    for service in SERVICES:
        ground.say(f"reading back what {service} has said")
        claimed = await claim(connection, service)
        async with made(ground, connection, service, claimed, whole=True) as state:
            await state.shadow.swap(claimed, state.offsets)
        found[service] = {
            "records": state.records,
            "read_back": sum(map(len, state.differing.values())),
            "news": sum(map(len, state.news.values())),
            "problems": state.problems,
        }
    return found


@contextmanager
def refusing() -> Iterator[Any]:
    """What the operator must know comes as a sentence, exit code 2."""
    errors = screen(stderr=True)
    try:
        yield errors
    except (Impossible, Moved) as error:
        errors.print(str(error), markup=False)
        raise typer.Exit(2) from error


def restore(
    folder: Annotated[Path | None, typer.Argument(help="What `trappetrin backup` wrote.", exists=True)] = None,
    *,
    why: Why,
    by: By,
    in_place: Annotated[
        bool,
        typer.Option("--in-place", help="The database was already set back by other means: only read back the rest."),
    ] = False,
    topics_lost: Annotated[
        bool,
        typer.Option("--topics-lost", help="The topics are lost too: only the backup; `reground --all` comes next."),
    ] = False,
    dry_run: DryRun = False,
    as_text: Json = False,
) -> None:
    """Put a backup in the database's place, and read back from the topics what was said since.

    The services must be stopped; they go on from there when they start. Exit code 1 where the database is in place and
    something that the topics hold could not be read or kept, 2 where it is not.
    """
    if (folder is None) is not in_place or (in_place and topics_lost):
        raise typer.BadParameter("give the backup's folder, or --in-place where the database was set back already")
    system, operator = find(), Operator(by, stated(why))
    with refusing() as errors, errors.status("restoring") as status:
        told = read(folder) if folder else None
        if told and not topics_lost and (gone := made_anew(told, ids_of(system))):
            raise Impossible(
                f"{', '.join(gone[:5])} were made anew since the backup, so they do not tell what came after it:"
                " give --topics-lost, and then run `trappetrin reground --all`"
            )
        if dry_run:
            typer.echo(f"the backup of {told.at:%F %T}Z is whole" if told else "would be read back from the topics")
            return
        if folder and told:
            done = asyncio.run(put_back(system, (folder, told), operator, status.update, topics_lost=topics_lost))
        else:
            done = asyncio.run(in_its_place(system, operator, status.update))
        status.update("waiting until the broker has given up the stopped processes")
        forget_groups(system, SERVICES)
    if as_text:
        typer.echo(as_json(done))
    else:
        tell(done, topics_lost=topics_lost)
    if any(one["problems"] for one in done["services"].values()):
        raise typer.Exit(1)


def tell(done: Mapping[str, Any], *, topics_lost: bool) -> None:
    for service, one in done["services"].items():
        typer.echo(
            f"{service}: {one['records']:,} records, {one['read_back']:,} places read back, {one['news']} to say"
        )
        listed(f"Of the topics of {service} could not be read or kept", one["problems"])
    if done["kept"]:
        typer.echo(f"what was there is kept in the database {done['kept']}")
    typer.echo("next: `trappetrin reground --all`" if topics_lost else "the services go on from there: `trappetrin up`")
