"""The tables of a keyed service that is made anew: filled task by task, and held against the live ones row by row."""

from collections.abc import Sequence
from contextlib import suppress

import asyncpg

from services.cli.ground.replay import Replayed
from services.cli.ground.said import Home
from services.cli.ground.shadow import OUTBOX, Shadow
from shared.events.decoding import dump, restore
from shared.events.internal import Position
from shared.events.topics import dead_letters
from shared.runtime.packing import pack

FACT = ("task", "entity", "kind", "key", "version", "recorded_at", "body")
CONCLUSION = ("task", "entity", "kind", "key", "version", "body")
JOURNAL = ("task", "entity", "kind", "number", "thing", "step", "reverses", "hash", "body")
FLAW = ("task", "entity", "topic", "partition", "offset", "why")

# What the ledgers of a task are said to say.
POSITIONS = "SELECT entity, body FROM {live}.conclusion WHERE task = $1 AND kind = 'position'"

# Entities that could not be re-evaluated have no record to be sent again.
REEVALUATED = """
INSERT INTO {shadow}.flaw SELECT * FROM {live}.flaw WHERE task = $1 AND "offset" < 0 ON CONFLICT DO NOTHING
"""

# Rows that are not the same in both.
FACTS = """
SELECT task, entity, kind, key, l.version AS live, s.version AS made, l.body AS live_body, s.body AS made_body,
    l.recorded_at IS NOT DISTINCT FROM s.recorded_at AS same_time
FROM {live}.fact l FULL JOIN {shadow}.fact s USING (task, entity, kind, key)
WHERE (l.version, l.recorded_at, l.body) IS DISTINCT FROM (s.version, s.recorded_at, s.body) ORDER BY 1, 2, 3, 4
"""
CONCLUSIONS = """
SELECT task, entity, kind, key, l.version AS live, s.version AS made
FROM {live}.conclusion l FULL JOIN {shadow}.conclusion s USING (task, entity, kind, key)
WHERE (l.version, l.body) IS DISTINCT FROM (s.version, s.body) ORDER BY 1, 2, 3, 4
"""
JOURNALS = """
SELECT task, entity, kind, number, l.hash IS NULL AS missing, s.hash IS NULL AS unsaid
FROM {live}.journal l FULL JOIN {shadow}.journal s USING (task, entity, kind, number)
WHERE (l.thing, l.step, l.reverses, l.hash, l.body) IS DISTINCT FROM (s.thing, s.step, s.reverses, s.hash, s.body)
ORDER BY 1, 2, 3, 4
"""

FLAWS = """
SELECT task, entity, topic, partition, "offset", l.why IS NULL AS missing, s.why IS NULL AS unknown
FROM {live}.flaw l FULL JOIN {shadow}.flaw s USING (task, entity, topic, partition, "offset")
WHERE l.why IS NULL OR s.why IS NULL ORDER BY 1, 2, 3, 4, 5
"""

# The first of what stands in the live tables and is newer than what the topics hold.
AHEAD = """
SELECT kind, entity, l.version AS number FROM {live}.fact l
LEFT JOIN {shadow}.fact s USING (task, entity, kind, key) WHERE l.version > coalesce(s.version, 0)
UNION ALL
SELECT kind, entity, l.version AS number FROM {live}.conclusion l
LEFT JOIN {shadow}.conclusion s USING (task, entity, kind, key)
WHERE l.version > coalesce(s.version, 0) AND kind <> 'position'
UNION ALL
SELECT kind, entity, number FROM {live}.journal l
LEFT JOIN {shadow}.journal s USING (task, entity, kind, number) WHERE s.hash IS NULL
ORDER BY 1, 2, 3 LIMIT 1
"""

# Of a fact that says the same in other words those of the live one stay.
AS_LIVE = """
UPDATE {shadow}.fact s SET body = l.body FROM {live}.fact l
WHERE (s.task, s.entity, s.kind, s.key) = (l.task, l.entity, l.kind, l.key)
    AND (s.task, s.entity, s.kind, s.key) = ($1, $2, $3, $4)
"""


class KeyedShadow(Shadow):
    compared = {"fact": FACT, "conclusion": CONCLUSION, "journal": JOURNAL, "flaw": FLAW[:-1]}

    async def positions(self, task: str) -> dict[str, list[Position]]:
        """Those that can be read."""
        found: dict[str, list[Position]] = {}
        for r in await self.connection.fetch(self.sql(POSITIONS), task):
            with suppress(ValueError):
                found.setdefault(r["entity"], []).append(Position.model_validate_json(r["body"], extra="ignore"))
        return found

    async def fill(self, one: Replayed) -> list[str]:
        """A part of what was replayed of one task; what the database refuses, by name."""
        return [
            *await self.copy("fact", FACT, [(one.task, *f[:5], dump(f.body)) for f in one.facts]),
            *await self.copy(
                "conclusion", CONCLUSION, [(one.task, s.entity, *s.slot, s.version, s.body) for s in one.stands]
            ),
            *await self.copy("journal", JOURNAL, [(one.task, name, kind, *line) for name, kind, line in one.lines]),
        ]

    async def finish(self, one: Replayed, version: int) -> list[str]:
        """What is incomplete, and under this version the letters that are new."""
        letters = [(one.task, version, dead_letters(self.service), pack(one.buried))] if one.buried else []
        refused = [
            *await self.copy("flaw", FLAW, [(one.task, *flaw) for flaw in one.flaws]),
            *await self.copy("outbox", OUTBOX, letters),
        ]
        await self.connection.execute(self.sql(REEVALUATED), one.task)
        return refused

    async def ahead(self) -> tuple[str, str, int] | None:
        """Kind, entity and number of something that the live state has beyond the topics."""
        row = await self.connection.fetchrow(self.sql(AHEAD))
        return tuple(row) if row else None

    async def differing(self) -> dict[Home, list[str]]:
        """Where the live tables do not say what the topics do: whose it is, and what is wrong in words."""
        found: dict[Home, list[str]] = {}

        def tell(r: asyncpg.Record, words: str) -> None:
            found.setdefault((r["task"], r["entity"]), []).append(words)

        same = list[Sequence[str]]()
        for r in await self.connection.fetch(self.sql(FACTS)):
            if same_fact(r):
                same.append(r[:4])
            else:
                tell(r, f"fact {worded(r)}")
        await self.connection.executemany(self.sql(AS_LIVE), same)
        for r in await self.connection.fetch(self.sql(CONCLUSIONS)):
            tell(r, worded(r))
        for r in await self.connection.fetch(self.sql(JOURNALS)):
            how = "is missing" if r["missing"] else "was never published" if r["unsaid"] else "is not as published"
            tell(r, f"{r['kind']} {r['number']} {how}")
        for r in await self.connection.fetch(self.sql(FLAWS)):
            how = "is missing" if r["missing"] else "is of no dead letter"
            tell(r, f"mark of {r['topic']}/{r['partition']}/{r['offset']} {how}")
        return found


def same_fact(r: asyncpg.Record) -> bool:
    """Another release may have written the same fact with other defaults."""
    if None in (r["live"], r["made"]) or r["live"] != r["made"] or not r["same_time"]:
        return False
    try:
        return restore(r["kind"], r["live_body"]) == restore(r["kind"], r["made_body"])
    except (ValueError, KeyError, AttributeError):
        return False


def worded(r: asyncpg.Record) -> str:
    what, live, made = f"{r['kind']} {r['key']}".strip(), r["live"], r["made"]
    if live is None:
        return f"{what} is missing, the topics have version {made}"
    if made is None:
        return f"{what} version {live} is not in the topics"
    return f"{what} version {live} is not as in the topics" if live == made else f"{what} is version {live}, not {made}"
