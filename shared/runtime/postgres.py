"""The store of the keyed services on PostgreSQL: twelve statements, none of which leaves a transaction open.

A frozen process therefore holds no lock, and the version of the task is the only fence that is needed.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import asyncpg
import orjson

from shared.events.decoding import CONCLUSIONS, dump, restore
from shared.events.internal import Chained, Conclusion
from shared.runtime.contract import (
    EVERYONE,
    Draft,
    Entity,
    Entry,
    Fact,
    Flaw,
    Head,
    Refused,
    Row,
    RowId,
    Task,
    TaskId,
    Written,
)
from shared.runtime.packing import pack, unpack

# Raises the version, so that nobody else's draft can be written any more; locks in the order of the ids.
CLAIM = """
INSERT INTO task (task, version) SELECT id, 1 FROM unnest($1::text[]) AS id ORDER BY id
ON CONFLICT (task) DO UPDATE SET version = task.version + 1
RETURNING task, version, offsets, cursor
"""

# Locks in the order of the ids; a task that another process has moved on is left out, and so is all that hangs on it.
# A flaw without a why is one that was mended.
COMMIT = """
WITH draft AS (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::jsonb[], $4::text[]) AS d(task, expected, offsets, cursor)),
held AS (
    SELECT t.task FROM task t JOIN draft d USING (task) WHERE t.version = d.expected ORDER BY t.task FOR UPDATE OF t),
won AS (
    UPDATE task t SET version = t.version + 1, offsets = d.offsets, cursor = d.cursor
    FROM draft d JOIN held USING (task) WHERE t.task = d.task RETURNING t.task),
facts AS (
    INSERT INTO fact (task, entity, kind, key, version, recorded_at, body) SELECT f.* FROM unnest(
        $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::timestamptz[], $11::jsonb[])
        AS f(task, entity, kind, key, version, recorded_at, body) JOIN won USING (task)
    ON CONFLICT (task, entity, kind, key) DO UPDATE
    SET version = excluded.version, recorded_at = excluded.recorded_at, body = excluded.body),
conclusions AS (
    INSERT INTO conclusion (task, entity, kind, key, version, body) SELECT c.* FROM unnest(
        $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[], $17::jsonb[])
        AS c(task, entity, kind, key, version, body) JOIN won USING (task)
    ON CONFLICT (task, entity, kind, key) DO UPDATE SET version = excluded.version, body = excluded.body),
rows AS (
    INSERT INTO outbox (task, version, topic, body) SELECT o.* FROM unnest(
        $18::text[], $19::bigint[], $20::text[], $21::bytea[])
        AS o(task, version, topic, body) JOIN won USING (task)),
told AS (
    SELECT w.* FROM unnest($22::text[], $23::text[], $24::text[], $25::int[], $26::bigint[], $27::text[])
        AS w(task, entity, topic, partition, "offset", why) JOIN won USING (task)),
flaws AS (
    INSERT INTO flaw (task, entity, topic, partition, "offset", why) SELECT * FROM told WHERE why IS NOT NULL
    ON CONFLICT DO NOTHING),
mended AS (
    DELETE FROM flaw f USING told t WHERE t.why IS NULL
    AND (f.entity, f.topic, f.partition, f."offset") = (t.entity, t.topic, t.partition, t."offset")),
entries AS (
    INSERT INTO journal (task, entity, kind, number, thing, step, reverses, hash, body) SELECT e.* FROM unnest(
        $28::text[], $29::text[], $30::text[], $31::bigint[], $32::text[], $33::int[], $34::bigint[], $35::text[],
        $36::text[]) AS e(task, entity, kind, number, thing, step, reverses, hash, body) JOIN won USING (task))
SELECT task FROM won
"""

# Facts, conclusions and, by the kinds of journals, the heads of the entities, in one answer.
LOAD = """
WITH wanted AS (SELECT * FROM unnest($1::text[], $2::text[]) AS w(task, entity))
SELECT 'fact' AS what, task, entity, kind, key, version, recorded_at, body::text
FROM fact JOIN wanted USING (task, entity)
UNION ALL
SELECT 'conclusion', task, entity, kind, key, version, NULL, body::text
FROM conclusion JOIN wanted USING (task, entity)
UNION ALL
SELECT 'head', task, entity, head.kind, hash, number, NULL, body
FROM wanted CROSS JOIN unnest($3::text[]) AS journals(kind) CROSS JOIN LATERAL (
    SELECT j.kind, j.hash, j.number, j.body FROM journal j
    WHERE (j.task, j.entity, j.kind) = (wanted.task, wanted.entity, journals.kind)
    ORDER BY j.number DESC LIMIT 1) AS head
"""

# The last entry of each journal of a task, from the last journal back to the first: a journal is not read for its end.
HEADS = """
WITH RECURSIVE head AS (
    (SELECT entity, kind, number, hash FROM journal WHERE task = $1
    ORDER BY entity DESC, kind DESC, number DESC LIMIT 1)
    UNION ALL
    SELECT former.* FROM head CROSS JOIN LATERAL (
        SELECT j.entity, j.kind, j.number, j.hash FROM journal j
        WHERE j.task = $1 AND (j.entity, j.kind) < (head.entity, head.kind)
        ORDER BY j.entity DESC, j.kind DESC, j.number DESC LIMIT 1) AS former)
SELECT entity, kind, number, hash FROM head ORDER BY entity, kind
"""

# The whole journals of the next entities.
JOURNAL = """
SELECT entity, number, hash, body FROM journal
WHERE kind = $1 AND entity IN (
    SELECT DISTINCT entity FROM journal WHERE kind = $1 AND entity > $2 ORDER BY entity LIMIT $3)
ORDER BY entity, number
"""

# The task's next entities in key order.
AFTER = """
SELECT DISTINCT entity FROM fact WHERE task = $1 AND entity > $2 ORDER BY entity LIMIT $3
"""

# What was committed and not yet acknowledged by the broker.
PENDING = "SELECT task, version, topic, body FROM outbox WHERE task = ANY($1) ORDER BY task, version, topic"

# Exactly the rows that were acknowledged.
DELETE = """
DELETE FROM outbox o USING unnest($1::text[], $2::bigint[], $3::text[]) AS d(task, version, topic)
WHERE (o.task, o.version, o.topic) = (d.task, d.version, d.topic)
"""

# How far every task is, for `settle` and the lag tools.
PROGRESS = """
SELECT task, offsets, cursor IS NOT NULL AS reconsidering,
    (SELECT count(*) FROM outbox o WHERE o.task = t.task) AS outbox FROM task t
"""

# Once, however often it is told.
STOP = "INSERT INTO stop (task, why) VALUES ($1, $2) ON CONFLICT (task) WHERE lifted_at IS NULL DO NOTHING"

# Those that nobody has let go on yet.
STOPS = "SELECT task, why FROM stop WHERE task = ANY($1::text[]) AND lifted_at IS NULL"

# Whose state lacks what.
FLAWS = 'SELECT entity, topic, partition, "offset", why FROM flaw ORDER BY entity, topic, partition, "offset" LIMIT $1'

JOURNALS = [kind for kind, model in CONCLUSIONS.items() if issubclass(model, Chained)]
"""The kinds of what a journal is of."""
REFUSALS = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
)


class Outbox:
    """The half of the store that ingest shares: claims, the packed outbox, progress."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool

    async def claim(self, ids: Iterable[TaskId]) -> dict[TaskId, Task]:
        rows = await self.pool.fetch(CLAIM, sorted(ids))
        return {r["task"]: Task(r["task"], r["version"], orjson.loads(r["offsets"]), r["cursor"]) for r in rows}

    async def pending(self, ids: Iterable[TaskId]) -> list[Row]:
        rows = await self.pool.fetch(PENDING, list(ids))
        return [Row(RowId(r["task"], r["version"], r["topic"]), unpack(r["body"])) for r in rows]

    async def delete(self, ids: Sequence[RowId]) -> None:
        await self.pool.execute(DELETE, *columns(3, ids))

    async def stop(self, task: TaskId, why: str) -> None:
        await self.pool.execute(STOP, task, why)

    async def stops(self, ids: Iterable[TaskId]) -> dict[TaskId, str]:
        return {r["task"]: r["why"] for r in await self.pool.fetch(STOPS, sorted(ids))}

    async def progress(self) -> list[Mapping[str, Any]]:
        """Per task: `task`, `offsets` by topic, `reconsidering`, `outbox` rows."""
        return [{**r, "offsets": orjson.loads(r["offsets"])} for r in await self.pool.fetch(PROGRESS)]


class PostgresStore(Outbox):
    """`Store` for the keyed services; the tables are those of `migrations/` in the service's schema."""

    async def load(self, keys: Sequence[tuple[TaskId, str]]) -> dict[tuple[TaskId, str], Entity]:
        found: dict[tuple[TaskId, str], Entity] = {}
        for r in await self.pool.fetch(LOAD, *columns(2, keys), JOURNALS):
            entity = found.setdefault((r["task"], r["entity"]), Entity())
            body = restore(r["kind"], r["body"])
            if isinstance(body, Chained) and r["what"] == "head":
                entity.heads[r["kind"]] = Head(body, r["key"])
            elif isinstance(body, Conclusion) and r["what"] == "conclusion":
                entity.conclusions[r["kind"], r["key"]] = body
            else:
                entity.facts[r["kind"], r["key"]] = Fact(
                    r["entity"], r["kind"], r["key"], r["version"], r["recorded_at"], body
                )
        return found

    async def after(self, task: TaskId, entity: str, limit: int) -> list[str]:
        return [r["entity"] for r in await self.pool.fetch(AFTER, task, entity, limit)]

    async def commit(self, drafts: Sequence[Draft]) -> set[TaskId]:
        try:
            won = await self.pool.fetch(
                COMMIT,
                *columns(4, [(d.task.id, d.task.version, json(d.offsets), d.cursor) for d in drafts]),
                *columns(7, [(d.task.id, *f[:5], dump(f.body)) for d in drafts for f in d.facts.values()]),
                *columns(6, [c for d in drafts for c in conclusions(d)]),
                *columns(4, [(*row.id, pack(row.records)) for d in drafts for row in d.rows()]),
                *columns(6, [f for d in drafts for f in flaws(d)]),
                *columns(9, [(d.task.id, name, *row_of(e)) for d in drafts for name, e in d.entries]),
            )
        except REFUSALS as error:
            raise Refused(f"{type(error).__name__}: {error}") from error
        return {r["task"] for r in won}

    async def heads(self, task: TaskId) -> list[tuple[str, str, int, str]]:
        return [tuple(r) for r in await self.pool.fetch(HEADS, task)]

    async def journal(self, kind: str, after: str, limit: int) -> list[Written]:
        return [Written(*r) for r in await self.pool.fetch(JOURNAL, kind, after, limit)]

    async def flaws(self, limit: int) -> list[Flaw]:
        return [Flaw(*r) for r in await self.pool.fetch(FLAWS, limit)]

    async def everything(self, chunk: int = 500) -> AsyncIterator[tuple[TaskId, str, Entity]]:
        """Every entity of every task, EVERYONE first in each: what `state` is made of."""
        for task in sorted(r["task"] for r in await self.pool.fetch(PROGRESS)):
            names, last = [EVERYONE], EVERYONE
            while names:
                found = await self.load([(task, name) for name in names])
                for name in names:
                    yield task, name, found.get((task, name)) or Entity()
                names = await self.after(task, last, chunk)
                last = names[-1] if names else last


def conclusions(draft: Draft) -> Iterable[tuple[Any, ...]]:
    for (entity, (kind, key)), body in draft.conclusions.items():
        yield draft.task.id, entity, kind, key, body.version, dump(body)


def flaws(draft: Draft) -> Iterable[tuple[Any, ...]]:
    yield from ((draft.task.id, *flaw) for flaw in draft.flaws)
    yield from ((draft.task.id, *mended, None) for mended in draft.mended)


def row_of(entry: Entry) -> tuple[Any, ...]:
    body = entry.body
    return body.kind, body.number, body.thing(), body.step(), body.takes_back(), entry.hash, entry.bytes.decode()


def json(value: Any) -> str:
    return orjson.dumps(value).decode()


def columns(width: int, rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows as the arrays that `unnest` takes."""
    return [list(c) for c in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
