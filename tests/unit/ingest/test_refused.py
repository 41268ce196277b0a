"""What cannot be used: refused with field, rule and value, kept with its bytes, and never at a neighbour's cost."""

import json
from typing import Any

import pytest

from services.ingest.service import LARGEST
from shared.runtime.contract import Draft, Task
from shared.runtime.tracing import ROOM
from tests.edge import FACTS, ORG, Edge, fates

DEAD = "ingest.dead-letters.v1"
BAD_HEADER = (("content-type", b"application/cloudevents+json"), ("trace", b"\xff"))
NULL_HEADER = (("content-type", b"application/cloudevents+json"), ("trace", None))
PLAIN = (("content-type", b"application/cloudevents+json"),)


@pytest.mark.parametrize(
    ("value", "headers", "field"),
    [
        (None, PLAIN, "value"),
        (b"", PLAIN, "value"),
        (b"{", PLAIN, "value"),
        (b"[1]", PLAIN, "value"),
        (b"\xff", PLAIN, "value"),
        (b'{"data": {"\\ud800": 1}}', PLAIN, None),
        (b"{}", (), None),
        (b"{}", BAD_HEADER, "headers.trace"),
        (b"{}", NULL_HEADER, "headers.trace"),
    ],
)
async def test_what_cannot_be_read_is_refused_and_kept_and_hurts_no_neighbour(
    edge: Any, value: bytes | None, headers: Any, field: str | None
) -> None:
    bad = edge.record(ORG, value, headers=headers)
    good = edge.record(ORG, edge.event("afdeling.registered"))

    refused, accepted = await edge.batch([bad, good])

    assert (refused["fate"], accepted["fate"]) == ("refused", "accepted")
    assert refused["rule"]
    if field:
        assert refused["field"] == field
    [letter] = [r for t, r in edge.out if t == DEAD]
    assert letter.value == value
    assert tuple(letter.headers)[: len(headers)] == headers


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("vacancy.reported", {"rent_monthly": "50001"}, ("data.rent_monthly", "must be from 0 to 50000", "50001")),
        ("vacancy.reported", {"vacant_from": "2025-02-30"},
            ("data.vacant_from", "must be a day that exists in the calendar", "2025-02-30")),
        ("vacancy.reported", {"tenant": "…"}, ("data.tenant", "is not a known field", "…")),
        ("afdeling.succeeded", {"from_": ["0123-003"]}, ("data.from_", "is not a known field", '["0123-003"]')),
        ("vacancy.moved", {}, ("type", "must be a type of the contract", "dk.trappetrin.vacancy.moved.v1")),
        ("list.published", {"list_date": "2024-12-01", "lists": {"ghetto": {"complete": True, "areas": []}}},
            ("data.lists.ghetto", "must be one of udsat, parallelsamfund, omdannelse or forebyggelse", "ghetto")),
        ("twins.compared", {"afdeling_id": "0123-001", "as_of": "2024-01-01", "effective_from": "2024-05-01",
            "twins": ["", "t"], "comparisons": [{"indicator": "income", "own": None, "twin_mean": "1"}]},
            ("data.twins.0", "must not be empty", "")),
        ("vacancy.reported", {"afdeling_id": "0456-001"},
            ("data.afdeling_id", "must begin with the number of the sender, 0123", "0456-001")),
    ],
)  # fmt: skip
async def test_a_refusal_names_field_rule_and_value(
    edge: Any, kind: str, data: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    [receipt] = await edge.send(ORG, edge.event(kind, "e-1", **data))

    assert (receipt["fate"], receipt["event_id"]) == ("refused", "e-1")
    assert (receipt["field"], receipt["rule"], receipt["value"]) == expected
    [letter] = [r for t, r in edge.out if t == DEAD]
    assert dict(letter.headers)["dead_letter_reason"] == f"{expected[0]} {expected[1]}".encode()


async def test_refused_events_are_counted_once_each(edge: Any) -> None:
    await edge.send(ORG, edge.event("vacancy.moved", "a"), edge.event("vacancy.moved", "a"), b"{", b"{")
    await edge.send(ORG, edge.event("vacancy.moved", "a"), edge.event("vacancy.moved", "b"), partition=1)

    assert await edge.handler.view() == {"refused": 4}


async def test_a_broken_envelope_is_counted_by_source_and_id(edge: Any) -> None:
    line = json.loads(edge.event("vacancy.reported", "a")) | {"unknown": 1}
    lines = [json.dumps(line | {"source": s}).encode() for s in ("x", "x", "y")]

    receipts = await edge.send(ORG, *lines)

    assert fates(receipts) == ["refused"] * 3
    assert await edge.handler.view() == {"refused": 2}


async def test_a_fact_too_large_to_be_published_is_refused(edge: Any) -> None:
    areas = [f"{n:04d}".ljust(200, "æ") for n in range(2_000)]
    lists = {d: {"complete": True, "areas": areas} for d in ("udsat", "parallelsamfund")}

    [receipt] = await edge.send(FACTS, edge.event("list.published", list_date="2024-12-01", lists=lists))

    assert (receipt["fate"], receipt["field"]) == ("refused", "data")
    assert receipt["rule"] == f"must not be larger than {LARGEST} bytes as it is published"
    assert not edge.store.facts


@pytest.mark.parametrize("trace", [None, f"00-{'a' * 32}-{'b' * 16}-01"])
async def test_traced_or_not_a_fact_has_one_fate_at_the_largest_size(
    edge: Any, trace: str | None, new_edge: type[Edge], monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.ingest import service

    line = edge.event("reference.published")
    await edge.send(FACTS, line)
    most = {o.size() for topic, o in edge.out if topic == "control.v1"}.pop() + ROOM
    answers = []
    for largest in (most, most - 1):
        monkeypatch.setattr(service, "LARGEST", largest)
        another = new_edge()
        another.trace = trace
        [receipt] = await another.send(FACTS, line)
        answers.append((receipt["fate"], receipt.get("value")))

    assert answers == [("accepted", None), ("refused", f"{most} bytes")]


async def test_a_buried_record_is_refused_and_somebody_must_look(edge: Any) -> None:
    draft = Draft(Task(f"{ORG}/0", 1, {}), {}, None)

    edge.handler.bury(draft, edge.record(ORG, edge.event("vacancy.reported", "e-1")), ValueError("no"))

    [answer] = draft.out["org.0123.receipts.v1"]
    told = json.loads(answer.value)
    assert (told["fate"], told["event_id"], told["rule"]) == ("refused", "e-1", "cannot be recorded: ValueError")
    assert len(draft.out[DEAD]) == len(draft.flaws) == len(draft.extra.refusals) == 1


async def test_a_step_that_raises_costs_its_own_record(edge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from services.ingest import service

    def fails(fact: Any, *rest: Any) -> Any:
        if fact.kind == "vacancy.reported":
            raise ZeroDivisionError
        return "accepted"

    monkeypatch.setattr(service, "admit", fails)

    receipts = await edge.send(ORG, edge.event("vacancy.reported"), edge.event("afdeling.registered"))

    assert fates(receipts) == ["refused", "accepted"]


@pytest.mark.parametrize(("name", "expected"), [("refused.ndjson", 10), ("small.ndjson", 2)])
@pytest.mark.parametrize("times", [1, 2])
async def test_examples_are_refused_as_told(edge: Any, routed: Any, name: str, expected: int, times: int) -> None:
    for topic, line in routed(name):
        for _ in range(times):
            await edge.send(topic, line)
    await edge.release()

    assert await edge.handler.view() == {"refused": expected}
    assert not await edge.handler.waiting()


@pytest.mark.parametrize(
    ("header", "field", "rule"),
    [
        (("\udcff\udcfe", b"v"), "headers", "must have names in UTF-8"),
        (("x" * 70_000, b"v"), "value", "must not be empty"),
    ],
)
async def test_a_header_that_cannot_be_kept_refuses_its_own_record_only(
    edge: Any, header: tuple[str, bytes], field: str, rule: str
) -> None:
    odd = edge.record(ORG, b"", headers=(header,))
    receipts = await edge.batch([odd, edge.record(ORG, edge.event("afdeling.registered"))])

    assert [(r["fate"], r.get("field"), r.get("rule")) for r in receipts] == [
        ("refused", field, rule),
        ("accepted", None, None),
    ]
    assert [(o.key, o.value) for t, o in edge.out if t == DEAD] == [(b"k", b"")]
