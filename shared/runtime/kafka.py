"""Kafka behind the core's contracts: FastStream's batch subscriber for what comes in, batches per partition for what
goes out.

FastStream decides no offsets and decodes nothing here: its own parser raises on a header that is not UTF-8 and then the
whole batch is gone, and an exception out of a handler skips a batch (both measured), so neither ever sees one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from shared.logging import FASTSTREAM
from shared.loglines import CONSUMER_SLOW, HINT_REFUSED, PARTITION_GONE, PRODUCER_SLOW, TORN
from shared.runtime.batches import any_names
from shared.runtime.contract import Record, Row, RowId, TaskId
from shared.runtime.core import Core
from shared.settings import Settings

BATCH_BYTES = 500_000
LARGEST_REQUEST = 1_300_000
LIMIT, LEAVING = 20.0, 5.0
SINGLY, TOGETHER = RoundRobinPartitionAssignor, RangePartitionAssignor
"""How partitions are dealt out: in turn what is a task by itself, else the same numbers of all topics together.
Never offer both: aiokafka joins once for each, so that two members throw each other out (aio-libs/aiokafka#1168).
"""


class Subscriber(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """The core's `Consumer`, and the listener that tells the core what the group decided.

    `task_of` names the task of a partition. Of `topics` the numbers must be the same in all: a task is that number of
    each; were they ever to differ, states would be torn between processes, so nothing is claimed then.
    """

    core: Core  # each needs the other, so it is set when both are there

    def __init__(
        self,
        settings: Settings,
        service: str,
        task_of: Callable[[str, int], TaskId],
        *,
        topics: Sequence[str] = (),
        pattern: str | None = None,
    ) -> None:
        self.topics, self.task_of = topics, task_of
        self.given: AbstractSet[TopicPartition] = frozenset()
        self.ours: dict[TaskId, list[TopicPartition]] = {}
        any_names()
        self.broker = KafkaBroker(
            settings.kafka,
            client_id=settings.instance,
            consumer_only=True,
            allow_auto_create_topics=False,
            metadata_max_age_ms=int(settings.metadata_age * 1000),
            logger=FASTSTREAM,
        )
        self.subscriber = self.broker.subscriber(
            *topics,
            pattern=pattern.replace("{", "{{").replace("}", "}}") if pattern else None,  # {…} would be a parameter
            batch=True,
            max_records=settings.batch_records,
            batch_timeout_ms=int(settings.batch_wait * 1000),
            group_id=f"trappetrin.{service}",
            group_instance_id=f"trappetrin.{settings.instance}",
            listener=self,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            partition_assignment_strategy=[SINGLY if pattern else TOGETHER],
            session_timeout_ms=int(settings.session_timeout * 1000),
            heartbeat_interval_ms=int(settings.heartbeat * 1000),
            parser=untouched,
            decoder=undecoded,
        )

        @self.subscriber
        async def records(message: KafkaMessage) -> None:
            raw = message.raw_message
            await self.core.handle(
                [Record(r.topic, r.partition, r.offset, r.key, r.value, r.headers, r.timestamp) for r in raw]
            )

    async def stop(self) -> None:
        """Leave the group, so that others have our tasks at once. Raises nothing.

        For a member with a name of its own aiokafka does not: its tasks would wait until it is back, or given up.
        """
        coordinator = getattr(self.subscriber.consumer, "_coordinator", None)  # None before it has joined
        if coordinator is not None:
            coordinator._group_instance_id = None  # noqa: SLF001 - there is no other way to have the group told
        try:
            await asyncio.wait_for(self.broker.stop(), LEAVING)
        except Exception as error:  # noqa: BLE001 - FastStream raises groups; who has not left is given up by the group
            CONSUMER_SLOW(error=error)

    def pause(self, task: TaskId) -> None:
        for partition in self.partitions(task):
            self.subscriber.consumer.pause(partition)  # type: ignore[union-attr]  # assigned, so it is there

    def play(self, task: TaskId, offsets: Mapping[str, int]) -> None:
        consumer = self.subscriber.consumer
        for partition in self.partitions(task):
            try:
                consumer.seek(partition, offsets.get(partition.topic, 0))  # type: ignore[union-attr]  # as above
                consumer.resume(partition)  # type: ignore[union-attr]  # as above
            except IllegalStateError:
                PARTITION_GONE(task=task)

    async def ends(self, tasks: Iterable[TaskId]) -> dict[TaskId, dict[str, int]]:
        """Also of no task the broker is asked something, so that one that is away is noticed by those who have none."""
        found, ours = {task: dict[str, int]() for task in tasks}, self.assigned()
        partitions = [p for task in found for p in ours.get(task, ())]
        if partitions:
            for p, end in (await self.subscriber.consumer.end_offsets(partitions)).items():  # type: ignore[union-attr]  # assigned, so it is there
                found[self.task_of(p.topic, p.partition)][p.topic] = end
        elif consumer := self.subscriber.consumer:
            await consumer.topics()
        return found

    async def hints(self, tasks: Iterable[TaskId]) -> dict[TaskId, dict[str, int]]:
        consumer, ours = self.subscriber.consumer, self.assigned()
        places = [(task, p) for task in tasks for p in ours.get(task, ())]
        told = await asyncio.gather(*(consumer.committed(p) for _, p in places))  # type: ignore[union-attr]  # assigned, so it is there
        found: dict[TaskId, dict[str, int]] = {}
        for (task, p), at in zip(places, told, strict=True):
            if at is not None:
                found.setdefault(task, {})[p.topic] = at
        return found

    def partitions(self, task: TaskId) -> list[TopicPartition]:
        return self.assigned().get(task, [])

    def assigned(self) -> dict[TaskId, list[TopicPartition]]:
        """Grouped once for each change: of a country's ingest these are thousands, and each task is asked for alone."""
        consumer = self.subscriber.consumer
        given = consumer.assignment() if consumer else frozenset[TopicPartition]()
        if given is not self.given:
            self.given, self.ours = given, {}
            for p in given:
                self.ours.setdefault(self.task_of(p.topic, p.partition), []).append(p)
        return self.ours

    def every_task(self) -> set[TaskId]:
        """The tasks that all replicas have together, as far as the broker has told of its topics."""
        consumer = self.subscriber.consumer
        if consumer is None:
            return set()
        return {self.task_of(t, p) for t in consumer.subscription() for p in consumer.partitions_for_topic(t) or ()}

    async def on_partitions_revoked(self, _revoked: Iterable[TopicPartition]) -> None:
        self.core.revoked()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        numbers = {topic: {p.partition for p in assigned if p.topic == topic} for topic in self.topics}
        if len({frozenset(n) for n in numbers.values()}) > 1:
            TORN()
            told = ", ".join(f"{topic} {sorted(n)}" for topic, n in sorted(numbers.items()))
            self.core.assigned(set(), f"the group gave other numbers of one topic than of another: {told}")
        else:
            self.core.assigned({self.task_of(p.topic, p.partition) for p in assigned})

    async def hint(self, offsets: Mapping[TaskId, Mapping[str, int]]) -> None:
        """Tell the group how far we are, for lag tools only: the truth is in the database, so errors are ignored."""
        consumer = self.subscriber.consumer
        if consumer is None:
            return
        ours = {
            p: OffsetAndMetadata(at, "")
            for p in consumer.assignment()
            if (at := offsets.get(self.task_of(p.topic, p.partition), {}).get(p.topic))
        }
        try:
            if ours:
                await asyncio.wait_for(consumer.commit(ours), 5)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next hint comes
            HINT_REFUSED(error=error)


async def untouched(message: Any) -> KafkaMessage:
    return KafkaMessage(raw_message=message, body=b"", consumer=None)  # type: ignore[arg-type]  # nothing acknowledges


async def undecoded(_message: Any) -> bytes:
    return b""


class KafkaPublisher:
    """Idempotent, `acks=all`, a batch per place; a row counts when all of it was acknowledged."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.producer: AIOKafkaProducer | None = None

    async def renew(self) -> None:
        await self.stop()
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.kafka,
            client_id=self.settings.instance,
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=BATCH_BYTES,
            max_request_size=LARGEST_REQUEST,
            metadata_max_age_ms=int(self.settings.metadata_age * 1000),
        )
        try:
            await asyncio.wait_for(producer.start(), LIMIT)
        except BaseException:
            await producer.stop()
            raise
        self.producer = producer

    async def stop(self) -> None:
        producer, self.producer = self.producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), LEAVING)
            except (KafkaError, TimeoutError) as error:
                PRODUCER_SLOW(error=error)
                await producer.client.close()  # given up in its flush, it has closed nothing
                with suppress(TimeoutError):
                    await asyncio.wait_for(producer._sender.close(), LEAVING)  # noqa: SLF001 - as above

    async def send(self, rows: Sequence[Row]) -> tuple[list[RowId], Exception | None]:
        if self.producer is None:
            return [], ConnectionError("no producer")
        parcels, problems = parcelled(rows, self.producer.create_batch)
        try:
            async with asyncio.timeout(LIMIT):
                # One after the other: parcels of one place keep their order.
                flights = [(parcel, await self.dispatched(parcel)) for parcel in parcels]
                outcomes = await asyncio.gather(*(flight for _, flight in flights), return_exceptions=True)
        except (KafkaError, TimeoutError) as error:
            return [], error
        for (parcel, _), outcome in zip(flights, outcomes, strict=True):
            if isinstance(outcome, Exception):
                problems |= dict.fromkeys(parcel.rows, outcome)
            elif isinstance(outcome, BaseException):
                raise outcome
        return [r.id for r in rows if r.id not in problems], next(iter(problems.values()), None)

    async def dispatched(self, parcel: "Parcel") -> Awaitable[Any]:
        parcel.builder.close()
        flight: Awaitable[Any] = await self.producer.send_batch(  # type: ignore[union-attr]  # checked in send
            parcel.builder, parcel.topic, partition=parcel.partition
        )
        return flight


@dataclass(slots=True)
class Parcel:
    """One batch for one place, with the rows of which it carries records."""

    topic: str
    partition: int
    builder: Any
    rows: set[RowId] = field(default_factory=set)


def parcelled(rows: Sequence[Row], new: Callable[[], Any]) -> tuple[list[Parcel], dict[RowId, Exception]]:
    """The records of all rows by place, so that rows of many tasks share a batch; and the rows of which one never fits.

    The producer takes the next batch of a place only when the one before is on its way, so many small ones are slow.
    """
    parcels: list[Parcel] = []
    open_: dict[tuple[str, int], Parcel] = {}
    problems: dict[RowId, Exception] = {}
    for row in rows:
        for r in row.records:
            place = row.id.topic, r.partition
            for parcel in (open_.get(place), Parcel(*place, new())):
                if parcel is None:
                    continue
                if parcel.builder.append(timestamp=None, key=r.key, value=r.value, headers=list(r.headers)) is not None:
                    parcel.rows.add(row.id)
                    if open_.get(place) is not parcel:
                        open_[place] = parcel
                        parcels.append(parcel)
                    break
            else:
                problems[row.id] = ValueError(f"a record of {r.size()} bytes never fits")
    return parcels, problems
