"""`trappetrin publish FILE…`: files of inbound events into the running system, line by line as they stand."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import typer
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from rich.progress import track

from services.cli.evaluate import HEADERS, Files, Municipality, lines_of
from services.cli.screen import screen
from services.cli.state import Json, as_json
from services.cli.system import System, find
from shared.events.decoding import route
from shared.events.topics import LETTER_BYTES, sender_of
from shared.runtime.admin import ensure_senders

FLUSH = 60.0


@dataclass(slots=True)
class Sent:
    """What the broker acknowledged, per topic, and what it did not take (file, line, why)."""

    topics: dict[str, int] = field(default_factory=dict)
    failed: list[tuple[str, int, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.topics.values())


def producer_of(system: System) -> Producer:
    """For the largest record that there may be, as Kafka's own clients spread keys."""
    return Producer(
        {
            "bootstrap.servers": ",".join(system.kafka),
            "enable.idempotence": True,
            "max.in.flight.requests.per.connection": 1,  # more lose records of topics just made
            "linger.ms": 5,
            "message.max.bytes": LETTER_BYTES,
            "partitioner": "murmur2_random",
            "log_level": 2,  # what was not acknowledged is told anyway
        }
    )


def send(system: System, lines: Iterable[tuple[str, int, bytes]], municipality: str = "0851") -> Sent:
    """Send lines (file, number, bytes) in CloudEvents structured mode; returns when the broker has them all.

    Missing topics of senders are created. Lines of one key keep their order.
    """
    sent, known, producer = Sent(), set[str](), producer_of(system)
    for file, number, line in lines:
        topic, key = route(line, municipality)
        if topic not in known:
            sender = sender_of(topic)
            organisations, municipalities = (
                ([sender.code], []) if sender.door == "organisation" else ([], [sender.code])
            )
            ensure_senders(system.kafka, organisations, municipalities)
            known.add(topic)

        def done(error: KafkaError | None, message: Message, where: tuple[str, int] = (file, number)) -> None:
            if error:
                sent.failed.append((*where, error.str()))
            else:
                name = str(message.topic())
                sent.topics[name] = sent.topics.get(name, 0) + 1

        while True:
            try:
                producer.produce(topic, value=line, key=key, headers=list(HEADERS), on_delivery=done)
                break
            except BufferError:
                producer.poll(0.5)
            except KafkaException as error:
                sent.failed.append((file, number, error.args[0].str()))
                break
        producer.poll(0)
    if left := producer.flush(FLUSH):
        sent.failed.append(("", 0, f"{left} events were not acknowledged within {FLUSH:g} s"))
    return sent


def publish(files: Files, as_text: Json = False, municipality: Municipality = "0851") -> None:
    """Send files of inbound events to the running system: each to the topic of its sender, unchanged."""
    errors = screen(stderr=True)
    system, lines = find(), list(lines_of(files))
    sent = send(system, track(lines, "publishing", console=errors, disable=not errors.is_terminal), municipality)
    for file, number, why in sent.failed:
        errors.print(f"not sent {file}:{number}: {why}")
    told: dict[str, Any] = {"sent": sent.total, "topics": sent.topics, "failed": len(sent.failed)}
    typer.echo(as_json(told) if as_text else f"{sent.total} events sent to {len(sent.topics)} topics")
    if sent.failed:
        raise typer.Exit(1)
