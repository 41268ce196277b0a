"""The numbered load: an invented year, line by line at a steady pace, with repetitions, and poison among it."""

import random
import threading
import time
from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from deploy.local.kafka import SILENT
from services.cli.evaluate import HEADERS
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from services.cli.system import System
from shared.events.decoding import route
from shared.events.ids import type_of
from shared.events.inbound import DayClosed
from shared.events.partitioning import PARTITIONS
from shared.events.topics import OPERATIONS, READS, sender_of
from shared.runtime.admin import ensure_senders

Line = tuple[str, int, bytes]
BROKEN, REPEATED, BEHIND = 0.01, 0.02, 500
"""Shares of events that the edge refuses and of lines that come once more; how far behind themselves, at the most."""
POISON_EVERY, PATIENCE = 150, 600.0
INTERNAL = sorted({topic for topics in READS.values() for topic in topics})
CLOSING = type_of(DayClosed.kind).encode()


def lines_of(seed: int, events: int) -> list[Line]:
    """Numbered by their place; some of them come a second time, later."""
    lots, lines = random.Random(seed), [line(event).encode() for event in simulate(seed, events=events, broken=BROKEN)]
    placed = [(float(n), text) for n, text in enumerate(lines)]
    placed += [(n + lots.uniform(1, BEHIND), lines[n]) for n in lots.sample(range(len(lines)), int(events * REPEATED))]
    return [("load", n, text) for n, (_, text) in enumerate(sorted(placed), 1)]


def bound(text: bytes) -> tuple[str, bytes]:
    """Topic and key of a line; days are closed by the operators' door, which files have not."""
    return (OPERATIONS, b"") if CLOSING in text else route(text)


class Sender:
    """To topics that are there already, however long the brokers are away; where each record lies, once it does."""

    def __init__(self, system: System) -> None:
        self.producer = Producer(
            {
                "bootstrap.servers": ",".join(system.kafka),
                "enable.idempotence": True,
                "max.in.flight.requests.per.connection": 1,  # more lose records of topics just made
                "linger.ms": 5,
                "message.timeout.ms": int(PATIENCE * 1000),
                "partitioner": "murmur2_random",
            },
            logger=SILENT,
        )
        self.placed: dict[str, bytes] = {}
        self.failed: list[str] = []

    def send(self, topic: str, value: bytes, **how: Any) -> None:
        def done(error: KafkaError | None, message: Message) -> None:
            if error:
                self.failed.append(f"{value.decode()} was not sent: {error.str()}")
            else:
                self.placed[f"{message.topic()}/{message.partition()}/{message.offset()}"] = value

        self.producer.produce(topic, value=value, on_delivery=done, **how)
        self.producer.poll(0)

    def end(self) -> None:
        if left := self.producer.flush(PATIENCE):
            self.failed.append(f"{left} records were not acknowledged")


class Load:
    """Sends in a thread of its own, so many lines a second, and keeps where what was sent lies."""

    def __init__(self, system: System, lines: Sequence[Line], rate: float) -> None:
        self.system, self.lines, self.rate = system, lines, rate
        self.sent, self.poison = Sender(system), Sender(system)
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.enough = threading.Event()

    def prepare(self) -> None:
        """The topics of all senders, so that none must be made while brokers are away."""
        senders = {sender_of(bound(text)[0]) for _, _, text in self.lines}
        organisations = {s.code for s in senders if s.door == "organisation"}
        municipalities = {s.code for s in senders if s.door in ("facts", "replies")}
        ensure_senders(self.system.kafka, organisations, municipalities)

    def start(self) -> None:
        self.thread.start()

    def end(self) -> None:
        """No more than what was sent by now; that is then all that there was."""
        self.enough.set()
        self.thread.join()

    def run(self) -> None:
        try:
            self.pour()
            self.sent.end()
            self.poison.end()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the run must tell of it
            self.failure = error

    def pour(self) -> None:
        began = time.monotonic()
        for number, (_, _, text) in enumerate(self.lines, 1):
            if self.enough.wait(max(0.0, began + number / self.rate - time.monotonic())):
                self.lines = self.lines[: number - 1]
                return
            topic, key = bound(text)
            self.sent.send(topic, text, key=key, headers=list(HEADERS))
            if number % POISON_EVERY == 0:
                self.drop(number // POISON_EVERY)

    def drop(self, number: int) -> None:
        """What no service can use, straight into an internal topic."""
        topic, partition = INTERNAL[number % len(INTERNAL)], number % PARTITIONS
        self.poison.send(topic, f"poison {number}".encode(), key=b"9001-001", partition=partition)

    def problems(self) -> list[str]:
        """Why the load itself is not what it should be; then nothing can be said of the system."""
        found = self.sent.failed + self.poison.failed
        if len(self.sent.placed) != len(self.lines):
            found.append(f"{len(self.sent.placed)} of {len(self.lines)} lines were acknowledged")
        if self.failure:
            found.append(f"the load stopped: {type(self.failure).__name__}: {self.failure}")
        return found
