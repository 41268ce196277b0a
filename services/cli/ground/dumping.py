"""PostgreSQL's own tools, and what a database holds in numbers that can be compared."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from deploy.local.needs import postgres_binaries
from services.cli.ground.reading import Impossible

CHUNK = 1 << 20
AWAY = ("*_shadow", "*_before")
"""Schemas that are made anew, or were replaced: in no backup."""

TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND schemaname !~ '_(shadow|before)$' ORDER BY 1
"""

# Rows in any order: their number, and the sum of their hashes.
CONTENT = """
SELECT count(*) AS rows, coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint), 0)::text AS hash
FROM {table} t
"""


class Content(NamedTuple):
    """Of one table."""

    rows: int
    hash: str


def tool(name: str) -> str:
    """The path of one of PostgreSQL's client programs. Raises `Impossible`."""
    folder = postgres_binaries()
    beside = folder / name if folder else None
    found = str(beside) if beside and beside.exists() else shutil.which(name)
    if found is None:
        raise Impossible(f"{name} is not installed: it comes with PostgreSQL's client programs (postgresql-client)")
    return found


def run(dsn: str, *words: str) -> None:
    """With the address and all its parameters, less the password, which shows in no list of processes.

    Raises `Impossible`.
    """
    program, *rest = words
    done = subprocess.run(  # noqa: S603 - our own words
        [tool(program), f"--dbname={shown(dsn)}", *rest],
        env=environment(dsn),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Impossible(f"{program} failed: {done.stderr.strip()[-500:]}")


def shown(dsn: str) -> str:
    at = urlsplit(dsn)
    user, _, place = at.netloc.rpartition("@")
    return urlunsplit(at._replace(netloc=f"{user.partition(':')[0]}@{place}" if user else place))


def environment(dsn: str) -> dict[str, str]:
    """What PostgreSQL's programs look at, as it is here: the home has certificates and a file of passwords."""
    kept = {n: v for n, v in os.environ.items() if n in ("PATH", "HOME") or n.startswith("PG")}
    password = urlsplit(dsn).password
    return kept | ({"PGPASSWORD": unquote(password)} if password else {})


def name_in(dsn: str) -> str:
    return unquote(urlsplit(dsn).path.lstrip("/"))


def named(dsn: str, database: str) -> str:
    """The same address, of another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


async def contents(connection: asyncpg.Connection) -> dict[str, Content]:
    """Of every table that a backup has, as this connection sees it."""
    await connection.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO'")
    tables = await connection.fetch(TABLES)
    found = {}
    for [table] in tables:
        [row] = await connection.fetch(CONTENT.format(table=table))
        found[table] = Content(*row)
    return found


def unlike(told: Mapping[str, Content], found: Mapping[str, Content]) -> list[str]:
    """Tables that do not hold what was told of them, and how."""
    nothing = Content(0, "")
    return [
        f"{name} has {found.get(name, nothing).rows} rows, the backup {told.get(name, nothing).rows}"
        if found.get(name, nothing).rows != told.get(name, nothing).rows
        else f"{name} has other content than when it was backed up"
        for name in sorted(told.keys() | found.keys())
        if found.get(name) != told.get(name)
    ]


def hash_of(file: Path) -> str:
    told = sha256()
    with file.open("rb") as stream:
        while part := stream.read(CHUNK):
            told.update(part)
    return told.hexdigest()
