"""What the edge accepted and refused by inbound topics that were made anew since.

It lies in ingest's database alone, and is taken from there; what became later of what was parked is told by receipts.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime

import asyncpg

from services.cli.ground.edge import Edge, Receipts, Refusal
from services.cli.ground.shadow import Shadow
from services.ingest.contract import Kept
from services.ingest.store import kept
from shared.events.cloudevents import shown

# When each topic was made anew for the last time. Who was cut off has set nothing back, so it does not count.
REGROUNDED = """
SELECT topic, max(at) AS at FROM console.ground, jsonb_array_elements_text(told -> 'inbound') AS topic
WHERE event = 'regrounded' AND done_at IS NOT NULL GROUP BY topic
"""

# Rows of these topics that were recorded before.
BEFORE = """JOIN unnest($1::text[], $2::timestamptz[]) AS anew(topic, at) USING (topic) WHERE recorded_at < anew.at"""
FACTS = f"INSERT INTO {{shadow}}.fact SELECT f.* FROM {{live}}.fact f {BEFORE}"  # noqa: S608 - both parts are ours
REFUSED = f"""
SELECT identity, topic, partition, "offset", field, rule, value, recorded_at FROM {{live}}.refusal {BEFORE}
"""  # noqa: S608 - both parts are ours

# All that was taken so far.
TAKEN = """
SELECT kind, body, content, topic, partition, "offset", source, event_id, event_type, recorded_at, trace, parked
FROM {shadow}.fact ORDER BY recorded_at, topic, partition, "offset"
"""
RELEASED = "UPDATE {shadow}.fact SET parked = false WHERE (sequence, key, revision) = ($1, $2, $3)"
DISCARDED = "DELETE FROM {shadow}.fact WHERE (sequence, key, revision) = ($1, $2, $3)"


async def regrounded(connection: asyncpg.Connection) -> dict[str, datetime]:
    return {r["topic"]: r["at"] for r in await connection.fetch(REGROUNDED)}


async def take(shadow: Shadow, anew: Mapping[str, datetime], edge: Edge) -> AsyncIterator[Kept]:
    """Into tables that are empty yet; each fact as it stands now, with what it fixes."""
    before = list(anew), list(anew.values())
    await shadow.connection.execute(shadow.sql(FACTS), *before)
    for r in await shadow.connection.fetch(shadow.sql(REFUSED), *before):
        edge.refusals.setdefault(r["identity"], []).append(Refusal(*r))
    async with shadow.connection.transaction():
        async for r in shadow.connection.cursor(shadow.sql(TAKEN)):
            one = kept(r)._replace(parked=r["parked"])
            if one.parked and (end := ended(edge.receipts, one)):
                await shadow.connection.execute(shadow.sql(RELEASED if end == "released" else DISCARDED), *one.id)
                if end != "released":
                    continue
                one = one._replace(parked=False)
            edge.fix(one.fact)
            yield one


def ended(receipts: Receipts, one: Kept) -> str | None:
    """What became of a parked fact since, by the first that is told of it."""
    topic, partition, offset, _, event_id, *_ = one.origin
    told = receipts.ends.get((topic, partition, offset, shown(event_id)), ())
    return min(told).fate if told else None
