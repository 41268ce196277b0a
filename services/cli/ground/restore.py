"""`trappetrin restore FOLDER`: a backup in the database's place, and what the topics tell beyond it.

The topics are ahead of it. Others have read what was published since, so it is read back: facts and receipts, the
journals' entries, the newest version of every conclusion. The chains go on, and no version is used for two contents.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import orjson
import typer
from confluent_kafka import KafkaException

from services.cli.acts import By
from services.cli.dlq import DryRun, Why, stated
from services.cli.ground.alone import alone
from services.cli.ground.databases import aside, connected, refuse_while_open, take_name
from services.cli.ground.dumping import contents, name_in, named, run, unlike
from services.cli.ground.manifest import DUMP, Manifest, changed, ids_of, read
from services.cli.ground.quiet import Operator, claim, forget_groups, note, refuse_beside_another, refuse_while_alive
from services.cli.ground.reading import Impossible, Topics
from services.cli.ground.rebuild import DONE, listed, made
from services.cli.ground.refusing import refusing, sentence
from services.cli.ground.reground import TASKS
from services.cli.ground.shadow import Ground, Say
from services.cli.state import Json, as_json
from services.cli.system import System, find
from shared.database.migrations import applied, apply
from shared.events.topics import READS, SERVICES, is_inbound

DROP = "DROP SCHEMA IF EXISTS {schema}_before CASCADE"


async def put_back(
    system: System, backup: tuple[Path, Manifest], operator: Operator, say: Say, *, topics_lost: bool, disconnect: bool
) -> dict[str, Any]:
    """Into a database of its own, which takes the other's name when all is well; the other one is kept beside it.

    Raises `Impossible`, `Moved`.
    """
    name = name_in(system.database)
    fresh = f"{name}_restored"
    async with alone(named(system.database, "postgres"), "restore") as admin:
        await refuse_while_alive(admin, SERVICES, name)
        await refuse_beside_another(admin, name)
        if not disconnect:
            await refuse_while_open(admin, name)
        drop = f'DROP DATABASE IF EXISTS "{fresh}" WITH (FORCE)'
        await admin.execute(drop)
        await admin.execute(f'CREATE DATABASE "{fresh}"')
        try:
            target = replace(system, dsn=named(system.database, fresh))
            services = await filled(target, backup, operator, say, topics_lost=topics_lost)
            return {"services": services, "kept": await take_name(admin, fresh, name, disconnect=disconnect)}
        finally:
            await admin.execute(drop)  # where it did not take the name


async def filled(
    target: System, backup: tuple[Path, Manifest], operator: Operator, say: Say, *, topics_lost: bool
) -> dict[str, Any]:
    """The new database as the backup was, and what the topics tell beyond it. Raises `Impossible`, `Moved`."""
    folder, told = backup
    say("reading the dump")
    dump = str(folder / DUMP)
    await asyncio.to_thread(run, target.database, "pg_restore", "--no-owner", "--exit-on-error", dump)
    async with connected(target.database) as connection:
        if wrong := unlike(told.tables, await contents(connection)):
            raise Impossible(f"the database does not hold what was backed up: {'; '.join(wrong)}")
        await apply(target.database, say=say)
        ground = Ground(partial(Topics, target), target.database, say)
        services = {} if topics_lost else await read_back(ground, connection)
        for service in services:
            await connection.execute(DROP.format(schema=service))
        noted = {"backup": told.at.isoformat(), "services": services, "topics_lost": topics_lost}
        await connection.execute(DONE, await note(connection, "restored", operator, noted))
        return services


async def in_its_place(system: System, operator: Operator, say: Say) -> dict[str, Any]:
    """The same where the database was set back by other means. Raises `Impossible`, `Moved`."""
    async with alone(system.database, "restore --in-place") as connection:
        await refuse_while_alive(connection, SERVICES)
        await applied(connection)
        await keep_former(connection)
        services = await read_back(Ground(partial(Topics, system), system.database, say), connection)
        noted = {"backup": None, "services": services, "topics_lost": False}
        await connection.execute(DONE, await note(connection, "restored", operator, noted))
        return {"services": services, "kept": None}


async def beyond(system: System) -> dict[str, int]:
    """By service how many records lie in its topics that its database does not know. Raises `Impossible`."""
    async with connected(system.database) as connection:
        await refuse_while_alive(connection, SERVICES)
        topics, found = Topics(system), dict[str, int]()
        for service in SERVICES:
            known = {
                (topic, int(r["task"].rpartition("/")[2])): at
                for r in await connection.fetch(TASKS.format(schema=service))
                for topic, at in orjson.loads(r["offsets"]).items()
            }
            topics.check(known)
            reads: Callable[[str], bool] = is_inbound if service == "ingest" else READS[service].__contains__
            found[service] = sum(end - known.get(p, 0) for p, (_, end) in topics.ends.items() if reads(p[0]))
        return found


async def keep_former(connection: asyncpg.Connection) -> None:
    """What an earlier run has replaced, under a name that this one does not replace."""
    for service in SERVICES:
        former = f"{service}_before"
        if await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", former):
            await connection.execute(f"ALTER SCHEMA {former} RENAME TO {aside(service)}")


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
    disconnect: Annotated[
        bool, typer.Option("--disconnect", help="End the sessions that others than services have in the database.")
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
        if told and not topics_lost and (lost := changed(told, ids_of(system))):
            raise Impossible(
                f"since the backup {', '.join(lost[:5])}, so the topics do not tell what came after it: give"
                " --topics-lost, and then run `trappetrin reground --all`"
            )
        if dry_run:
            foretell(told, asyncio.run(beyond(system)) if told is None else {}, as_text=as_text)
            return
        if folder and told:
            backup = (folder, told)
            done = asyncio.run(
                put_back(system, backup, operator, status.update, topics_lost=topics_lost, disconnect=disconnect)
            )
        else:
            done = asyncio.run(in_its_place(system, operator, status.update))
        errors.print(placed(done))  # before a wait that may be cut off
        status.update("waiting until the broker has given up the stopped processes")
        forget(system, done, topics_lost=topics_lost)
    if as_text:
        typer.echo(as_json(done))
    else:
        tell(done, topics_lost=topics_lost)
    if any(one["problems"] for one in done["services"].values()):
        raise typer.Exit(1)


def foretell(told: Manifest | None, unknown: Mapping[str, int], *, as_text: bool) -> None:
    """Of a backup, or of a database that was set back. `unknown`: records beyond what it has consumed, by service."""
    if as_text:
        about: dict[str, Any] = {"backup": told.at.isoformat()} if told else {"backup": None, "beyond": unknown}
        typer.echo(as_json({**about, "dry_run": True}))
    elif told:
        typer.echo(f"the backup of {told.at:%F %T}Z is whole")
    for service, number in () if as_text else unknown.items():
        typer.echo(f"{service}: {number:,} records beyond what it has consumed; what it has said would be read back")


def tell(done: Mapping[str, Any], *, topics_lost: bool) -> None:
    for service, one in done["services"].items():
        typer.echo(
            f"{service}: {one['records']:,} records, {one['read_back']:,} places read back, {one['news']} to say"
        )
        listed(f"Of the topics of {service} could not be read or kept", one["problems"])
    if done["kept"]:
        typer.echo(f"what was there is kept in the database {done['kept']}")
    typer.echo("next: `trappetrin reground --all`" if topics_lost else "the services go on from there when they start")


def forget(system: System, done: Mapping[str, Any], *, topics_lost: bool) -> None:
    """Raises `Impossible`: what was done stands, and this alone is to be done again."""
    try:
        forget_groups(system, SERVICES)
    except (Impossible, KafkaException) as error:
        way = "reground --all" if topics_lost else "restore --in-place"
        raise Impossible(f"{placed(done)}, but {sentence(error)}; wait, then `trappetrin {way}`") from error


def placed(done: Mapping[str, Any]) -> str:
    kept = f" (what was there is kept as {done['kept']})" if done["kept"] else ""
    return f"the database is in place{kept}"
