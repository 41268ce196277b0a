"""Topics, made from the registry: what is missing is created, what exists is left as it is."""

from collections.abc import Iterable, Sequence

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from shared.events.topics import INTERNAL, Topic, inbound_topics, operations_topics

LIMIT, AS_THE_CLUSTER_HAS_IT = 30.0, -1


class TopicMismatch(Exception):
    """A topic exists with another number of partitions than the registry says; adding partitions is forbidden."""


def ensure_internal_topics(servers: Sequence[str]) -> list[str]:
    """Create the missing internal topics and return their names. Raises `TopicMismatch`, `KafkaException`."""
    return ensure_topics(servers, [*INTERNAL.values(), *operations_topics()])


def ensure_senders(servers: Sequence[str], organisations: Iterable[str], municipalities: Iterable[str]) -> list[str]:
    """Create what these senders write to and read their receipts from."""
    return ensure_topics(servers, inbound_topics(sorted(organisations), sorted(municipalities)))


def ensure_topics(servers: Sequence[str], topics: Iterable[Topic]) -> list[str]:
    admin = AdminClient({"bootstrap.servers": ",".join(servers)})
    existing = admin.list_topics(timeout=LIMIT).topics
    missing = []
    for topic in topics:
        if topic.name not in existing:
            missing.append(topic)
        elif (found := len(existing[topic.name].partitions)) != topic.partitions:
            raise TopicMismatch(f"topic {topic.name} has {found} partitions, the registry says {topic.partitions}")
    # The broker's clock, and not a sender's, says when a record came: lag and age are told by it.
    new = [
        NewTopic(
            t.name,
            num_partitions=t.partitions,
            replication_factor=AS_THE_CLUSTER_HAS_IT,
            config={
                "cleanup.policy": "delete",
                "retention.ms": str(t.retention_ms),
                "max.message.bytes": str(t.max_message_bytes),
                "message.timestamp.type": "LogAppendTime",
            },
        )
        for t in missing
    ]
    for future in (admin.create_topics(new, operation_timeout=LIMIT) if new else {}).values():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    return [t.name for t in missing]
