"""What is refused comes back to its sender with field, rule and value; neighbours go through; its bytes are kept."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from deploy.local.stack import Stack
from services.cli.evaluate import fold_files, lines_of
from services.cli.letters import of as letter_of
from services.cli.log import Log
from services.cli.settle import wait_until_settled
from services.cli.state import current
from services.cli.system import System, of
from services.cli.watch import KINDS, What, read
from shared.events.internal import Receipt
from shared.events.topics import INBOUND_BYTES, dead_letters
from shared.runtime.admin import ensure_senders
from tests.e2e.checks import live, published

EXAMPLES = Path(__file__).parents[2] / "examples"
TOPIC = "org.0123.in.v1"
STRUCTURED = ("content-type", b"application/cloudevents+json")
BINARY = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"odd"),
    ("ce_source", b"org/0123"),
    ("ce_type", b"dk.trappetrin.vacancy.cancelled.v1"),
    ("ce_time", b"2026-01-02T08:00:00Z"),
    ("content-type", b"application/json"),
]
CANCELLED = b'{"vacancy_id": "v", "afdeling_id": "0123-001", "revision": 1}'


def receipts(stack: Stack) -> list[Receipt]:
    log = Log(of(stack), KINDS[What.receipts].wanted)
    found = [read(KINDS[What.receipts], m) for m in log.whole()]
    log.close()
    return [r for r in found if isinstance(r, Receipt)]


def letters(stack: Stack) -> Iterator[tuple[str, bytes | None, bytes | None, Sequence[tuple[str, bytes | None]]]]:
    """Where each came from, its key, value and headers, without the added ones."""
    log = Log(of(stack), dead_letters("ingest").__eq__)
    for message in log.whole():
        letter = letter_of(message)
        place, record = "/".join(map(str, letter.source)), letter.record
        yield place, record.key, record.value, [h for h in record.headers if not h[0].startswith("dead_letter_")]
    log.close()


def place_of(receipt: Receipt) -> str:
    return f"{receipt.topic}/{receipt.partition}/{receipt.offset}"


def test_each_refusal_comes_back_and_its_neighbours_go_through(stack: Stack) -> None:
    lines = list(lines_of([EXAMPLES / "refused.ndjson"]))
    refused = fold_files([EXAMPLES / "refused.ndjson"]).refused
    cuts = sorted({0, len(lines), *(n for r in refused for n in (r.line - 1, r.line))})
    for begin, end in pairwise(cuts):  # what is refused depends on what came before it
        published(stack, lines[begin:end])
        wait_until_settled(of(stack))
    told = {r.event_id: r for r in receipts(stack) if r.fate == "refused"}
    kept = {place: value for place, _, value, _ in letters(stack)}
    others = {json.loads(line)["id"] for _, n, line in lines} - told.keys()

    assert current(of(stack)) == json.loads((EXAMPLES / "refused.expected.json").read_text())
    assert {i: (r.field, r.rule, r.value) for i, r in told.items()} == {
        r.event_id: (r.field, r.rule, r.value) for r in refused
    }
    assert {kept[place_of(told[r.event_id])] for r in refused} == {lines[r.line - 1][2] for r in refused}
    assert {r.event_id for r in receipts(stack) if r.fate == "accepted"} >= others


@pytest.mark.parametrize(
    ("headers", "value", "field", "rule"),
    [
        ([*BINARY[1:], ("ce_specversion", b"\xff\xfe")], CANCELLED, "headers.ce_specversion", "must be UTF-8"),
        ([*BINARY, ("trace", None)], CANCELLED, "headers.trace", "must not be null"),
        (BINARY, b'{"vacancy_id": "v",', "value", "must be JSON"),
        ([STRUCTURED], b'{"specversion"', "value", "must be JSON"),
        (BINARY, b"", "value", "must not be empty"),
        (BINARY, None, "value", "must not be empty"),
        ([STRUCTURED], b'{"x": "' + b"x" * (INBOUND_BYTES - 300) + b'"}', "data", "must be given"),
    ],
    ids=["not UTF-8", "null header", "broken JSON", "broken structured JSON", "empty", "null", "largest"],
)
def test_odd_records_are_refused_and_kept(
    stack: Stack, headers: list[tuple[str, bytes | None]], value: bytes | None, field: str, rule: str
) -> None:
    system, placed = of(stack), list[str]()
    ensure_senders(system.kafka, ["0123"], [])
    producer = Producer({"bootstrap.servers": ",".join(system.kafka), "message.max.bytes": INBOUND_BYTES + 100_000})

    def done(error: Any, message: Any) -> None:
        assert error is None
        placed.append(f"{message.topic()}/{message.partition()}/{message.offset()}")

    producer.produce(TOPIC, value=value, key=b"odd", headers=headers, on_delivery=done)
    producer.flush(30)
    live(stack)
    told = {place_of(r): r for r in receipts(stack)}
    kept = {place: (key, value, headers) for place, key, value, headers in letters(stack)}

    assert (told[placed[0]].fate, told[placed[0]].field) == ("refused", field)
    assert rule in (told[placed[0]].rule or "")
    assert kept[placed[0]] == (b"odd", value, headers)


def test_what_comes_in_transactions_is_taken_in_but_for_what_was_aborted(stack: Stack) -> None:
    """Several end within one fetch: each leaves a hole in the offsets, which the core must tell from a loss."""
    system = of(stack)
    ensure_senders(system.kafka, ["0123"], [])
    stack.down(only=["ingest"], say=lambda _line: None)
    try:
        transact(system)
    finally:
        stack.up(say=lambda _line: None)
    wait_until_settled(system)
    fates = {(r.event_id, r.fate, place_of(r)) for r in receipts(stack) if r.event_id and r.event_id.startswith("t")}

    assert Counter(event for event, *_ in fates) == {f"t{n}-{part}": 1 for n in (0, 1, 2, 4, 5) for part in range(2)}

    undecided = Producer({"bootstrap.servers": ",".join(system.kafka), "transactional.id": "org.0123"})
    undecided.init_transactions(30)
    undecided.begin_transaction()
    undecided.produce(TOPIC, value=CANCELLED, key=b"0123-001", headers=BINARY, partition=0)
    undecided.flush(30)

    assert wait_until_settled(system, limit=30) < 30  # nobody may read it yet


def transact(system: System) -> None:
    """Six transactions of two records, the fourth aborted, and a record after them, so that the end is no marker."""
    producer = Producer({"bootstrap.servers": ",".join(system.kafka), "transactional.id": "org.0123"})
    producer.init_transactions(30)
    for number in range(6):
        producer.begin_transaction()
        for part in range(2):
            said = [("ce_id", f"t{number}-{part}".encode()) if h[0] == "ce_id" else h for h in BINARY]
            producer.produce(TOPIC, value=CANCELLED, key=b"0123-001", headers=said, partition=0)
        if number == 3:
            producer.abort_transaction(30)
        else:
            producer.commit_transaction(30)
    after = Producer({"bootstrap.servers": ",".join(system.kafka)})
    after.produce(TOPIC, value=CANCELLED, key=b"0123-001", headers=BINARY, partition=0)
    after.flush(30)
