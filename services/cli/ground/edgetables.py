"""The edge's tables made anew, and held against the live ones."""

from collections.abc import Iterator, Mapping
from time import monotonic

import asyncpg

from services.cli.ground import former
from services.cli.ground.edge import Edge, Receipts, Refusal, published
from services.cli.ground.quiet import Claimed, targets_of
from services.cli.ground.reading import Impossible
from services.cli.ground.said import Home, own_topics
from services.cli.ground.shadow import OUTBOX, Ground, Made, Shadow
from services.ingest.contract import task_of
from services.ingest.store import row
from shared.events.topics import is_inbound
from shared.runtime.contract import Outgoing, Row, RowId, TaskId
from shared.runtime.packing import pack

SERVICE, AT_ONCE = "ingest", 5_000
FACT = (
    "sequence", "key", "revision", "kind", "retraction", "afdeling", "content", "body", "source", "event_id",
    "event_type", "topic", "partition", "offset", "recorded_at", "parked", "task",
)  # fmt: skip
FIXED = ("sequence", "key", "field", "value")
REFUSAL = ("identity", "topic", "partition", "offset", "field", "rule", "value", "recorded_at")

# Rows that are not the same in both; of two refusals of one event either may have come first.
FACTS = """
SELECT sequence, key, revision, l.content IS NULL AS missing, s.content IS NULL AS unsent
FROM {live}.fact l FULL JOIN {shadow}.fact s USING (sequence, key, revision)
WHERE (l.kind, l.retraction, l.afdeling, l.content, l.body, l.source, l.event_id, l.event_type, l.topic, l.partition,
    l."offset", l.recorded_at, l.parked, l.task) IS DISTINCT FROM (s.kind, s.retraction, s.afdeling, s.content, s.body,
    s.source, s.event_id, s.event_type, s.topic, s.partition, s."offset", s.recorded_at, s.parked, s.task)
ORDER BY 1, 2, 3
"""
FIXES = """
SELECT sequence, key, field FROM {live}.fixed l FULL JOIN {shadow}.fixed s USING (sequence, key, field)
WHERE l.value IS DISTINCT FROM s.value ORDER BY 1, 2, 3
"""
REFUSALS = """
SELECT identity, l.rule IS NULL AS missing, s.rule IS NULL AS unheard
FROM {live}.refusal l FULL JOIN {shadow}.refusal s USING (identity)
WHERE (l.topic, l.partition, l."offset", l.field, l.rule, l.value, l.recorded_at) IS DISTINCT FROM
    (s.topic, s.partition, s."offset", s.field, s.rule, s.value, s.recorded_at) ORDER BY 1
"""

# Of these identities the live row stands.
REFUSED = "SELECT * FROM {live}.refusal WHERE identity = ANY($1)"
FORGET = "DELETE FROM {shadow}.refusal WHERE identity = ANY($1)"
AS_LIVE = "INSERT INTO {shadow}.refusal SELECT * FROM {live}.refusal WHERE identity = ANY($1)"

# Of a parked fact the trace on which it goes on is told by no topic.
TRACES = """
UPDATE {shadow}.fact s SET trace = l.trace FROM {live}.fact l
WHERE s.parked AND l.trace IS NOT NULL AND (s.sequence, s.key, s.revision) = (l.sequence, l.key, l.revision)
"""


class EdgeShadow(Shadow):
    compared = {"fact": FACT, "fixed": FIXED, "refusal": REFUSAL}
    along = (*Shadow.along, "discard")

    async def fill(self, edge: Edge) -> list[str]:
        """What was kept since the last call."""
        rows, edge.kept = [row(k, k.origin.task) for k in edge.kept], []
        return await self.copy("fact", FACT, rows)

    async def finish(self, edge: Edge) -> list[str]:
        fixed = [(*about, name, value) for (about, name), value in edge.fixed.items()]
        await self.connection.execute(self.sql(TRACES))
        refused = [
            *await self.copy("fixed", FIXED, fixed),
            *await self.copy("refusal", REFUSAL, list(edge.standing())),
        ]
        other = [r["identity"] for r in await self.connection.fetch(self.sql(REFUSALS)) if not r["missing"]]
        rows = [Refusal(*r) for r in await self.connection.fetch(self.sql(REFUSED), other)]
        names = [row.identity for row in rows if edge.may_stand(row)]
        await self.connection.execute(self.sql(FORGET), names)
        await self.connection.execute(self.sql(AS_LIVE), names)
        return refused

    async def differing(self) -> dict[Home, list[str]]:
        found: dict[Home, list[str]] = {}
        for r in await self.connection.fetch(self.sql(FACTS)):
            how = "is missing" if r["missing"] else "was never sent" if r["unsent"] else "is not as it was sent"
            found.setdefault((r["sequence"], r["key"]), []).append(f"revision {r['revision']} {how}")
        for r in await self.connection.fetch(self.sql(FIXES)):
            found.setdefault((r["sequence"], r["key"]), []).append(f"{r['field']} is not what was fixed first")
        for r in await self.connection.fetch(self.sql(REFUSALS)):
            how = "is missing" if r["missing"] else "is in no receipt" if r["unheard"] else "is not as in its receipt"
            found.setdefault(("refusal", r["identity"]), []).append(how)
        return found


async def make(
    ground: Ground, connection: asyncpg.Connection, claimed: Mapping[TaskId, Claimed], *, whole: bool
) -> Made:
    """As `keyed.make`; `whole`: up to the last record that was answered. Raises `Impossible`."""
    topics, say = ground.look(), ground.say
    inbound = {p: int(high) for p, (_, high) in topics.ends.items() if is_inbound(p[0])}
    anew = await former.regrounded(connection)
    shadow, receipts = EdgeShadow(connection, SERVICE), Receipts(anew)
    answers = {p: int(high) for p, (_, high) in topics.ends.items() if p[0].endswith(".receipts.v1")}
    for record in topics.read(answers):
        receipts.hear(record)
    for topic, one in await shadow.unsent():
        if topic.endswith(".receipts.v1"):
            receipts.hear(one)
    consumed = {p: receipts.end(p) for p in inbound} if whole else targets_of(claimed)
    topics.check({**consumed, **{p: receipts.end(p) for p in receipts.fates}})
    await shadow.make()
    edge, problems, records, began = Edge(receipts), list[str](), 0, monotonic()
    if whole:
        own = {place: at for name in own_topics(SERVICE) for place, at in topics.of(name).items()}
        topics.check(own)
        edge.published = published(topics.read(own))
    missing = list[tuple[TaskId, str, Outgoing]]()
    async for fact in former.take(shadow, anew, edge):
        edge.kept = [fact]
        missing += edge.unpublished() if whole else ()
    edge.kept = []
    for record in topics.read(inbound if whole else consumed):
        edge.take(record)
        records += 1
        if len(edge.kept) >= AT_ONCE:
            missing += edge.unpublished() if whole else ()
            problems += await shadow.fill(edge)
            say(f"{records:,} records, {records / (monotonic() - began):,.0f} a second")
    missing += edge.unpublished() if whole else ()
    if strange := edge.strange():
        for record in topics.read(inbound):
            edge.repeated(record, strange)
        missing += edge.unpublished()
        refuse_strange(edge)
    problems += [*await shadow.fill(edge), *await shadow.finish(edge), *edge.unread, *receipts.foreign]
    problems += await shadow.copy("outbox", OUTBOX, [(*r.id, pack(r.records)) for r in rows_of(missing, claimed)])
    say("comparing")
    differing = await shadow.differing()
    offsets: dict[TaskId, dict[str, int]] = {task: {} for task in claimed}
    for (topic, number), at in consumed.items():
        offsets.setdefault(task_of(topic, number), {}).update({topic: at} if at else {})
    live, made = await shadow.hash("live"), await shadow.hash("shadow")
    return Made(shadow, offsets, records, len(edge.fixed), differing, {}, problems, live, made)


def rows_of(missing: list[tuple[TaskId, str, Outgoing]], claimed: Mapping[TaskId, Claimed]) -> Iterator[Row]:
    """One for each task and topic, under the version with which the task begins."""
    rows: dict[RowId, list[Outgoing]] = {}
    for task, topic, record in missing:
        version = claimed[task].version + 1 if task in claimed else 1
        rows.setdefault(RowId(task, version, topic), []).append(record)
    return (Row(i, records) for i, records in rows.items())


def refuse_strange(edge: Edge) -> None:
    """Whoever knows nothing of a fact would take another one under its version. Raises `Impossible`."""
    if strange := edge.strange():
        topic, partition, name = min(strange)
        raise Impossible(
            f"the services were told of {len(strange)} facts that neither an inbound topic nor the database has, as"
            f" {topic}/{partition}: {name.decode()}. The database is older than the last `trappetrin reground` of"
            " inbound topics: put a later backup in its place, or restore with --topics-lost"
        )
