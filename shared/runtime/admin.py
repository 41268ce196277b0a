"""The topics of a cluster: looked at, and made as the registry wants them. All that makes or changes topics is here."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are there, though not marked as exported
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from confluent_kafka.cimpl import NewPartitions, NewTopic

from shared.events.topics import INTERNAL, Topic, inbound_topics, operations_topics, wanted_topics
from shared.runtime.planning import Change, Cluster, Found, plan, settings_of

LIMIT = 30.0


class TopicMismatch(Exception):
    """A topic exists with another number of partitions than the registry says."""


class Topics:
    """The cluster at these servers. Every method raises `KafkaException`."""

    def __init__(self, servers: Sequence[str]) -> None:
        self.admin = AdminClient({"bootstrap.servers": ",".join(servers)})

    def look(self) -> Cluster:
        told = self.admin.list_topics(timeout=LIMIT)
        broker = ConfigResource(ResourceType.BROKER, str(min(told.brokers)))
        resources = {name: ConfigResource(ResourceType.TOPIC, name) for name in told.topics}
        asked = self.admin.describe_configs([broker, *resources.values()], request_timeout=LIMIT)
        settings = {resource: future.result(LIMIT) for resource, future in asked.items()}
        return Cluster(
            {
                name: Found(
                    len(topic.partitions),
                    min((len(p.replicas) for p in topic.partitions.values()), default=0),
                    {key: entry.value for key, entry in settings[resources[name]].items()},
                )
                for name, topic in told.topics.items()
            },
            int(settings[broker]["default.replication.factor"].value),
        )

    def plan(self) -> list[Change]:
        """Of all topics of the registry, and of those of every sender of whom one is there."""
        cluster = self.look()
        return plan(wanted_topics(cluster.topics), cluster)

    def apply(self, changes: Iterable[Change]) -> None:
        """All that is not refused. Doing it again changes nothing."""
        by: Mapping[str, list[Change]] = defaultdict(list)
        for change in changes:
            by[change.action].append(change)
        cluster = self.look()
        known = {t.name: t for t in wanted_topics([*cluster.topics, *(c.topic for c in by["create"])])}
        self.create([known[c.topic] for c in by["create"]], cluster.copies)
        if by["grow"]:
            more = [NewPartitions(c.topic, int(c.wanted)) for c in by["grow"]]
            finished(self.admin.create_partitions(more, operation_timeout=LIMIT))
        entries: dict[str, list[ConfigEntry]] = defaultdict(list)
        for c in by["set"]:
            entries[c.topic].append(ConfigEntry(c.field, c.wanted, incremental_operation=AlterConfigOpType.SET))
        resources = [
            ConfigResource(ResourceType.TOPIC, name, incremental_configs=changed) for name, changed in entries.items()
        ]
        if resources:
            finished(self.admin.incremental_alter_configs(resources, request_timeout=LIMIT))

    def create(self, topics: Iterable[Topic], copies: int) -> None:
        new = [NewTopic(t.name, t.partitions, copies, config=settings_of(t, copies)) for t in topics]
        if new:
            finished(self.admin.create_topics(new, operation_timeout=LIMIT), harmless=KafkaError.TOPIC_ALREADY_EXISTS)


def finished(futures: Mapping[Any, "Future[None]"], harmless: int | None = None) -> None:
    """Waits for all. Raises the first `KafkaException` but the harmless one."""
    for future in futures.values():
        try:
            future.result(LIMIT)
        except KafkaException as error:
            if error.args[0].code() != harmless:
                raise


def ensure_internal_topics(servers: Sequence[str]) -> list[str]:
    """Create the missing internal topics and return their names. Raises `TopicMismatch`, `KafkaException`."""
    return ensure_topics(servers, [*INTERNAL.values(), *operations_topics()])


def ensure_senders(servers: Sequence[str], organisations: Iterable[str], municipalities: Iterable[str]) -> list[str]:
    """Create what these senders write to and read their receipts from."""
    return ensure_topics(servers, inbound_topics(sorted(organisations), sorted(municipalities)))


def ensure_topics(servers: Sequence[str], topics: Iterable[Topic]) -> list[str]:
    """What is missing is created; what exists is left as it is, for `trappetrin topics` to tell of."""
    wanted, cluster = {t.name: t for t in topics}, (here := Topics(servers)).look()
    changes = plan(wanted.values(), cluster)
    for c in changes:
        if c.field == "partitions" and c.action != "create":
            raise TopicMismatch(
                f"topic {c.topic} has {c.found} partitions, the registry says {c.wanted}: see `trappetrin topics plan`"
            )
    missing = [c.topic for c in changes if c.action == "create"]
    here.create([wanted[name] for name in missing], cluster.copies)
    return missing
