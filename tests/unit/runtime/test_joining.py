"""A process joins its group whatever fails on the way; of what it was given it says why it cannot take it."""

import asyncio
import gc
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from shared.events.topics import INBOUND_PATTERN
from shared.metrics import Metrics
from shared.runtime.app import Process
from shared.runtime.core import Core
from shared.runtime.counting import Counting
from shared.runtime.health import Health
from shared.runtime.kafka import Subscriber
from shared.runtime.keyed import of_number
from shared.runtime.looks import Looks
from shared.runtime.memory import MemoryBroker, MemoryPublisher, MemoryStore
from shared.runtime.relay import Relay
from shared.settings import Settings

SETTINGS = Settings(kafka=["nowhere:9092"], database="postgresql://nobody@nowhere/none")


class Failing:
    """A broker that cannot be joined at first, nor left."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.joined = list(errors), asyncio.Event()

    async def start(self) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.joined.set()

    async def stop(self) -> None:
        raise ExceptionGroup("while it was left", [RuntimeError()])


def joining(broker: Failing) -> tuple[Health, Subscriber]:
    subscriber: Any = Subscriber(SETTINGS, "quota", of_number, topics=("vacancies.v1", "colours.v1"))
    store: Any = MemoryStore()
    relay = Relay(store, MemoryPublisher(MemoryBroker()))
    handler: Any = None  # no record comes
    subscriber.core = Core(store, subscriber, relay, handler, task_of=of_number)
    subscriber.broker = broker
    watch, pool = Counting(Metrics()), Any
    health = Health(subscriber.core, watch, Looks(SETTINGS, "quota", pool, subscriber, watch))  # type: ignore[arg-type]  # it is not asked
    return health, subscriber


@pytest.fixture
def collected() -> Iterator[None]:
    """A process that has joined sets up its collection of garbage; that of the tests stays as it was."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("collected")
async def test_joining_is_tried_until_it_succeeds() -> None:
    broker = Failing(ConnectionError(), ValueError("nobody knows why"))
    health, subscriber = joining(broker)
    health.looks.fit.set()
    belonging = asyncio.create_task(Process("quota", SETTINGS).belong(subscriber, health))
    await asyncio.wait_for(broker.joined.wait(), 30)
    await asyncio.sleep(0)

    assert (health.joined, belonging.done()) == (True, False)
    belonging.cancel()


async def test_whose_numbers_are_torn_is_not_ready_and_says_why() -> None:
    health, subscriber = joining(Failing())
    health.joined = True
    await subscriber.on_partitions_assigned([TopicPartition("vacancies.v1", 0), TopicPartition("vacancies.v1", 1)])

    assert health.ready()["why"] == (
        "the group gave other numbers of one topic than of another: colours.v1 [], vacancies.v1 [0, 1]"
    )

    both = [TopicPartition(topic, 0) for topic in ("vacancies.v1", "colours.v1")]
    await subscriber.on_partitions_assigned(both)

    assert (subscriber.core.torn, subscriber.core.wanted) == (None, {"0"})


def shares(subscriber: Subscriber, topics: Sequence[str], numbers: int, processes: int) -> list[set[tuple[str, int]]]:
    """Which partitions each process gets, by the one way that it offers: of more, aiokafka joins once for each."""
    [way] = subscriber.subscriber._connection_args["partition_assignment_strategy"]
    cluster = SimpleNamespace(partitions_for_topic=lambda _topic: set(range(numbers)))
    given = way.assign(cluster, {str(n): way.metadata(topics) for n in range(processes)})
    return [{(topic, n) for topic, ns in given[p].assignment for n in ns} for p in sorted(given)]


def test_of_single_partitions_each_process_has_as_many() -> None:
    subscriber = Subscriber(SETTINGS, "ingest", of_number, pattern=INBOUND_PATTERN)
    found = shares(subscriber, ["org.0123.in.v1", "org.0456.in.v1", "operations.in.v1"], 2, 4)

    assert sorted(len(share) for share in found) == [1, 1, 2, 2]
    assert len(set().union(*found)) == 6


def test_of_a_task_s_partitions_all_go_to_one_process() -> None:
    topics = ("vacancies.v1", "colours.v1")
    found = shares(Subscriber(SETTINGS, "quota", of_number, topics=topics), topics, 6, 4)

    assert [{topic: {n for t, n in share if t == topic} for topic in topics} for share in found] == [
        dict.fromkeys(topics, numbers) for numbers in ({0, 1}, {2, 3}, {4}, {5})
    ]


def test_partitions_are_grouped_by_task_once_for_each_change() -> None:
    asked = list[tuple[str, int]]()

    def task_of(topic: str, partition: int) -> str:
        asked.append((topic, partition))
        return str(partition)

    subscriber: Any = Subscriber(SETTINGS, "quota", task_of, topics=("vacancies.v1", "colours.v1"))
    first, second = (frozenset(TopicPartition("colours.v1", n) for n in ns) for ns in ((0, 1), (1, 2)))
    found = []
    for given in (first, first, second, second):
        subscriber.subscriber.consumer = SimpleNamespace(assignment=lambda given=given: given)
        found.append({task for task in ("0", "1", "2") if subscriber.partitions(task)})

    assert found == [{"0", "1"}, {"0", "1"}, {"1", "2"}, {"1", "2"}]
    assert len(asked) == len(first) + len(second)
