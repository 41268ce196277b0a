"""The numbered load: an invented year, line by line at a steady pace, with repetitions, and poison among it."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from confluent_kafka import Producer

from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from services.cli.publish import Sent, send
from services.cli.system import System
from shared.events.decoding import route
from shared.events.partitioning import PARTITIONS
from shared.events.topics import READS, sender_of
from shared.runtime.admin import ensure_senders

Line = tuple[str, int, bytes]
BROKEN, REPEATED, BEHIND = 0.01, 0.02, 500
"""Shares of events that the edge refuses and of lines that come once more; how far behind themselves, at the most."""
POISON_EVERY = 150
INTERNAL = sorted({topic for topics in READS.values() for topic in topics})


def lines_of(seed: int, events: int) -> list[Line]:
    """Numbered by their place; some of them come a second time, later."""
    lots, lines = random.Random(seed), [line(event).encode() for event in simulate(seed, events=events, broken=BROKEN)]
    placed = [(float(n), text) for n, text in enumerate(lines)]
    placed += [(n + lots.uniform(1, BEHIND), lines[n]) for n in lots.sample(range(len(lines)), int(events * REPEATED))]
    return [("load", n, text) for n, (_, text) in enumerate(sorted(placed), 1)]


@dataclass
class Poison:
    """What no service can use, straight into the internal topics; where each lies by topic, partition and offset."""

    system: System
    placed: dict[str, bytes] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.producer = Producer(
            {"bootstrap.servers": ",".join(self.system.kafka), "enable.idempotence": True, "log_level": 2}
        )

    def drop(self, number: int) -> None:
        value = f"poison {number}".encode()

        def done(error: object, message: object) -> None:
            if error:
                self.failed.append(f"poison {number}: {error}")
            else:
                self.placed[f"{message.topic()}/{message.partition()}/{message.offset()}"] = value  # type: ignore[attr-defined]

        topic = INTERNAL[number % len(INTERNAL)]
        self.producer.produce(topic, value=value, key=b"9001-001", partition=number % PARTITIONS, on_delivery=done)
        self.producer.poll(0)


class Load:
    """Sends in a thread of its own, so many lines a second, and keeps what was sent."""

    def __init__(self, system: System, lines: Sequence[Line], rate: float) -> None:
        self.system, self.lines, self.rate = system, lines, rate
        self.poison, self.sent = Poison(system), Sent()
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def prepare(self) -> None:
        """The topics of all senders, so that none must be made while brokers are away."""
        senders = {sender_of(route(text)[0]) for _, _, text in self.lines}
        doors = [{s.code for s in senders if (s.door == "organisation") == own} for own in (True, False)]
        ensure_senders(self.system.kafka, *doors)

    def start(self) -> None:
        self.thread.start()

    def run(self) -> None:
        try:
            self.sent = send(self.system, self.paced())
            self.poison.producer.flush(60)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the run must tell of it
            self.failure = error

    def paced(self) -> Iterator[Line]:
        began = time.monotonic()
        for number, told in enumerate(self.lines, 1):
            time.sleep(max(0.0, began + number / self.rate - time.monotonic()))
            if number % POISON_EVERY == 0:
                self.poison.drop(number // POISON_EVERY)
            yield told

    def problems(self) -> list[str]:
        """Why the load itself is not what it should be; then nothing can be said of the system."""
        found = [f"line {number} was not sent: {why}" for _, number, why in self.sent.failed] + self.poison.failed
        if self.sent.total != len(self.lines):
            found.append(f"{self.sent.total} of {len(self.lines)} lines were acknowledged")
        if self.failure:
            found.append(f"the load stopped: {type(self.failure).__name__}: {self.failure}")
        return found
