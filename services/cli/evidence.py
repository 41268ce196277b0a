"""What the topics keep of the journals: every entry as it was published, and the heads that were anchored each day."""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from hashlib import sha256
from typing import Any

from confluent_kafka import Message

from services.cli.checking import Head, Kind, Published
from services.cli.log import Log
from services.cli.system import System
from shared.events.ids import type_of
from shared.events.internal import Anchor, Conclusion
from shared.events.topics import anchors

WAIT, POLL = 60.0, 0.2


class Topic:
    """The entries of a kind as they were published, by afdeling and number; of their bytes only the hash is kept."""

    def __init__(self, system: System, kind: Kind) -> None:
        self.system, self.kind, self.name = system, kind, f"{kind.topic}.v1"
        self.found: dict[str, dict[int, Published]] = defaultdict(dict)
        self.ends: dict[tuple[str, int], int] = {}
        self.read_on()

    def read_on(self) -> None:
        """What has come since."""
        log = Log(self.system, self.name.__eq__)
        try:
            for message in log.whole(self.ends):
                if tells(message, self.kind.model):
                    self.keep(message)
        finally:
            self.ends = {place: high for place, (_, high) in log.ends.items()}
            log.close()

    def keep(self, message: Message) -> None:
        value = message.value() or b""
        entry = self.kind.model.model_validate_json(value, extra="ignore")
        read = self.reader(int(message.partition() or 0), int(message.offset() or 0))
        told = Published(sha256(value).hexdigest(), entry.thing(), entry.step(), read)
        self.found[entry.entity()].setdefault(entry.number, told)

    def reader(self, partition: int, offset: int) -> Callable[[], bytes]:
        def read() -> bytes:
            log = Log(self.system, self.name.__eq__)
            try:
                message = log.one(self.name, partition, offset)
                return (message.value() or b"") if message else b""
            finally:
                log.close()

        return read

    def of(self, afdeling: str, numbers: Collection[int]) -> Mapping[int, Published]:
        """All of the afdeling; waits for these numbers as long as they may still be on their way to the topic."""
        until = time.monotonic() + WAIT
        while not self.found[afdeling].keys() >= set(numbers) and time.monotonic() < until:
            pending = self.system.ask(self.kind.service, "/progress")["outbox"]
            self.read_on()
            if not pending:
                break
            time.sleep(POLL)
        return self.found[afdeling]


def tells(message: Message, model: type[Conclusion]) -> bool:
    """Whether it says that it is of this type: other records are not ours to judge."""
    headers: Any = message.headers()
    return ("ce_type", type_of(model.kind).encode()) in (headers or ())


def anchored(system: System, kind: Kind) -> dict[str, list[Head]]:
    """By afdeling every head that was ever anchored, in the order of the days."""
    found: dict[str, set[Head]] = defaultdict(set)
    log = Log(system, anchors(kind.topic).__eq__)
    try:
        for message in log.whole():
            if not tells(message, Anchor):
                continue
            anchor = Anchor.model_validate_json(message.value() or b"", extra="ignore")
            if anchor.journal == kind.model.kind:
                for afdeling, head in anchor.heads.items():
                    found[afdeling].add(Head(anchor.day, head.number, head.hash))
    finally:
        log.close()
    return {afdeling: sorted(heads) for afdeling, heads in found.items()}
