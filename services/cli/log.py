"""Reading topics as they stand, without a group: the console looks, and moves nobody's offsets."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from services.cli.system import System
from shared.events.ids import PREFIX, SUFFIX
from shared.runtime.contract import Record

POLL = 0.2
NOWHERE: Mapping[tuple[str, int], int] = {}


class Log:
    """The topics that `wanted` names, at this moment; new ones are seen when asked anew."""

    def __init__(self, system: System, wanted: Callable[[str], bool]) -> None:
        self.consumer = Consumer(
            {
                "bootstrap.servers": ",".join(system.kafka),
                "group.id": "trappetrin.console",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "log_level": 2,  # errors are raised
            }
        )
        topics = self.consumer.list_topics(timeout=30).topics
        self.places = [(t, n) for t in sorted(filter(wanted, topics)) for n in sorted(topics[t].partitions)]
        self.ends = {p: self.consumer.get_watermark_offsets(TopicPartition(*p), timeout=30) for p in self.places}

    def close(self) -> None:
        self.consumer.close()

    def whole(self, since: Mapping[tuple[str, int], int] = NOWHERE) -> Iterator[Message]:
        """From the beginning, or from these offsets, to where the topics ended when this was made."""
        left = {place for place, (low, high) in self.ends.items() if high > max(low, since.get(place, 0))}
        self.consumer.assign([TopicPartition(*p, since.get(p, OFFSET_BEGINNING)) for p in sorted(left)])
        while left:
            for message in self.consumer.consume(500, timeout=POLL):
                place, offset = self.checked(message)
                if offset + 1 >= self.ends[place][1]:
                    left.discard(place)
                if offset < self.ends[place][1]:
                    yield message

    def tail(self, *, beginning: bool) -> Iterator[Sequence[Message]]:
        """What comes, in lots that may be empty, without end."""
        self.consumer.assign(
            [TopicPartition(*p, OFFSET_BEGINNING if beginning else self.ends[p][1]) for p in self.places]
        )
        while True:
            messages = self.consumer.consume(500, timeout=POLL)
            for message in messages:
                self.checked(message)
            yield messages

    def one(self, topic: str, partition: int, offset: int) -> Message | None:
        """The record at this offset; None when there is none."""
        low, high = self.ends.get((topic, partition), (0, 0))
        if not low <= offset < high:
            return None
        self.consumer.assign([TopicPartition(topic, partition, offset)])
        message = self.consumer.poll(10)
        return message if message is not None and self.checked(message)[1] == offset else None

    def checked(self, message: Message) -> tuple[tuple[str, int], int]:
        error = message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's own name
            raise KafkaException(error)
        return (str(message.topic()), int(message.partition() or 0)), int(message.offset() or 0)


def record_of(message: Message) -> Record:
    """As the services read it. Of topics that senders write to `names.sent_record` reads any."""
    headers: Any = message.headers()
    place = str(message.topic()), int(message.partition() or 0), int(message.offset() or 0)
    known, at = message.timestamp()
    return Record(*place, message.key(), message.value(), headers or (), at if known else 0)


def kind_of(message: Message) -> str:
    """Of an internal event, by its type without the prefix and the suffix."""
    told = dict(record_of(message).headers).get("ce_type") or b""
    return told.decode(errors="replace").removeprefix(PREFIX).removesuffix(SUFFIX)
