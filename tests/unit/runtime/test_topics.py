"""What of a cluster is looked at, and what is made of a silent one; how it is changed, a real broker shows."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple

import pytest
from confluent_kafka import KafkaException

from shared.events.topics import inbound_topics, is_ours, wanted_topics
from shared.runtime import admin
from shared.runtime.admin import Topics, finished
from shared.runtime.planning import Change, Cluster, Found

NOWHERE = ["127.0.0.1:1"]


class Partition(NamedTuple):
    replicas: list[int]


class Listed(NamedTuple):
    partitions: Mapping[int, Partition]


class Kept(Topics):
    """A cluster with these topics, and one copy by default. `asked`: whose settings were asked for."""

    def __init__(self, topics: Mapping[str, int]) -> None:
        super().__init__(NOWHERE)
        self.topics, self.asked = topics, set[str]()

    def listed(self) -> dict[str, Any]:
        return {name: Listed({n: Partition([1]) for n in range(number)}) for name, number in self.topics.items()}

    def settings(self, kind: Any, names: Iterable[str]) -> dict[str, dict[str, str]]:
        names = set(names)
        self.asked |= names
        return {name: {} for name in names} or super().settings(kind, names)

    def copies(self) -> int:
        return 1


def test_on_an_empty_cluster_everything_is_to_be_made() -> None:
    wanted = [Change(t.name, "create", "partitions", "", str(t.partitions)) for t in wanted_topics(())]

    assert Kept({}).plan() == wanted


def test_the_topics_of_others_are_not_looked_into() -> None:
    cluster = Kept({"payroll.v1": 3, "__consumer_offsets": 50, "colours.v1": 6, "org.0123.notes": 1})

    assert cluster.look() == Cluster({"colours.v1": Found(6, 1, {}), "org.0123.notes": Found(1, 1, {})}, 1)
    assert cluster.asked == {"colours.v1", "org.0123.notes"}
    assert [t.name for t in wanted_topics(["org.0123.in.v1", "municipality.0851.x"]) if not is_ours(t.name)] == []


def test_a_controller_that_says_nothing_is_a_fault_of_kafkas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "RESULT", 0.0)
    silent: Future[None] = Future()

    with pytest.raises(KafkaException) as raised:
        finished({"colours.v1": silent})

    assert raised.value.args[0].str() == "no answer within 0 s"


def test_more_is_waited_for_than_kafka_may_take() -> None:
    assert admin.LIMIT < admin.REQUEST < admin.RESULT


class Taking:
    """A controller that takes no more than so much at once, as Kafka's does."""

    def __init__(self) -> None:
        self.taken = list[int]()

    def create_topics(self, new: list[Any], **_limits: float) -> dict[str, Future[None]]:
        self.taken.append(len(new))
        assert len(new) <= admin.AT_ONCE
        return {topic.topic: done() for topic in new}


def done() -> Future[None]:
    future = Future[None]()
    future.set_result(None)
    return future


def test_the_topics_of_a_whole_country_are_made_in_lots() -> None:
    topics = inbound_topics([f"{number:04}" for number in range(420)], ["0851"])
    taking: Any = Taking()  # of which only this is asked
    here = Kept({})
    here.admin = taking
    here.create(topics)

    assert sum(taking.taken) == len(topics) > 420
