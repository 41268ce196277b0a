"""`trappetrin backup FOLDER`: all the services' tables as they were in one moment, while the services run.

The topics are not in it. They are ahead of it when it comes back: `restore` reads from them what was said since.
"""

import asyncio
import shutil
from datetime import UTC
from pathlib import Path
from typing import Annotated

import asyncpg
import orjson
import typer

from services.cli.ground.dumping import AWAY, contents, hash_of, run
from services.cli.ground.manifest import DUMP, MANIFEST, Manifest, ids_of
from services.cli.ground.quiet import BACKING_UP
from services.cli.ground.reading import Impossible
from services.cli.screen import screen
from services.cli.state import Json, as_json
from services.cli.system import System, find
from shared.events.topics import SERVICES
from shared.version import VERSION

MIGRATIONS = "SELECT schema, array_agg(name ORDER BY name) FROM public.migration GROUP BY schema"
OFFSETS = "SELECT task, offsets FROM {schema}.task ORDER BY task"


async def written(system: System, folder: Path) -> Manifest:
    """Dump and manifest see the same moment; no rebuilt state takes a live one's name meanwhile. Raises `Impossible`."""
    dump = folder / DUMP
    connection = await asyncpg.connect(system.database, timeout=10)
    try:
        await connection.execute(BACKING_UP)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            [(at, snapshot)] = await connection.fetch("SELECT now(), pg_export_snapshot()")
            away = [f"--exclude-schema={pattern}" for pattern in AWAY]
            words = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", *away]
            await asyncio.to_thread(run, system.database, "pg_dump", *words, f"--file={dump}")
            offsets = {
                service: {
                    r["task"]: orjson.loads(r["offsets"])
                    for r in await connection.fetch(OFFSETS.format(schema=service))
                }
                for service in SERVICES
            }
            return Manifest(
                at=at.astimezone(UTC),
                release=VERSION,
                migrations={r[0]: r[1] for r in await connection.fetch(MIGRATIONS)},
                offsets=offsets,
                tables=await contents(connection),
                topics=await asyncio.to_thread(ids_of, system),
                sha256=await asyncio.to_thread(hash_of, dump),
                bytes=dump.stat().st_size,
            )
    finally:
        await connection.close()


def backup(
    folder: Annotated[Path, typer.Argument(help="The folder to make; it must not be there yet.")],
    *,
    as_text: Json = False,
) -> None:
    """Write all the services' tables into a folder, while they run, with a manifest of what is in it."""
    if folder.exists():
        raise typer.BadParameter(f"must not be there yet; {folder} is", param_hint="FOLDER")
    errors, system = screen(stderr=True), find()
    fresh = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700, parents=True)
    try:
        with errors.status("backing up"):
            told = asyncio.run(written(system, fresh))
    except Impossible as error:
        errors.print(str(error), markup=False)
        raise typer.Exit(2) from error
    (fresh / MANIFEST).write_text(told.model_dump_json(indent=1), encoding="utf-8")
    fresh.replace(folder)
    rows = sum(table.rows for table in told.tables.values())
    if as_text:
        typer.echo(as_json({"folder": str(folder), "at": told.at.isoformat(), "rows": rows, "bytes": told.bytes}))
    else:
        typer.echo(
            f"{folder}: {rows:,} rows of {len(told.tables)} tables, {told.bytes:,} bytes, as of {told.at:%F %T}Z"
        )
