"""`trappetrin backup FOLDER`: all the services' tables as they were in one moment, while the services run.

The topics are not in it. They are ahead of it when it comes back: `restore` reads from them what was said since.
"""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated

import typer

from services.cli.ground.databases import connected
from services.cli.ground.dumping import AWAY, contents, hash_of, run
from services.cli.ground.manifest import DUMP, MANIFEST, Manifest, ids_of
from services.cli.ground.quiet import BACKING_UP
from services.cli.ground.refusing import refusing
from services.cli.state import Json, as_json
from services.cli.system import System, find
from shared.version import VERSION

MIGRATIONS = "SELECT schema, array_agg(name ORDER BY name) FROM public.migration GROUP BY schema"


async def written(system: System, folder: Path) -> Manifest:
    """Dump and manifest see the same moment; no rebuilt state takes its place meanwhile. Raises `Impossible`."""
    dump = folder / DUMP
    async with connected(system.database) as connection:
        await connection.execute(BACKING_UP)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            [(at, snapshot)] = await connection.fetch("SELECT now(), pg_export_snapshot()")
            away = [f"--exclude-schema={pattern}" for pattern in AWAY]
            words = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", *away]
            await asyncio.to_thread(run, system.database, "pg_dump", *words, f"--file={dump}")
            return Manifest(
                at=at.astimezone(UTC),
                release=VERSION,
                migrations={r[0]: r[1] for r in await connection.fetch(MIGRATIONS)},
                tables=await contents(connection),
                topics=await asyncio.to_thread(ids_of, system),
                sha256=await asyncio.to_thread(hash_of, dump),
                bytes=dump.stat().st_size,
            )


@contextmanager
def made_whole(folder: Path) -> Iterator[Path]:
    """A folder beside it to write into, which takes its name once all of it will last, and else is taken away."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(mkdtemp(prefix=f"{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        yield fresh
        for path in (*fresh.iterdir(), fresh):
            sync(path)
        fresh.rename(folder)
        sync(folder.parent)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def backup(
    folder: Annotated[Path, typer.Argument(help="The folder to make; it must not be there yet.")],
    *,
    as_text: Json = False,
) -> None:
    """Write all the services' tables into a folder, while they run, with a manifest of what is in it."""
    if folder.exists():
        raise typer.BadParameter(f"must not be there yet; {folder} is", param_hint="FOLDER")
    system = find()
    with refusing() as errors, errors.status("backing up"), made_whole(folder) as fresh:
        told = asyncio.run(written(system, fresh))
        (fresh / MANIFEST).write_text(told.model_dump_json(indent=1), encoding="utf-8")
    rows = sum(table.rows for table in told.tables.values())
    if as_text:
        typer.echo(as_json({"folder": str(folder), "at": told.at.isoformat(), "rows": rows, "bytes": told.bytes}))
    else:
        typer.echo(
            f"{folder}: {rows:,} rows of {len(told.tables)} tables, {told.bytes:,} bytes, as of {told.at:%F %T}Z"
        )
