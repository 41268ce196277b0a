"""What must be done to a cluster so that its topics are those of the registry. Pure: it looks at nothing.

What would lose or move anything is refused with its reason, and nothing is ever deleted.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from shared.events.topics import Topic, is_ours

Action = Literal["create", "set", "grow", "refuse", "unknown"]
"""`unknown`: a topic under one of our names that the registry does not know; told, and left alone."""
FEWER = "partitions cannot be taken away: make a new version of the topic and replay"
KEYED = "its keys would move to other tasks: make a new version of the topic and replay"
COPIES = "copies are moved by Kafka's own kafka-reassign-partitions.sh"
LEFT = "the registry does not know it; it is left as it is"


class Found(NamedTuple):
    """A topic as the cluster has it; of its settings those in force, whoever set them."""

    partitions: int
    copies: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cluster:
    """`copies`: of a topic that is made without saying how many."""

    topics: Mapping[str, Found]
    copies: int


class Change(NamedTuple):
    """`found` and `wanted` are of the `field`; of what is refused or unknown `why` says why."""

    topic: str
    action: Action
    field: str = ""
    found: str = ""
    wanted: str = ""
    why: str = ""

    @property
    def in_the_way(self) -> bool:
        """Whether the services cannot start as it is; with fewer copies than by default they can."""
        return self.action == "refuse" and self.field == "partitions"


def settings_of(topic: Topic, copies: int) -> dict[str, str]:
    """With so many copies of each partition, all but one must have a record before it is acknowledged.

    The broker's clock, and not a sender's, says when a record came: lag and age are told by it.
    """
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(topic.retention_ms),
        "retention.bytes": "-1",
        "max.message.bytes": str(topic.max_message_bytes),
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": str(max(1, copies - 1)),
    }


def plan(wanted: Iterable[Topic], cluster: Cluster) -> list[Change]:
    """Empty when the cluster is as the registry wants it."""
    topics = {t.name: t for t in wanted}
    changes = [c for topic in topics.values() for c in compared(topic, cluster)]
    strange = sorted(name for name in cluster.topics if name not in topics and is_ours(name))
    return changes + [Change(name, "unknown", why=LEFT) for name in strange]


def compared(topic: Topic, cluster: Cluster) -> Iterator[Change]:
    found = cluster.topics.get(topic.name)
    yield from counted(topic, found.partitions if found else 0)
    if found is None:
        return
    if found.copies < cluster.copies:
        yield Change(topic.name, "refuse", "copies", str(found.copies), str(cluster.copies), COPIES)
    for name, value in settings_of(topic, found.copies).items():
        if found.settings.get(name) != value:
            yield Change(topic.name, "set", name, found.settings.get(name, ""), value)


def counted(topic: Topic, found: int) -> Iterator[Change]:
    """What follows from so many partitions; none where the topic is not there."""
    if not found:
        yield Change(topic.name, "create", "partitions", wanted=str(topic.partitions))
    elif found > topic.partitions:
        yield Change(topic.name, "refuse", "partitions", str(found), str(topic.partitions), FEWER)
    elif found < topic.partitions and topic.keyed:
        yield Change(topic.name, "refuse", "partitions", str(found), str(topic.partitions), KEYED)
    elif found < topic.partitions:
        yield Change(topic.name, "grow", "partitions", str(found), str(topic.partitions))
