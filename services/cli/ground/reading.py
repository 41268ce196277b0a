"""Topics from their beginning up to where somebody is, whatever a transaction has left in them."""

from collections.abc import Iterable, Iterator, Mapping
from time import monotonic

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from services.cli.names import sent_record
from services.cli.system import System
from shared.events.topics import is_ours
from shared.runtime.contract import Record

Place = tuple[str, int]
"""Topic and partition."""
AT_ONCE, WAIT = 5_000, 0.1
ANSWER, SILENCE = 30.0, 30.0
"""Seconds that the broker has for an answer, and after which silence is asked about."""


class Impossible(Exception):
    """What is asked for can not be done on this ground; the message says what is missing, and the way out."""


class Topics:
    """Our topics, as they are at this moment. `ends`: the first offset that is there, and the next one."""

    def __init__(self, system: System) -> None:
        self.system = system
        consumer = self.consumer()
        try:
            topics = consumer.list_topics(timeout=ANSWER).topics
            places = [(t, n) for t in sorted(filter(is_ours, topics)) for n in sorted(topics[t].partitions)]
            self.ends = {p: consumer.get_watermark_offsets(TopicPartition(*p), timeout=ANSWER) for p in places}
        finally:
            consumer.close()

    def consumer(self) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": ",".join(self.system.kafka),
                "group.id": "trappetrin.console",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "log_level": 2,  # errors are raised
            }
        )

    def end(self, place: Place) -> int:
        return int(self.ends.get(place, (0, 0))[1])

    def of(self, topic: str) -> dict[Place, int]:
        """The ends of its partitions."""
        return {place: int(high) for place, (_, high) in self.ends.items() if place[0] == topic}

    def check(self, targets: Mapping[Place, int]) -> None:
        """Raises `Impossible` where a topic no longer begins at its beginning, or ends before its target."""
        for place, at in sorted(targets.items()):
            low, high = self.ends.get(place, (0, 0))
            name = f"{place[0]}/{place[1]}"
            if at > high:
                raise Impossible(
                    f"{name} ends at {high}, {at} was consumed: it was emptied or made anew; `trappetrin reground`"
                )
            if at and low > 0:
                raise Impossible(f"{name} begins at {low}: what was before is gone, so nothing can be made of it")

    def read(self, targets: Mapping[Place, int]) -> Iterator[Record]:
        """All that lies below the targets, each place in its order. Raises `Impossible` where no more of it comes."""
        left = {place: at for place, at in targets.items() if at > 0}
        if not left:
            return
        consumer, heard = self.consumer(), monotonic()
        try:
            consumer.assign([TopicPartition(*place, OFFSET_BEGINNING) for place in sorted(left)])
            while left:
                messages = consumer.consume(AT_ONCE, timeout=WAIT)
                if messages:
                    heard = monotonic()
                elif monotonic() - heard > SILENCE:
                    refuse_silent(consumer, left)
                    heard = monotonic()
                for message in messages:
                    place = str(message.topic()), int(message.partition() or 0)
                    if error := message.error():
                        if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's own name
                            raise Impossible(f"{place[0]}/{place[1]} can not be read: {error.str()}")
                        left.pop(place, None)
                        continue
                    record = sent_record(message, self.system)
                    if record.offset < targets[place]:
                        yield record
                    if record.offset + 1 >= targets[place]:
                        left.pop(place, None)
        finally:
            consumer.close()


def refuse_silent(consumer: Consumer, left: Iterable[Place]) -> None:
    """Nothing comes: that may take its time, unless nobody is there to send it. Raises `Impossible`."""
    try:
        topics = consumer.list_topics(timeout=ANSWER).topics
    except KafkaException as error:
        raise Impossible(f"the broker does not answer any more: {error.args[0].str()}") from error
    for topic, number in sorted(left):
        partition = topics[topic].partitions.get(number) if topic in topics else None
        if partition is None or partition.leader < 0:
            raise Impossible(f"{topic}/{number} can not be read: no broker leads it")
