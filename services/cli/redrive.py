"""Dead letters to where they came from: in at the front door, key, value and headers as they came first.

A fact is kept once by its key and revision, a conclusion once by its version, so what is sent twice changes nothing.
What was sent is written down after the broker has it: cut off in between, the letter stays open and may be sent again.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from services.cli import acts
from services.cli.letters import Letter, named
from services.cli.log import Log
from services.cli.marks import mark_of
from services.cli.names import sent_record
from services.cli.publish import FLUSH, producer_of
from services.cli.system import System
from shared.runtime.deadletters import redriven

AT_ONCE = 500


@dataclass(slots=True)
class Outcome:
    """How many went to each topic, and which did not, with why."""

    topics: Counter[str] = field(default_factory=Counter)
    failed: list[dict[str, Any]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.topics.total()

    def fail(self, letter: Letter, why: str) -> None:
        self.failed.append({"letter": named(letter.lies), "why": why})


def resend(system: System, letters: Sequence[Letter], by: str, why: str | None, *, dry_run: bool = False) -> Outcome:
    """In the order in which they came; each to its own topic and partition."""
    outcome, producer = Outcome(), producer_of(system)
    if not dry_run:
        acts.acts(system)  # nothing is sent that could not be written down
    ordered = sorted(letters, key=lambda letter: letter.source)
    for some in (ordered[n : n + AT_ONCE] for n in range(0, len(ordered), AT_ONCE)):
        whole = [(letter, value) for letter in some for value in original(system, letter, outcome)]
        gone = [letter for letter, _ in whole] if dry_run else list(sent(producer, whole, outcome))
        outcome.topics.update(letter.source[0] for letter in gone)
        if not dry_run:
            acts.add(system, "redriven", [letter.place for letter in gone], by, why)
    return outcome


def original(system: System, letter: Letter, outcome: Outcome) -> Iterator[bytes | None]:
    """The value that came; of a letter that was cut it is read where it came from. Nothing of one without headers."""
    if not letter.ours:
        outcome.fail(letter, "it does not tell where it came from and when: no service has made it")
        return
    if letter.bare:
        outcome.fail(letter, "its headers or its key were more than can be kept: its sender has to send it anew")
        return
    if not letter.cut:
        yield letter.record.value
        return
    topic, partition, offset = letter.source
    log = Log(system, topic.__eq__)
    try:
        message = log.one(topic, partition, offset)
    finally:
        log.close()
    if message is None or not mark_of(letter).fits(sent_record(message, system)):
        outcome.fail(letter, f"it was cut, and {topic}/{partition}/{offset} is gone, or another record now")
    else:
        yield message.value()


def sent(producer: Producer, letters: Sequence[tuple[Letter, bytes | None]], outcome: Outcome) -> Iterator[Letter]:
    """Those that the broker acknowledged."""
    problems: dict[int, str] = {}
    for n, (letter, value) in enumerate(letters):
        problems[n] = f"not acknowledged within {FLUSH:g} s"

        def done(error: KafkaError | None, _message: Message, n: int = n) -> None:
            if error:
                problems[n] = error.str()
            else:
                del problems[n]

        topic, partition, offset = letter.source
        headers: list[tuple[str, str | bytes | None]] = [*redriven(letter.record, offset)]
        try:
            producer.produce(
                topic, value=value, key=letter.record.key, partition=partition, headers=headers, on_delivery=done
            )
        except KafkaException as error:
            problems[n] = error.args[0].str()
    producer.flush(FLUSH)
    for n, (letter, _) in enumerate(letters):
        if n in problems:
            outcome.fail(letter, problems[n])
        else:
            yield letter
