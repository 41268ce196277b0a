"""Plain SQL files, in the order of their names, each once: one schema per service, nobody reads another's.

`NNNN_name.sql` is run before a version starts, and leaves the tables such that the version before it can go on with
them. `NNNN_name.post.sql` takes away what only the version before needs, once no process of that is left. The keyed
services share the tables of the runtime (`shared/runtime/migrations`); ingest and the console have their own.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import asyncpg

from shared.version import VERSION

ROOT = Path(__file__).resolve().parents[2]
KEYED = ROOT / "shared" / "runtime" / "migrations"
FOLDERS: dict[str, tuple[Path, ...]] = {
    "ingest": (ROOT / "services" / "ingest" / "migrations",),
    "classifier": (KEYED,),
    "quota": (KEYED,),
    "matching": (KEYED,),
    "console": (ROOT / "services" / "cli" / "migrations",),
}
LOCK = 7_411_053  # any number, the same for all who migrate, and for commands for the bad day
POST = ".post.sql"
PATIENCE = 5
"""Seconds that a migration waits for a table: whatever comes after it waits behind it, also the intake."""

# The processes that hold a connection to this database, by the names that they give themselves.
ALIVE = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'trappetrin%' ORDER BY 1
"""


FORGOTTEN = (
    "An earlier post-migration was forgotten: run `trappetrin migrate --post` by the console of the version that lives,"
    " or stop it; then migrate"
)


class MigrationFailed(Exception):
    """The database refused a file. What came before it stands, of itself nothing is left: mend it, and migrate."""


class OthersLive(Exception):
    """Processes of another version live, so what they may need is not taken away."""


class OtherVersion(Exception):
    """The tables are those of another version, so this one can not make them anew."""


class Migration(NamedTuple):
    schema: str
    file: Path

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def post(self) -> bool:
        return self.name.endswith(POST)

    def __str__(self) -> str:
        return f"{self.schema}/{self.name}"


class Standing(NamedTuple):
    """`due`: what `apply` would run; `later`: what it would leave for `post`; `others`: who lives of other versions."""

    due: list[Migration]
    later: list[Migration]
    others: list[str]


def migrate(dsn: str, *, post: bool = False, say: Callable[[str], None] = print) -> list[str]:
    """Apply what is missing and return the names. Safe to run from several processes at once; one that waits says so.

    Without `post` what comes after a version's last process is left, unless something later must be built on it, or
    the database is new. Raises `MigrationFailed`, and, before anything is run, `OthersLive`.
    """
    return asyncio.run(apply(dsn, post=post, say=say))


async def apply(dsn: str, *, post: bool = False, say: Callable[[str], None] = print) -> list[str]:
    """As `migrate`, for those who run in a loop."""
    connection = await asyncpg.connect(dsn)
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            say("another migration of this database is under way, or a command for the bad day: waiting for its end")
            await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        return await applied(connection, post=post)
    finally:
        await connection.close()


async def applied(connection: asyncpg.Connection, *, post: bool = False) -> list[str]:
    """The same, over the connection of who holds the lock."""
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS public.migration (schema text, name text, at timestamptz DEFAULT now(),"
        " PRIMARY KEY (schema, name))"
    )
    due, _, others = await look(connection, post=post)
    if others and (waiting := next((m for m in due if m.post), None)):
        way = "Stop it, then run `trappetrin migrate --post`" if post else FORGOTTEN
        raise OthersLive(
            f"migration {waiting} waits, and nothing was run: this is version {VERSION}, and {', '.join(others)} of"
            f" another version still lives. {way}"
        )
    for migration in due:
        await run(connection, migration)
    return [str(migration) for migration in due]


async def standing(dsn: str, *, post: bool = False) -> Standing:
    """What `apply` would do; changes nothing."""
    connection = await asyncpg.connect(dsn)
    try:
        return await look(connection, post=post)
    finally:
        await connection.close()


async def make(connection: asyncpg.Connection, service: str, schema: str) -> None:
    """A service's tables as they are now, empty, under another name than its own; what was there is dropped.

    Raises `OtherVersion`.
    """
    known = {r["name"] for r in await connection.fetch("SELECT name FROM public.migration WHERE schema = $1", service)}
    if why := unfit(service, known):
        raise OtherVersion(why)
    if newer := sorted(known - {m.name for m in migrations(service)}):
        raise OtherVersion(
            f"the tables of {service} are those of a newer version than this one, {VERSION}: {', '.join(newer)} was"
            " run. Use the console of that version"
        )
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    async with connection.transaction():
        await connection.execute(f"CREATE SCHEMA {schema}; SET LOCAL search_path TO {schema}")
        for migration in migrations(service):
            if migration.name in known:
                await connection.execute(migration.file.read_text())


async def look(connection: asyncpg.Connection, *, post: bool) -> Standing:
    known: dict[str, set[str]] = {schema: set() for schema in FOLDERS}
    with suppress(asyncpg.UndefinedTableError):
        for r in await connection.fetch("SELECT schema, name FROM public.migration"):
            known.setdefault(r["schema"], set()).add(r["name"])
    pending = {s: [m for m in migrations(s) if m.name not in known[s]] for s in FOLDERS}
    due = {s: found if post or not known[s] else built_on(found) for s, found in pending.items()}
    names = [r["application_name"] for r in await connection.fetch(ALIVE)]
    return Standing(
        [m for found in due.values() for m in found],
        [m for s, found in pending.items() for m in found[len(due[s]) :]],
        [name for name in names if version_of(name) != VERSION],
    )


def migrations(schema: str) -> list[Migration]:
    """In the order in which they are run: by number, of one number the pre-migration first."""
    found = [Migration(schema, file) for folder in FOLDERS[schema] for file in folder.glob("*.sql")]
    return sorted(found, key=lambda m: (m.name[:4], m.post, m.name))


def built_on(pending: Sequence[Migration]) -> Sequence[Migration]:
    """Up to the last one that is not post: a post-migration before it is of an earlier version."""
    last = max((n for n, m in enumerate(pending, 1) if not m.post), default=0)
    return pending[:last]


def application_name(schema: str, instance: str) -> str:
    """By which a process is known to the database; cut there after 63 characters, so the version comes first."""
    return f"trappetrin/{schema}/{VERSION}/{instance}"


def version_of(name: str) -> str | None:
    """None of a process that does not tell: it is older than that names tell versions."""
    parts = name.split("/")
    return parts[2] if len(parts) > 2 else None


def unfit(schema: str, applied: Collection[str]) -> str | None:
    """Why this version of a service should not run on a schema with these migrations; None when it may.

    It may have been migrated further, as long as nothing was taken away.
    """
    if missing := [m.name for m in migrations(schema) if not m.post and m.name not in applied]:
        return f"the database lacks {', '.join(missing)}: run `trappetrin migrate`"
    if beyond := taken(schema, applied):
        return f"a newer version has taken away what this one, {VERSION}, may need: {', '.join(beyond)} was run"
    return None


def taken(schema: str, applied: Collection[str]) -> list[str]:
    """The migrations by which a newer version took something away; there is no way back but a backup."""
    return sorted(n for n in set(applied) - {m.name for m in migrations(schema)} if n.endswith(POST))


async def run(connection: asyncpg.Connection, migration: Migration) -> None:
    """One file, whole or not at all, and written down in the same transaction. Raises `MigrationFailed`."""
    schema, name = migration.schema, migration.name
    async with connection.transaction():
        try:
            await connection.execute(f"SET LOCAL lock_timeout = '{PATIENCE}s'; CREATE SCHEMA IF NOT EXISTS {schema}")
            await connection.execute(f"SET LOCAL search_path TO {schema}")
            await connection.execute(migration.file.read_text(encoding="utf-8"))
            await connection.execute("INSERT INTO public.migration (schema, name) VALUES ($1, $2)", schema, name)
        except asyncpg.LockNotAvailableError as error:
            raise MigrationFailed(
                f"migration {migration} left nothing behind: another transaction held a table that it needs for"
                f" {PATIENCE} s. Who has one open is in pg_stat_activity; run it again when that has ended"
            ) from error
        except asyncpg.PostgresError as error:
            raise MigrationFailed(f"migration {migration} failed and left nothing behind: {error}") from error
