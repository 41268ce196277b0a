"""What comes in by Kafka comes to the core, however its sender made it. On the broker that librdkafka has for tests."""

import asyncio
import logging
import struct
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiokafka.codec
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import UnsupportedCodecError
from aiokafka.record.util import calc_crc32c
from confluent_kafka import Producer

import shared.runtime.kafka as runtime
from services.cli import names
from services.cli.ground.reading import Topics
from services.cli.system import System, Unreachable
from services.ingest.contract import task_of
from shared.events.topics import INBOUND_PATTERN
from shared.logging import FASTSTREAM
from shared.runtime.contract import Record, TaskId
from shared.runtime.kafka import KafkaPublisher, Subscriber
from shared.settings import Settings

HERE, THERE = "org.0123.in.v1", "org.0456.in.v1"
CODECS = ("gzip", "snappy", "lz4", "zstd")
PATIENCE = 20.0


class Heard:
    """What a subscriber asks of a core."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.more = asyncio.Event()

    def revoked(self) -> None: ...

    def assigned(self, ids: Iterable[TaskId]) -> None: ...

    async def handle(self, records: Sequence[Record]) -> None:
        self.records += records
        self.more.set()

    async def until(self, enough: Callable[[Sequence[Record]], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not enough(self.records):
                self.more.clear()
                await self.more.wait()


@pytest.fixture
def kafka() -> Iterator[str]:
    """The address of a broker with one topic of two senders; it lives as long as its first client."""
    client = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none"})
    [broker] = client.list_topics(timeout=10).brokers.values()
    for topic in (HERE, THERE):
        client.produce(topic, b"first", partition=0)
    client.flush(10)
    yield f"{broker.host}:{broker.port}"
    client.purge()


def settings_of(kafka: str, instance: str) -> Settings:
    return Settings(kafka=[kafka], database="postgresql://nobody@nowhere/none", instance=instance)


@asynccontextmanager
async def hearing(kafka: str) -> AsyncIterator[Heard]:
    subscriber = Subscriber(settings_of(kafka, "ingest-1"), "ingest", task_of, pattern=INBOUND_PATTERN)
    heard: Any = Heard()
    subscriber.core = heard
    await subscriber.broker.start()
    try:
        yield heard
    finally:
        await subscriber.stop()


def send(kafka: str, topic: str, value: bytes, codec: str = "none") -> None:
    producer = Producer({"bootstrap.servers": kafka, "compression.type": codec, "linger.ms": 20})
    for _ in range(50):  # of a lot that it would not shrink librdkafka compresses nothing
        producer.produce(topic, value + b" " * 200, partition=0)
    producer.flush(10)


def values(records: Iterable[Record]) -> list[bytes]:
    return [(r.value or b"").rstrip() for r in records]


async def test_every_codec_that_senders_have_is_read(kafka: str) -> None:
    async with hearing(kafka) as heard:
        for codec in CODECS:
            await asyncio.to_thread(send, kafka, THERE, codec.encode(), codec)
        await heard.until(lambda records: values(records).count(b"zstd") == 50)

        assert [values(heard.records).count(codec.encode()) for codec in CODECS] == [50] * 4


async def test_what_hinders_the_intake_is_logged(kafka: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = asyncio.Queue[logging.LogRecord]()
    monkeypatch.setattr(FASTSTREAM, "handle", said.put_nowait)
    monkeypatch.setattr(aiokafka.codec, "cramjam", None)
    async with hearing(kafka):
        await asyncio.to_thread(send, kafka, THERE, b"{}", "zstd")
        told = await asyncio.wait_for(said.get(), PATIENCE)

    assert (told.name, told.levelname) == ("faststream.kafka", "ERROR")
    assert told.exc_info
    assert told.exc_info[0] is UnsupportedCodecError


async def test_a_header_may_have_any_name(kafka: str) -> None:
    async with hearing(kafka) as heard:
        await heard.until(lambda records: len(records) == 2)
        await named(kafka, THERE, b"\xff\xfe")
        await asyncio.to_thread(send, kafka, THERE, b"after")
        await heard.until(lambda records: b"after" in values(records))

        there = [r for r in heard.records if r.topic == THERE]

        assert [r.offset for r in there[:5]] == [0, 1, 2, 3, 4]
        assert [(r.key, r.value, list(r.headers)) for r in there[1:4]] == [
            (b"0", b"{}", [("good", b"v")]),
            (b"1", b"{}", [("\udcff\udcfe", b"v")]),
            (b"2", b"{}", [("good", b"v")]),
        ]


async def test_the_console_reads_such_a_record_as_ingest_does(kafka: str) -> None:
    async with hearing(kafka) as heard:
        await named(kafka, THERE, b"\xff\xfe")
        await heard.until(lambda records: len(records) == 5)
    topics = Topics(System([kafka], {}))
    read = await asyncio.to_thread(lambda: list(topics.read(topics.of(THERE))))
    there = [r for r in heard.records if r.topic == THERE]

    assert len(read) == 4
    assert [r._replace(headers=list(r.headers)) for r in read] == [r._replace(headers=list(r.headers)) for r in there]


async def test_a_record_that_can_not_be_read_anew_is_named(kafka: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "PATIENCE", 0.5)
    with pytest.raises(Unreachable, match=rf"^{THERE}/0/99 can not be read: "):
        await names.read_anew(System([kafka], {}), TopicPartition(THERE, 0), 99)


async def named(kafka: str, topic: str, name: bytes) -> None:
    """A batch of three records, the one in the middle with a header of that name, which no client would send."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    batch = producer.create_batch()
    for key, header in ((b"0", "good"), (b"1", "zz"), (b"2", "good")):
        batch.append(timestamp=None, key=key, value=b"{}", headers=[(header, b"v")])
    batch._builder = Renamed(batch._builder, b"zz", name)
    batch.close()
    await (await producer.send_batch(batch, topic, partition=0))
    await producer.stop()


class Renamed:
    """A builder of a batch, in the bytes of which something is put in place of something else as long."""

    def __init__(self, builder: Any, old: bytes, new: bytes) -> None:
        self.builder, self.old, self.new = builder, old, new

    def __getattr__(self, name: str) -> Any:
        return getattr(self.builder, name)

    def build(self) -> bytearray:
        built = bytearray(self.builder.build())
        at = built.index(self.old)
        built[at : at + len(self.old)] = self.new
        struct.pack_into(">I", built, 17, calc_crc32c(bytes(built[21:])))
        return built


async def test_a_producer_that_does_not_end_its_flush_is_closed(kafka: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "LEAVING", 0.2)
    publisher = KafkaPublisher(settings_of(kafka, "quota-1"))
    before = asyncio.all_tasks()
    await publisher.renew()
    producer: Any = publisher.producer
    monkeypatch.setattr(producer._message_accumulator, "close", asyncio.Event().wait)
    await publisher.stop()

    assert {t.get_coro().__qualname__ for t in asyncio.all_tasks() - before} - {"Event.wait"} == set()
    assert not any(connection.connected() for connection in producer.client._conns.values())
