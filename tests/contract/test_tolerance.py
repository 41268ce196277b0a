"""What a newer version tells and writes besides does no harm: events and rows are read as if it were not there."""

import asyncio
from collections.abc import Iterator
from functools import cache
from typing import Any

import orjson

from services.cli.evaluate import Offline
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from shared.events.decoding import decode, dump, restore
from shared.events.topics import INTERNAL, READS
from shared.runtime.contract import Record
from shared.runtime.memory import MemoryStore

READ = frozenset(t.name for t in INTERNAL.values() if t.carries)
SUCCESSIONS = {"relatives.v1", "handovers.v1"}  # of which the invented year has none


@cache
def year() -> Offline:
    offline = Offline()
    for number, event in enumerate(simulate(4, events=300)):
        offline.send("simulated", number, line(event).encode(), "0851")
    asyncio.run(offline.settle())
    return offline


def wider(told: Any) -> Any:
    """With a field that no model knows, at the top and in what lies in lists and facts; maps have keys of their own."""
    if isinstance(told, list):
        return [wider(item) for item in told]
    if not isinstance(told, dict):
        return told
    known = {name: wider(value) if name == "fact" or isinstance(value, list) else value for name, value in told.items()}
    return {**known, "unheard_of": {"by": "a newer version"}}


def test_events_are_read_without_what_is_not_known() -> None:
    records = [
        Record(topic, partition, n, r.key, r.value, r.headers, 0)
        for (topic, partition), log in year().broker.logs.items()
        if topic in READ
        for n, r in enumerate(log)
    ]

    assert {r.topic for r in records} >= {t for topics in READS.values() for t in topics} - SUCCESSIONS

    for record in records:
        more = record._replace(value=orjson.dumps(wider(orjson.loads(record.value or b""))))

        assert more.value != record.value
        assert decode(more) == decode(record)


def test_rows_are_read_without_what_is_not_known() -> None:
    bodies = [body for _, store in year().services for body in rows(store)]

    assert len({body.kind for body in bodies}) > 12

    for body in bodies:
        assert restore(body.kind, orjson.dumps(wider(orjson.loads(dump(body))))) == body


def rows(store: MemoryStore) -> Iterator[Any]:
    for entity in store.entities.values():
        yield from (fact.body for fact in entity.facts.values())
        yield from entity.conclusions.values()
