"""What operators did, written down in the database with who and why; an operator is who may write there.

The services' ports are open to whoever reaches them, so nothing is changed through them (docs/decisions/0045).
"""

import asyncio
import getpass
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple, TypeVar

import asyncpg
import typer

from services.cli.system import System, asking_the_database
from shared.events.topics import SERVICES
from shared.runtime.footing import EMPTIED

T = TypeVar("T")

# Of each letter the newest act.
ACTS = """
SELECT DISTINCT ON (service, partition, "offset", time) service, partition, "offset", time, act, by, why, at
FROM console.act ORDER BY service, partition, "offset", time, at DESC
"""

# One act for many letters.
ADD = """
INSERT INTO console.act (service, partition, "offset", time, act, by, why)
SELECT p.*, $5, $6, $7 FROM unnest($1::text[], $2::int[], $3::bigint[], $4::text[]) AS p
"""

# The tasks that are stopped, or all that ever were.
STOPS = """
SELECT task, at, why, lifted_at, lifted_by, lifted_why FROM {schema}.stop WHERE $1 OR lifted_at IS NULL ORDER BY at
"""

# Lets a stopped task go on: its owner looks every second.
LIFT = """
UPDATE {schema}.stop SET lifted_at = now(), lifted_by = $2, lifted_why = $3
WHERE lifted_at IS NULL AND (task = $1 OR starts_with(task, $1 || '/')) AND NOT starts_with(why, $4) RETURNING task
"""


class Place(NamedTuple):
    """Of a dead letter: whose, where it lies, and its time."""

    service: str
    partition: int
    offset: int
    time: str


class Act(NamedTuple):
    act: str
    by: str
    why: str | None
    at: datetime


class Stop(NamedTuple):
    """A task that its service does not go on with; `lifted_*` once an operator has let it."""

    service: str
    task: str
    at: datetime
    why: str
    lifted_at: datetime | None
    lifted_by: str | None
    lifted_why: str | None


def login() -> str:
    """Ends with exit code 2 and one sentence where the user has no name, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the one until Python 3.12, the other since
        raise typer.BadParameter(
            "this user has no login name: say who does it by --by, or in TRAPPETRIN_OPERATOR"
        ) from None


By = Annotated[
    str,
    typer.Option(
        help="Who does it, as an actor id; the login name unless given.",
        envvar="TRAPPETRIN_OPERATOR",
        default_factory=login,
    ),
]


def database(system: System, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    """Raises `Unreachable`."""
    address = system.database

    async def run() -> T:
        connection = await asyncpg.connect(address, timeout=10)
        try:
            return await work(connection)
        finally:
            await connection.close()

    with asking_the_database(address):
        return asyncio.run(run())


def acts(system: System) -> dict[Place, Act]:
    async def work(connection: asyncpg.Connection) -> dict[Place, Act]:
        return {Place(*r[:4]): Act(*r[4:]) for r in map(tuple, await connection.fetch(ACTS))}

    return database(system, work)


def add(system: System, act: str, places: Sequence[Place], by: str, why: str | None) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        columns: list[Any] = [list(c) for c in zip(*places, strict=True)]
        await connection.execute(ADD, *columns, act, by, why)

    if places:
        database(system, work)


def stops(system: System, *, lifted: bool = False) -> list[Stop]:
    async def work(connection: asyncpg.Connection) -> list[Stop]:
        return [
            Stop(service, *r)
            for service in SERVICES
            for r in await connection.fetch(STOPS.format(schema=service), lifted)
        ]

    return database(system, work)


def lift(system: System, service: str, source: str, by: str, why: str) -> list[str]:
    """The tasks that go on now: this one, or all of this topic. None whose topic was emptied: `reground` lifts that."""

    async def work(connection: asyncpg.Connection) -> list[str]:
        return [r["task"] for r in await connection.fetch(LIFT.format(schema=service), source, by, why, EMPTIED)]

    return database(system, work)
