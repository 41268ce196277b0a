"""The handler: what becomes of each record, what is published where, what the sender is told."""

import json
from datetime import date
from typing import Any

import pytest

from services.ingest.contract import Contended, Intake, Waiting
from services.ingest.service import IngestHandler
from shared.events.day import closing
from shared.events.partitioning import PARTITIONS, partition_of
from shared.events.topics import OPERATIONS
from shared.runtime.contract import Draft, Handler, Record
from tests.edge import FACTS, ORG, REPLIES, fates

HOME = partition_of("0123-001")


def test_is_a_handler(edge: Any) -> None:
    handler: Handler = edge.handler

    assert isinstance(handler, IngestHandler)


@pytest.mark.parametrize(
    ("topic", "kind", "data", "published"),
    [
        (ORG, "afdeling.registered", {"revision": 2}, "afdelinger.v1"),
        (ORG, "vacancy.reported", {}, "vacancies.v1"),
        (ORG, "vacancy.cancelled", {}, "vacancies.v1"),
        (ORG, "offer.submitted", {}, "offers.v1"),
        (ORG, "offer.withdrawn", {}, "offers.v1"),
        (REPLIES, "offer.assigned", {}, "offers.v1"),
        (REPLIES, "offer.resolved", {}, "offers.v1"),
        (FACTS, "indicator.observed", {}, "indicators.v1"),
        (FACTS, "placement.decided", {}, "indicators.v1"),
    ],
)
async def test_a_fact_goes_to_the_partition_of_its_afdeling(
    edge: Any, topic: str, kind: str, data: dict[str, Any], published: str
) -> None:
    await edge.send(ORG, edge.event("afdeling.registered"))
    edge.out.clear()

    receipts = await edge.send(topic, edge.event(kind, "e-1", **data))

    assert fates(receipts) == ["accepted"]
    [(partition, told)] = edge.published(published)
    assert (partition, told["source"], told["event_id"]) == (HOME, "s", "e-1")
    assert told["version"] == told["fact"].get("revision", 1)
    assert told["recorded_at"] == receipts[0]["recorded_at"]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("reference.published", {}),
        ("list.published", {"list_date": "2024-12-01", "lists": {"udsat": {"complete": True, "areas": ["A1"]}}}),
        ("indicator.observed", {"subject": {"kind": "area", "id": "A1"}, "source": "ministry"}),
    ],
)
async def test_what_concerns_everyone_goes_to_every_partition(edge: Any, kind: str, data: dict[str, Any]) -> None:
    await edge.send(FACTS, edge.event(kind, **data))

    copies = edge.published("control.v1")
    assert [partition for partition, _ in copies] == list(range(PARTITIONS))
    assert all(told == copies[0][1] for _, told in copies)


async def test_a_registration_tells_everyone_which_area_it_names(edge: Any) -> None:
    await edge.send(ORG, edge.event("afdeling.registered", area_id="A1"))

    named = edge.published("control.v1")
    assert [(partition, told["area_id"]) for partition, told in named] == [(p, "A1") for p in range(PARTITIONS)]


async def test_organisations_are_kept_and_not_published(edge: Any) -> None:
    receipts = await edge.send(FACTS, edge.event("organisation.registered"))

    assert fates(receipts) == ["accepted"]
    assert {topic for topic, _ in edge.out} == {"municipality.0851.receipts.v1"}
    assert len(edge.store.facts) == 1


async def test_a_succession_is_told_to_everyone(edge: Any) -> None:
    await edge.send(FACTS, edge.event("afdeling.succeeded"))

    assert [partition for partition, _ in edge.published("control.v1")] == list(range(PARTITIONS))


async def test_a_day_is_closed_once_by_those_who_run_the_system_and_by_nobody_else(edge: Any) -> None:
    day = date(2026, 1, 1)
    line = closing(day, "operator")

    assert fates(await edge.send(OPERATIONS, line, line)) == ["accepted", "duplicate"]
    assert [told["version"] for _, told in edge.published("control.v1")] == [day.toordinal()] * PARTITIONS
    assert await edge.store.last_closed() == day.toordinal()
    assert fates(await edge.send(FACTS, line)) == ["refused"]


async def test_a_receipt_goes_to_its_sender_with_partition_and_key(edge: Any) -> None:
    await edge.send(ORG, edge.event("afdeling.registered", "e-9"), partition=1)

    [(topic, record)] = [(t, r) for t, r in edge.out if ".receipts." in t]
    assert (topic, record.partition, record.key) == ("org.0123.receipts.v1", 1, b"k")
    assert json.loads(record.value) == {
        "fate": "accepted",
        "event_id": "e-9",
        "event_type": "dk.trappetrin.afdeling.registered.v1",
        "topic": ORG,
        "partition": 1,
        "offset": 0,
        "recorded_at": "2026-01-02T08:00:01.000000Z",
        "field": None,
        "rule": None,
        "value": None,
    }


async def test_records_of_one_batch_are_judged_in_their_order(edge: Any) -> None:
    receipts = await edge.send(
        ORG,
        edge.event("afdeling.registered"),
        edge.event("vacancy.reported"),
        edge.event("vacancy.reported"),
        edge.event("vacancy.reported", rent_monthly="3501"),
        edge.event("vacancy.reported", afdeling_id="0123-002", revision=2),
        edge.event("vacancy.reported", rent_monthly="3501", revision=2),
        edge.event("vacancy.cancelled", revision=3),
    )

    assert fates(receipts) == ["accepted", "accepted", "duplicate", "refused", "refused", "accepted", "accepted"]


async def test_later_batches_know_what_earlier_ones_accepted(edge: Any) -> None:
    for kind in ("afdeling.registered", "offer.submitted", "offer.submitted"):
        last = await edge.send(ORG, edge.event(kind))
    moved = await edge.send(ORG, edge.event("offer.submitted", vacancy_id="v2", revision=2))

    assert fates(last) == ["duplicate"]
    assert (moved[0]["fate"], moved[0]["field"], moved[0]["value"]) == ("refused", "data.vacancy_id", "v2")


async def test_a_revision_that_comes_late_is_published_too(edge: Any) -> None:
    await edge.send(ORG, edge.event("afdeling.registered"), edge.event("vacancy.reported", revision=2))
    receipts = await edge.send(ORG, edge.event("vacancy.reported", rent_monthly="3400", revision=1))

    assert fates(receipts) == ["accepted"]
    assert [told["version"] for _, told in edge.published("vacancies.v1")] == [2, 1]


async def test_parked_until_the_afdeling_is_registered(edge: Any) -> None:
    parked = await edge.send(ORG, edge.event("vacancy.reported", "e-1"))
    indicator = await edge.send(FACTS, edge.event("indicator.observed", "e-2"))

    assert fates(parked + indicator) == ["parked", "parked"]
    assert await edge.release() == []
    assert not edge.published("vacancies.v1")
    waiting = await edge.handler.parked(10)
    assert [w[:3] for w in waiting] == [
        ("0123-001", "e-1", "dk.trappetrin.vacancy.reported.v1"),
        ("0123-001", "e-2", "dk.trappetrin.indicator.observed.v1"),
    ]
    assert all(isinstance(w, Waiting) for w in waiting)

    await edge.send(ORG, edge.event("afdeling.registered"), partition=1)

    assert await edge.handler.waiting() == {f"{ORG}/0": 1, f"{FACTS}/0": 1}
    released = await edge.release()
    assert sorted((r["fate"], r["event_id"], r["topic"], r["offset"]) for r in released) == [
        ("released", "e-1", ORG, 0),
        ("released", "e-2", FACTS, 0),
    ]
    [(partition, told)] = edge.published("vacancies.v1")
    assert (partition, told["recorded_at"]) == (HOME, parked[0]["recorded_at"])
    assert len(edge.published("indicators.v1")) == 1
    assert await edge.handler.parked(10) == []
    assert await edge.release() == []


async def test_parked_twice_is_a_duplicate_and_released_once(edge: Any) -> None:
    line = edge.event("vacancy.reported")

    receipts = await edge.send(ORG, line, line)
    await edge.send(ORG, edge.event("afdeling.registered"))

    assert fates(receipts) == ["parked", "duplicate"]
    assert fates(await edge.release()) == ["released"]
    assert fates(await edge.send(ORG, line)) == ["duplicate"]
    assert len(edge.published("vacancies.v1")) == 1


async def test_nothing_is_released_to_a_registration_that_was_taken_back(edge: Any) -> None:
    back = {"afdeling_id": "0123-001", "valid_from": "2024-01-01", "retracted": True, "revision": 2}
    drop = set(json.loads(edge.event("afdeling.registered"))["data"]) - back.keys()
    await edge.send(ORG, edge.event("vacancy.reported"))

    await edge.send(ORG, edge.event("afdeling.registered", without=drop, **back), edge.event("afdeling.registered"))

    assert await edge.release() == []
    assert fates(await edge.send(ORG, edge.event("vacancy.reported", vacancy_id="v2"))) == ["parked"]


async def test_a_registration_asks_for_a_look_at_what_is_parked(edge: Any) -> None:
    await edge.send(ORG, edge.event("vacancy.reported"))
    assert edge.tasks[f"{ORG}/0"].cursor is None

    await edge.send(ORG, edge.event("afdeling.registered"))

    assert edge.tasks[f"{ORG}/0"].cursor == ""
    await edge.release()
    assert edge.tasks[f"{ORG}/0"].cursor is None


async def judged_together(edge: Any, *records: Record) -> dict[str, Draft]:
    drafts = await edge.drafts({f"{r.topic}/{r.partition}" for r in records})
    await edge.handler.prepare([(drafts[f"{r.topic}/{r.partition}"], r) for r in records])
    return drafts


async def test_what_leans_on_another_draft_falls_with_it(edge: Any) -> None:
    line = edge.event("reference.published")
    first, second = edge.record(FACTS, line), edge.record(FACTS, line, partition=1)
    drafts = await judged_together(edge, first, second)
    await edge.store.claim([f"{FACTS}/0"])

    assert drafts[f"{FACTS}/1"].extra.leans == {f"{FACTS}/0"}
    assert await edge.store.commit(list(drafts.values())) == set()
    assert await edge.store.commit([drafts[f"{FACTS}/1"]]) == set()


async def test_what_leans_on_nobody_stands_alone(edge: Any) -> None:
    first = edge.record(FACTS, edge.event("reference.published"))
    second = edge.record(FACTS, edge.event("reference.published", list_date="2023-12-01"), partition=1)
    drafts = await judged_together(edge, first, second)
    await edge.store.claim([f"{FACTS}/0"])

    assert await edge.store.commit(list(drafts.values())) == {f"{FACTS}/1"}


async def test_two_who_accept_the_same_key_at_once(edge: Any) -> None:
    one = (await judged_together(edge, edge.record(FACTS, edge.event("reference.published"))))[f"{FACTS}/0"]
    other = await judged_together(
        edge, edge.record(FACTS, edge.event("reference.published", national_average="0.79"), partition=1)
    )
    await edge.store.commit([one])

    with pytest.raises(Contended):
        await edge.store.commit(list(other.values()))

    assert isinstance(other[f"{FACTS}/1"].extra, Intake)
    assert len(edge.store.facts) == 1
