"""Plain SQL files, in the order of their names, each once: one schema per service, nobody reads another's.

The keyed services share the tables of the runtime (`shared/runtime/migrations`); ingest and the console have their own.
"""

import asyncio
from pathlib import Path

import asyncpg

ROOT = Path(__file__).resolve().parents[2]
KEYED = ROOT / "shared" / "runtime" / "migrations"
FOLDERS: dict[str, tuple[Path, ...]] = {
    "ingest": (ROOT / "services" / "ingest" / "migrations",),
    "classifier": (KEYED,),
    "quota": (KEYED,),
    "matching": (KEYED,),
    "console": (ROOT / "services" / "cli" / "migrations",),
}
LOCK = 7_411_053  # any number, the same for all who migrate


class MigrationFailed(Exception):
    """The database refused a file. What came before it stands, of itself nothing is left: mend it, and migrate."""


def migrate(dsn: str) -> list[str]:
    """Apply what is missing and return the names. Safe to run from several processes at once."""
    return asyncio.run(apply(dsn))


async def apply(dsn: str) -> list[str]:
    """As `migrate`, for those who run in a loop."""
    done: list[str] = []
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS public.migration (schema text, name text, at timestamptz DEFAULT now(),"
            " PRIMARY KEY (schema, name))"
        )
        known = {(r["schema"], r["name"]) for r in await connection.fetch("SELECT schema, name FROM public.migration")}
        for schema, folders in FOLDERS.items():
            for file in sorted(f for folder in folders for f in folder.glob("*.sql")):
                if (schema, file.name) not in known:
                    await run(connection, schema, file.name, file.read_text())
                    done.append(f"{schema}/{file.name}")
    finally:
        await connection.close()
    return done


async def make(connection: asyncpg.Connection, service: str, schema: str) -> None:
    """A service's tables, empty, under another name than its own; what was there is dropped."""
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    async with connection.transaction():
        await connection.execute(f"CREATE SCHEMA {schema}; SET LOCAL search_path TO {schema}")
        for file in sorted(f for folder in FOLDERS[service] for f in folder.glob("*.sql")):
            await connection.execute(file.read_text())


def expected(schema: str) -> set[str]:
    """The migrations that this version of a service needs; a database may have more."""
    return {file.name for folder in FOLDERS[schema] for file in folder.glob("*.sql")}


async def run(connection: asyncpg.Connection, schema: str, name: str, sql: str) -> None:
    """One file, whole or not at all, and written down in the same transaction. Raises `MigrationFailed`."""
    async with connection.transaction():
        try:
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}; SET LOCAL search_path TO {schema}")
            await connection.execute(sql)
        except asyncpg.PostgresError as error:
            raise MigrationFailed(f"migration {schema}/{name} failed and left nothing behind: {error}") from error
        await connection.execute("INSERT INTO public.migration (schema, name) VALUES ($1, $2)", schema, name)
