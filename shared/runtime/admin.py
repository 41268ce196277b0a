"""The topics of a cluster: looked at, and made as the registry wants them. All that makes or changes topics is here."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are there, though not marked as exported
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    OffsetSpec,
    ResourceType,
    TopicMetadata,
)
from confluent_kafka.cimpl import NewPartitions, NewTopic

from shared.events.topics import INTERNAL, Topic, inbound_topics, is_ours, operations_topics, wanted_topics
from shared.runtime.planning import Change, Cluster, Found, counted, plan, settings_of

LIMIT, REQUEST, RESULT = 30.0, 35.0, 40.0
"""Seconds: that the controller may take, with the way there and back, and until nothing more is waited for."""
AT_ONCE = 100
"""Topics in one request: the controller refuses what would be more than 10,000 entries of its log."""
T = TypeVar("T")


class TopicMismatch(Exception):
    """A topic exists with another number of partitions than the registry says."""


class Topics:
    """The cluster at these servers. Every method raises `KafkaException`."""

    def __init__(self, servers: Sequence[str]) -> None:
        self.admin = AdminClient({"bootstrap.servers": ",".join(servers), "log_level": 2})  # an error is raised anyway

    def plan(self) -> list[Change]:
        """Of all topics of the registry, and of those of every sender of whom one is there."""
        cluster = self.look()
        return plan(wanted_topics(cluster.topics), cluster)

    def look(self) -> Cluster:
        """Of the topics only those under our names, as all of the registry are."""
        told = {name: topic for name, topic in self.listed().items() if is_ours(name)}
        settings = self.settings(ResourceType.TOPIC, told)
        return Cluster(
            {
                name: Found(
                    len(topic.partitions),
                    min((len(p.replicas) for p in topic.partitions.values()), default=0),
                    settings[name],
                )
                for name, topic in told.items()
            },
            self.copies(),
        )

    def listed(self) -> dict[str, TopicMetadata]:
        return self.admin.list_topics(timeout=LIMIT).topics

    def ends(self, wanted: Callable[[str], bool]) -> dict[tuple[str, int], int]:
        """The next offset of every partition of these topics: one question, also of a country's thousands.

        Up to where transactions are decided: what lies beyond nobody reads yet.
        """
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the library does not type it
        places = {
            TopicPartition(name, number): latest
            for name, topic in self.listed().items()
            if wanted(name)
            for number in topic.partitions
        }
        decided = IsolationLevel.READ_COMMITTED
        asked = self.admin.list_offsets(places, isolation_level=decided, request_timeout=REQUEST)
        return {(place.topic, place.partition): result(one).offset for place, one in asked.items()}

    def settings(self, kind: Any, names: Iterable[str]) -> dict[str, dict[str, str]]:
        resources = [ConfigResource(kind, name) for name in names]
        asked = self.admin.describe_configs(resources, request_timeout=REQUEST) if resources else {}
        return {r.name: {key: e.value for key, e in result(future).items()} for r, future in asked.items()}

    def copies(self) -> int:
        """That a topic has for which nobody says how many."""
        broker = str(min(self.admin.list_topics(timeout=LIMIT).brokers))
        return int(self.settings(ResourceType.BROKER, [broker])[broker]["default.replication.factor"])

    def apply(self, changes: Iterable[Change]) -> None:
        """All that is not refused. Doing it again changes nothing."""
        by: Mapping[str, list[Change]] = defaultdict(list)
        for change in changes:
            by[change.action].append(change)
        known = {t.name: t for t in wanted_topics(c.topic for c in by["create"])}
        self.create([known[c.topic] for c in by["create"]])
        for more in portions([NewPartitions(c.topic, int(c.wanted)) for c in by["grow"]]):
            finished(self.admin.create_partitions(more, operation_timeout=LIMIT, request_timeout=REQUEST))
        entries: dict[str, list[ConfigEntry]] = defaultdict(list)
        for c in by["set"]:
            entries[c.topic].append(ConfigEntry(c.field, c.wanted, incremental_operation=AlterConfigOpType.SET))
        resources = [ConfigResource(ResourceType.TOPIC, n, incremental_configs=e) for n, e in entries.items()]
        for part in portions(resources):
            finished(self.admin.incremental_alter_configs(part, request_timeout=REQUEST))

    def create(self, topics: Collection[Topic]) -> None:
        if topics:
            copies = self.copies()
            new = [NewTopic(t.name, t.partitions, copies, config=settings_of(t, copies)) for t in topics]
            for some in portions(new):
                made = self.admin.create_topics(some, operation_timeout=LIMIT, request_timeout=REQUEST)
                finished(made, harmless=KafkaError.TOPIC_ALREADY_EXISTS)


def portions(all_: Sequence[T]) -> Iterator[list[T]]:
    return (list(all_[at : at + AT_ONCE]) for at in range(0, len(all_), AT_ONCE))


def result(future: "Future[T]") -> T:
    """Raises `KafkaException`, also when none comes."""
    try:
        return future.result(RESULT)
    except TimeoutError as error:
        code = KafkaError._TIMED_OUT  # noqa: SLF001 - the library's own name
        raise KafkaException(KafkaError(code, f"no answer within {RESULT:.0f} s")) from error


def finished(futures: Mapping[Any, "Future[None]"], harmless: int | None = None) -> None:
    """Waits for all. Raises the first `KafkaException` but the harmless one."""
    for future in futures.values():
        try:
            result(future)
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
    wanted, here = {t.name: t for t in topics}, Topics(servers)
    there = here.listed()
    changes = [c for t in wanted.values() for c in counted(t, len(there[t.name].partitions) if t.name in there else 0)]
    if strange := next((c for c in changes if c.action != "create"), None):
        raise TopicMismatch(
            f"topic {strange.topic} has {strange.found} partitions, the registry says {strange.wanted}:"
            " see `trappetrin topics plan`"
        )
    here.create([wanted[c.topic] for c in changes])
    return [c.topic for c in changes]
