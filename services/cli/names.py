"""Records of senders, whatever bytes the names of their headers are.

Where one is not UTF-8, confluent_kafka raises and tells no header at all. Such a record is read once more, in the way
in which ingest has read it, so that the name is the same here as there.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from confluent_kafka import Message

from services.cli.log import record_of
from services.cli.system import System, Unreachable
from shared.runtime.batches import any_names
from shared.runtime.contract import Record

PATIENCE = 30.0


def sent_record(message: Message, system: System) -> Record:
    """As ingest reads it. Raises `Unreachable`."""
    try:
        return record_of(message)
    except SystemError:  # from here on the message's own headers must not be touched: they have no names
        place = TopicPartition(str(message.topic()), int(message.partition() or 0))
        with ThreadPoolExecutor(1) as thread:  # who asks may have a loop of its own
            return thread.submit(asyncio.run, read_anew(system, place, int(message.offset() or 0))).result()


async def read_anew(system: System, place: TopicPartition, offset: int) -> Record:
    """Raises `Unreachable`."""
    any_names()
    consumer = AIOKafkaConsumer(bootstrap_servers=list(system.kafka), auto_offset_reset="none")
    try:
        async with asyncio.timeout(PATIENCE):
            await consumer.start()
            consumer.assign([place])
            consumer.seek(place, offset)
            found = await consumer.getone()
    except (KafkaError, TimeoutError) as error:
        name = f"{place.topic}/{place.partition}/{offset}"
        raise Unreachable(f"{name} can not be read: {error or type(error).__name__}") from error
    finally:
        await consumer.stop()
    at = max(found.timestamp, 0)
    return Record(place.topic, place.partition, found.offset, found.key, found.value, found.headers, at)
