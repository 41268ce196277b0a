"""`trappetrin migrate`: the tables, before a new version starts and after the last process of the old one has left."""

import asyncio
import os
from typing import Annotated

import typer

from deploy.local.stack import Stack
from services.cli.screen import screen
from services.cli.state import Json, as_json
from services.cli.system import System, asking_the_database
from shared.database import migrations
from shared.database.migrations import Migration, Standing

NOTHING = "The tables are those of this version."


def migrate(
    *,
    post: Annotated[
        bool, typer.Option("--post", help="Also take away what no process needs any more; refused while one lives.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only tell what would be done; exit code 1 when there is anything.")
    ] = False,
    as_text: Json = False,
) -> None:
    """Bring the tables to this version: TRAPPETRIN_DATABASE, or the local stack's. Safe to repeat.

    Before its processes start, and once more with --post when all processes of the version before it have stopped.
    """
    dsn = System((), {}, os.environ.get("TRAPPETRIN_DATABASE") or Stack().dsn).database
    with asking_the_database(dsn):
        if plan:
            tell(asyncio.run(migrations.standing(dsn, post=post)), as_text=as_text)
        else:
            done = migrations.migrate(dsn, post=post, say=screen(stderr=True).print)
            typer.echo(as_json(done) if as_text else "\n".join(f"migrated {m}" for m in done) or NOTHING)


def tell(standing: Standing, *, as_text: bool) -> None:
    """Raises `typer.Exit`, with code 1, when something would be done."""
    due, later, others = standing
    if as_text:
        told = {"due": [*map(parts, due)], "later": [*map(parts, later)], "others": others}
        typer.echo(as_json(told))
    else:
        waits = f"; it waits for {', '.join(others)} to stop" if others else ""
        lines = [f"{m} would be run{waits if m.post else ''}" for m in due]
        lines += [f"{m} is left for --post{waits}" for m in later]
        typer.echo("\n".join(lines) or NOTHING)
    if due:
        raise typer.Exit(1)


def parts(migration: Migration) -> dict[str, str]:
    return {"schema": migration.schema, "name": migration.name, "when": "post" if migration.post else "pre"}
