"""Any order, duplication, batching and spread over partitions of the same facts: the same facts kept and published."""

import asyncio
import json
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

ORG, FACTS, REPLIES = "org.0123.in.v1", "municipality.0851.facts.in.v1", "municipality.0851.replies.in.v1"
REGISTRATION = ("organisation_id", "name", "municipality", "family_homes", "area_id", "flexible_letting")


def facts(edge: Any) -> list[tuple[str, bytes]]:
    """Of three afdelinger: one registered, taken back and registered again, one registered, one never registered."""
    again = {"afdeling_id": "0123-001", "valid_from": "2024-01-01"}
    found = [
        (ORG, edge.event("afdeling.registered", **again, area_id="A1", revision=1)),
        (ORG, edge.event("afdeling.registered", without=REGISTRATION, **again, retracted=True, revision=2)),
        (ORG, edge.event("afdeling.registered", **again, name="Igen", revision=3)),
        (ORG, edge.event("afdeling.registered", afdeling_id="0123-002")),
        (FACTS, edge.event("reference.published")),
        (FACTS, edge.event("organisation.registered")),
    ]
    for number in ("0123-001", "0123-002", "0123-003"):
        ids = {"afdeling_id": number, "vacancy_id": f"v-{number}"}
        offer = {"afdeling_id": number, "offer_id": f"o-{number}"}
        found += [
            (ORG, edge.event("vacancy.reported", **ids, revision=1)),
            (ORG, edge.event("vacancy.reported", **ids, rent_monthly="3400", revision=2)),
            (ORG, edge.event("vacancy.cancelled", **ids | {"revision": 3})),
            (ORG, edge.event("offer.submitted", **offer, vacancy_id=f"v-{number}", revision=1)),
            (ORG, edge.event("offer.withdrawn", **offer | {"revision": 2})),
            (REPLIES, edge.event("offer.assigned", **offer)),
            (FACTS, edge.event("indicator.observed", subject={"kind": "afdeling", "id": number})),
        ]
    return found


async def outcome(edge: Any, batches: list[list[tuple[str, bytes, int]]]) -> Any:
    for batch in batches:
        await edge.batch([edge.record(topic, line, partition) for topic, line, partition in batch])
    await edge.release()
    published: Counter[Any] = Counter()
    for topic, record in edge.out:
        if ".receipts." not in topic:
            told = json.loads(record.value) | {"recorded_at": None}
            published[topic, record.partition, json.dumps(told, sort_keys=True)] += 1
    kept = {id_: (fact.content, fact.parked) for id_, fact in edge.store.facts.items()}
    return kept, published, edge.store.everything, await edge.handler.view()


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_same_facts_same_outcome(new_edge: Any, data: st.DataObject) -> None:
    edge = new_edge()
    told = facts(edge)
    twice = data.draw(st.lists(st.sampled_from(told), max_size=20))
    shuffled = data.draw(st.permutations(told + twice))
    spread = [(topic, line, data.draw(st.integers(0, 1))) for topic, line in shuffled]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(spread)), max_size=8)))
    batches = [spread[a:b] for a, b in zip([0, *cuts], [*cuts, len(spread)], strict=True)]

    expected = asyncio.run(outcome(new_edge(), [[(topic, line, 0)] for topic, line in told]))
    actual = asyncio.run(outcome(edge, batches))

    assert actual == expected
    assert sum(parked for _, parked in actual[0].values()) == 7
