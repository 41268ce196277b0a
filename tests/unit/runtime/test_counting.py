"""What is counted: what was committed, once, and under labels of which there are few."""

import re
from datetime import UTC, datetime
from pathlib import Path
from time import time

from services.quota.domain import QuotaDomain
from shared.metrics import Metrics, family
from shared.runtime.contract import Record
from shared.runtime.core import Core
from shared.runtime.counting import WHYS, Counting
from shared.runtime.keyed import KeyedHandler, of_number
from shared.runtime.memory import MemoryBroker, MemoryConsumer, MemoryPublisher, MemoryStore
from shared.runtime.relay import Relay

TOPIC = "vacancies.v1"
RUNTIME = Path(__file__).parents[3] / "shared" / "runtime"


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"trappetrin_{name}", labels)


def broken(offset: int, partition: int = 0) -> Record:
    return Record(TOPIC, partition, offset, b"0123-001", b"{", (), int((time() - 30) * 1000))


async def core(watch: Counting, *tasks: str) -> Core:
    store, broker = MemoryStore(), MemoryBroker()
    consumer = MemoryConsumer(broker, TOPIC.__eq__, of_number)
    handler = KeyedHandler(QuotaDomain(), "quota", store, clock=lambda: datetime(2026, 1, 2, tzinfo=UTC))
    relay = Relay(store, MemoryPublisher(broker), observer=watch)
    relay.spoiled = False
    relay.measure()
    one = Core(store, consumer, relay, handler, task_of=of_number, observer=watch)
    one.assigned(tasks)
    await one.claim()
    return one


async def test_a_batch_is_counted_with_its_dead_letters_and_its_age() -> None:
    metrics = Metrics()
    one = await core(Counting(metrics), "0")
    await one.handle([broken(0), broken(1)])

    assert value(metrics, "records_total", topic=TOPIC) == 2
    assert value(metrics, "dead_letters_total", reason="invalid") == 2
    assert (value(metrics, "batch_records_count"), value(metrics, "batch_records_sum")) == (1, 2)
    assert 30 <= (value(metrics, "event_age_seconds_sum") or 0) < 40
    assert value(metrics, "commit_seconds_count") == 1
    assert value(metrics, "rebalances_total") == 1

    await one.handle([broken(0), broken(1)])

    assert value(metrics, "records_total", topic=TOPIC) == 2


async def test_what_the_fence_refused_is_a_refusal_and_no_record() -> None:
    metrics = Metrics()
    one = await core(Counting(metrics), "0", "1")
    await one.store.claim(["0"])  # somebody else
    await one.handle([broken(0), broken(0, partition=1)])

    assert value(metrics, "tasks_dropped_total", why="fenced") == 1
    assert value(metrics, "records_total", topic=TOPIC) == 1
    assert value(metrics, "dead_letters_total", reason="invalid") == 1


async def test_the_relay_counts_what_was_acknowledged() -> None:
    metrics = Metrics()
    one = await core(Counting(metrics), "0")
    await one.handle([broken(0)])
    await one.relay.round()

    assert value(metrics, "published_records_total", topic="quota.dead-letters.v1") == 1


def test_senders_share_a_label() -> None:
    assert {family(f"org.{n:04}.in.v1") for n in range(500)} == {"org.*.in.v1"}
    assert family("municipality.0851.facts.in.v1") == "municipality.*.facts.in.v1"
    assert family("vacancies.v1") == "vacancies.v1"


def test_each_reason_to_drop_a_task_is_counted_from_the_start() -> None:
    calls = re.findall(r'\.drop(?:_all)?\([^"\n]*"([a-z]+)"', "".join(p.read_text() for p in RUNTIME.glob("*.py")))

    assert sorted(set(calls)) == sorted(WHYS)
