"""That nobody else writes: services must be stopped, who is not stopped is fenced, and of operators there is one.

Whether one is alive is asked of the database, where every process of a service has a name. One that is cut off from it
is held by its tasks' versions, which are moved on.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import asyncpg
import orjson
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from services.cli.ground.reading import Impossible, Place
from services.cli.system import System
from shared.database.migrations import LOCK
from shared.runtime.contract import TaskId

PATIENCE, POLL = 60.0, 0.5

# Services that are connected; the console's own connections have no such name.
ALIVE = """
SELECT DISTINCT split_part(application_name, '/', 2) FROM pg_stat_activity
WHERE datname = coalesce($1, current_database()) AND application_name LIKE 'trappetrin/%'
    AND split_part(application_name, '/', 2) = ANY($2::text[]) ORDER BY 1
"""
CLAIM = "UPDATE {schema}.task SET version = version + 1 RETURNING task, version, offsets, cursor IS NOT NULL AS busy"
NOTE = "INSERT INTO console.ground (event, by, why, told) VALUES ($1, $2, $3, $4) RETURNING at"

# Who has the lock of migrations in a database.
HOLDERS = """
SELECT concat(coalesce(nullif(application_name, ''), 'a migration'), ' (user ', usename, ', pid ', pid, ')')
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = $2 AND objsubid = 1
    AND datname = coalesce($1, current_database()) ORDER BY pid
"""

# A dump opens the tables by their names, so no schema takes another's while a backup is made.
BACKING_UP = "SELECT pg_advisory_lock_shared(7411054)"
RENAMING = "SELECT pg_advisory_xact_lock(7411054)"


class Operator(NamedTuple):
    """Who does it, and why."""

    by: str
    why: str | None


class Claimed(NamedTuple):
    """Of a task: its version, which is ours now, its offsets by topic, and whether a re-evaluation was under way."""

    version: int
    offsets: dict[str, int]
    busy: bool


async def refuse_while_alive(
    connection: asyncpg.Connection, services: Sequence[str], database: str | None = None
) -> None:
    """In the connection's own database unless told. Raises `Impossible`."""
    if alive := [r[0] for r in await connection.fetch(ALIVE, database, services)]:
        words = " ".join(alive)
        raise Impossible(
            f"{', '.join(alive)} must be stopped first: `trappetrin down {words}`, or in containers"
            f" `docker compose stop {words}`"
        )


async def refuse_beside_another(connection: asyncpg.Connection, database: str | None = None) -> None:
    """A migration, or another command that has the database to itself; in the connection's own unless told.

    Raises `Impossible`, which says what runs.
    """
    if who := [r[0] for r in await connection.fetch(HOLDERS, database, LOCK)]:
        raise Impossible(f"{', '.join(who)} is under way: run it again when that has ended")


async def claim(connection: asyncpg.Connection, service: str) -> dict[TaskId, Claimed]:
    """From here on no process that thinks it owns a task can write."""
    rows = await connection.fetch(CLAIM.format(schema=service))
    return {r["task"]: Claimed(r["version"], orjson.loads(r["offsets"]), r["busy"]) for r in rows}


def targets_of(tasks: Mapping[TaskId, Claimed]) -> dict[Place, int]:
    """Up to where its topics were consumed."""
    return {
        (topic, int(task.rpartition("/")[2])): at for task, one in tasks.items() for topic, at in one.offsets.items()
    }


async def note(connection: asyncpg.Connection, event: str, operator: Operator, told: Any) -> Any:
    """What was done, by whom and why; the instant by which it is known."""
    return await connection.fetchval(NOTE, event, *operator, orjson.dumps(told).decode())


def forget_groups(system: System, services: Sequence[str]) -> None:
    """What the groups were told was consumed is not true any more. Waits until their last members are given up.

    Raises `Impossible`.
    """
    admin, deadline = AdminClient({"bootstrap.servers": ",".join(system.kafka)}), time.monotonic() + PATIENCE
    left = {f"trappetrin.{service}" for service in services}
    while left:
        listed = admin.list_consumer_groups().result()
        there = left & {g.group_id for g in listed.valid}
        problems = [f"a broker does not tell its groups: {error}" for error in listed.errors]
        if not problems:  # or some may be with who does not answer
            left = there
        for name, future in (admin.delete_consumer_groups(sorted(there)) if there else {}).items():
            try:
                future.result()
            except KafkaException as error:
                problems.append(f"{name}: {error.args[0].str()}")
        if problems and time.monotonic() > deadline:
            raise Impossible(f"the broker has not given up the groups of stopped services: {'; '.join(problems)}")
        time.sleep(POLL if problems else 0)
