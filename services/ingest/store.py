"""The store of ingest on PostgreSQL: every method is one statement, none leaves a transaction open.

Two processes may judge the same key at once, since tasks are partitions and keys are not. What each accepts is only
ever inserted under unique keys, so one of them fails with all it wanted to write (`Contended`) and decides anew.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import asyncpg

from services.ingest.contract import Contended, Crowd, Discarded, Intake, Kept, Origin, Waiting
from services.ingest.domain import FactId, Known
from shared.events.decoding import dump, restore
from shared.events.inbound import Inbound
from shared.runtime.contract import Draft, Refused, TaskId
from shared.runtime.packing import pack
from shared.runtime.postgres import REFUSALS, Outbox, columns, json

# Locks in the order of the ids; a task that another process has moved on is left out with all that hangs on it, and
# when the drafts lean on one another ($5) so are the others. Rows go in in the order of their keys, so that two
# processes never wait in a circle. What is discarded is as if it had never come: what it alone has fixed is free again.
COMMIT = """
WITH draft AS (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::jsonb[], $4::text[]) AS d(task, expected, offsets, cursor)),
held AS (
    SELECT t.task FROM task t JOIN draft d USING (task) WHERE t.version = d.expected ORDER BY t.task FOR UPDATE OF t),
won AS (
    UPDATE task t SET version = t.version + 1, offsets = d.offsets, cursor = d.cursor
    FROM draft d JOIN held USING (task)
    WHERE t.task = d.task AND (NOT $5::boolean OR (SELECT count(*) FROM held) = cardinality($1::text[]))
    RETURNING t.task),
facts AS (
    INSERT INTO fact (sequence, key, revision, kind, retraction, afdeling, content, body, source, event_id, event_type,
        topic, partition, "offset", recorded_at, parked, task, trace)
    SELECT f.* FROM unnest($6::text[], $7::text[], $8::int[], $9::text[], $10::boolean[], $11::text[], $12::text[],
        $13::jsonb[], $14::text[], $15::text[], $16::text[], $17::text[], $18::int[], $19::bigint[], $20::timestamptz[],
        $21::boolean[], $22::text[], $53::text[])
        AS f(sequence, key, revision, kind, retraction, afdeling, content, body, source, event_id, event_type,
            topic, partition, "offset", recorded_at, parked, task, trace)
    JOIN won USING (task) ORDER BY f.sequence, f.key, f.revision),
fixed AS (
    INSERT INTO fixed (sequence, key, field, value)
    SELECT f.sequence, f.key, f.field, f.value
    FROM unnest($23::text[], $24::text[], $25::text[], $26::text[], $27::text[]) AS f(task, sequence, key, field, value)
    JOIN won USING (task) ORDER BY f.sequence, f.key, f.field),
refusals AS (
    INSERT INTO refusal (identity, topic, partition, "offset", field, rule, value, recorded_at)
    SELECT r.identity, r.topic, r.partition, r."offset", r.field, r.rule, r.value, r.recorded_at
    FROM unnest($28::text[], $29::text[], $30::text[], $31::int[], $32::bigint[], $33::text[], $34::text[], $35::text[],
        $36::timestamptz[]) AS r(task, identity, topic, partition, "offset", field, rule, value, recorded_at)
    JOIN won USING (task) ORDER BY r.identity
    ON CONFLICT (identity) DO NOTHING),
released AS (
    UPDATE fact f SET parked = false
    FROM unnest($37::text[], $38::text[], $39::text[], $40::int[]) AS r(task, sequence, key, revision)
    JOIN won USING (task)
    WHERE (f.sequence, f.key, f.revision) = (r.sequence, r.key, r.revision)),
rows AS (
    INSERT INTO outbox (task, version, topic, body)
    SELECT o.* FROM unnest($41::text[], $42::bigint[], $43::text[], $44::bytea[]) AS o(task, version, topic, body)
    JOIN won USING (task)),
mended AS (
    DELETE FROM refusal r USING unnest($45::text[], $46::text[], $47::int[], $48::bigint[])
        AS m(task, topic, partition, "offset") JOIN won USING (task)
    WHERE (r.topic, r.partition, r."offset") = (m.topic, m.partition, m."offset")),
discarded AS (
    DELETE FROM fact f USING unnest($49::text[], $50::text[], $51::text[], $52::int[])
        AS r(task, sequence, key, revision) JOIN won USING (task)
    WHERE (f.sequence, f.key, f.revision) = (r.sequence, r.key, r.revision)
    RETURNING f.sequence, f.key, f.revision),
done AS (
    UPDATE discard d SET done_at = now() FROM discarded x
    WHERE (d.sequence, d.key, d.revision) = (x.sequence, x.key, x.revision) AND d.done_at IS NULL),
freed AS (
    DELETE FROM fixed USING discarded x WHERE (fixed.sequence, fixed.key) = (x.sequence, x.key) AND NOT EXISTS (
        SELECT 1 FROM fact f WHERE (f.sequence, f.key) = (x.sequence, x.key)
        AND (f.sequence, f.key, f.revision) NOT IN (SELECT sequence, key, revision FROM discarded)))
SELECT task FROM won
"""

# Three kinds of rows in one answer: contents of facts, what subjects fix, the newest revision of each registration.
KNOWN = """
WITH wanted AS (SELECT * FROM unnest($1::text[], $2::text[], $3::int[]) AS w(sequence, key, revision))
SELECT 'content' AS what, sequence, key, revision, content AS value, false AS retraction
FROM fact JOIN wanted USING (sequence, key, revision)
UNION ALL
SELECT DISTINCT field, sequence, key, 0, f.value, false FROM fixed f JOIN wanted USING (sequence, key)
UNION ALL
(SELECT DISTINCT ON (key) 'registration', sequence, key, revision, afdeling, retraction
FROM fact WHERE sequence = 'registration' AND afdeling = ANY($4::text[]) ORDER BY key, revision DESC)
"""

# Of the afdelinger for which something waits, those that have a registration which no higher revision takes back.
REGISTERED = """
WITH waiting AS (SELECT DISTINCT afdeling FROM fact WHERE parked),
newest AS (
    SELECT DISTINCT ON (f.key) f.afdeling, f.retraction FROM fact f JOIN waiting USING (afdeling)
    WHERE f.sequence = 'registration' ORDER BY f.key, f.revision DESC),
registered AS (SELECT DISTINCT afdeling FROM newest WHERE NOT retraction)
"""

# Of a parked fact: nobody has discarded it.
KEPT = """NOT EXISTS (SELECT 1 FROM discard d WHERE done_at IS NULL
    AND (d.sequence, d.key, d.revision) = (f.sequence, f.key, f.revision))"""

# The task's facts to release, in the order in which they came.
RELEASABLE = f"""{REGISTERED}
SELECT kind, body, content, topic, partition, "offset", source, event_id, event_type, recorded_at, trace
FROM fact f JOIN registered USING (afdeling) WHERE parked AND task = $1 AND {KEPT} ORDER BY "offset" LIMIT $2
"""  # noqa: S608 - both parts are ours

# The task's parked facts that an operator has discarded.
DISCARDS = """
SELECT kind, body, content, f.topic, f.partition, f."offset", source, event_id, event_type, recorded_at, trace, why
FROM fact f JOIN discard d USING (sequence, key, revision)
WHERE parked AND task = $1 AND done_at IS NULL ORDER BY f."offset" LIMIT $2
"""

# How many facts each task has to release, or to discard.
WAITING = f"""{REGISTERED}
SELECT task, count(*) AS facts FROM fact f LEFT JOIN registered r USING (afdeling)
WHERE parked AND (r.afdeling IS NOT NULL OR NOT {KEPT}) GROUP BY task
"""  # noqa: S608 - both parts are ours

# The last day that was closed, by its number.
LAST_CLOSED = "SELECT max(revision) FROM fact WHERE sequence = 'day'"

# Distinct refused events.
REFUSED = "SELECT count(*) FROM refusal"

# What waits for its afdeling, the oldest first.
PARKED = """
SELECT afdeling, event_id, event_type, recorded_at, topic, partition, "offset"
FROM fact WHERE parked ORDER BY recorded_at, event_id LIMIT $1
"""

# The same, counted.
CROWDS = """
SELECT left(afdeling, 4), event_type, count(*), count(DISTINCT afdeling), min(recorded_at)
FROM fact WHERE parked GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""


class PostgresIngestStore(Outbox):
    """`Store` for the core and `IngestStore` for the handler; the tables are those of `migrations/0001_ingest.sql`."""

    async def commit(self, drafts: Sequence[Draft]) -> set[TaskId]:
        pairs = [(d.task.id, d.extra if d.extra is not None else Intake()) for d in drafts]
        leans = set[TaskId]().union(*(i.leans for _, i in pairs))
        if not leans <= {task for task, _ in pairs}:
            return set()
        try:
            won = await self.pool.fetch(
                COMMIT,
                *columns(4, [(d.task.id, d.task.version, json(d.offsets), d.cursor) for d in drafts]),
                bool(leans),
                *columns(17, [row(k, task) for task, i in pairs for k in i.facts]),
                *columns(5, [(task, *about, name, value) for task, i in pairs for about, name, value in i.fixed]),
                *columns(9, [(task, r.identity, *r.origin[:3], *r[2:]) for task, i in pairs for r in i.refusals]),
                *columns(4, [(task, *id_) for task, i in pairs for id_ in i.released]),
                *columns(4, [(*r.id, pack(r.records)) for d in drafts for r in d.rows()]),
                *columns(4, [(d.task.id, *place) for d in drafts for _, *place in d.mended]),
                *columns(4, [(task, *id_) for task, i in pairs for id_ in i.discarded]),
                [k.origin.trace if k.parked else None for _, i in pairs for k in i.facts],
            )
        except asyncpg.UniqueViolationError as error:
            raise Contended(error.detail) from error
        except REFUSALS as error:
            raise Refused(f"{type(error).__name__}: {error}") from error
        return {r["task"] for r in won}

    async def known(self, ids: Collection[FactId], afdelinger: Collection[str]) -> Known:
        known = Known()
        for what, sequence, key, revision, value, retraction in await self.pool.fetch(
            KNOWN, *columns(3, list(ids)), list(afdelinger)
        ):
            if what == "content":
                known.contents[sequence, key, revision] = value
            elif what == "registration":
                known.registrations.setdefault(value, {})[key] = (revision, retraction)
            else:
                known.fixed[(sequence, key), what] = value
        return known

    async def releasable(self, task: TaskId, limit: int) -> list[Kept]:
        return [kept(r) for r in await self.pool.fetch(RELEASABLE, task, limit)]

    async def discards(self, task: TaskId, limit: int) -> list[Discarded]:
        return [Discarded(kept(r), r["why"]) for r in await self.pool.fetch(DISCARDS, task, limit)]

    async def waiting(self) -> Mapping[TaskId, int]:
        return {r["task"]: r["facts"] for r in await self.pool.fetch(WAITING)}

    async def last_closed(self) -> int | None:
        number: int | None = await self.pool.fetchval(LAST_CLOSED)
        return number

    async def refused(self) -> int:
        count: int = await self.pool.fetchval(REFUSED)
        return count

    async def parked(self, limit: int) -> list[Waiting]:
        return [Waiting(*r) for r in await self.pool.fetch(PARKED, limit)]

    async def crowds(self) -> list[Crowd]:
        return [Crowd(*r) for r in await self.pool.fetch(CROWDS)]


def row(kept: Kept, task: TaskId) -> Sequence[Any]:
    fact, origin = kept.fact, kept.origin
    return (
        *kept.id, fact.kind, fact.retraction, fact.about(), kept.content, dump(fact), origin.source, origin.event_id,
        origin.event_type, *origin[:3], kept.recorded_at, kept.parked, task,
    )  # fmt: skip


def kept(r: asyncpg.Record) -> Kept:
    fact = restore(r["kind"], r["body"])
    if not isinstance(fact, Inbound):
        raise TypeError(f"a kept fact of kind {r['kind']} is none")
    origin = Origin(r["topic"], r["partition"], r["offset"], r["source"], r["event_id"], r["event_type"], r["trace"])
    return Kept(fact, r["content"], origin, r["recorded_at"], parked=True)
