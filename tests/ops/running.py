"""The running stack with Prometheus beside it, as the tests use it: ask, cause, wait."""

import asyncio
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg
import httpx
from confluent_kafka import Producer

from deploy.local.processes import Identity
from deploy.local.processes import send as signalled
from deploy.local.stack import Stack
from services.cli.publish import send
from services.cli.system import of
from tests.receiver import Receiver

LIMIT, POLL = 60.0, 0.2
Line = tuple[str, int, bytes]


class Received(Receiver):
    """A receiver of Alertmanager's messages: by alert the receivers and the states in which they came."""

    def __init__(self) -> None:
        self.messages: dict[str, list[tuple[str, str]]] = {}
        self.texts: list[str] = []
        super().__init__(self.take)

    def take(self, path: str, body: bytes) -> int:
        for alert in json.loads(body)["alerts"]:
            message = (path.strip("/"), alert["status"])
            self.messages.setdefault(alert["labels"]["alertname"], []).append(message)
            self.texts += alert["annotations"].values()
        return 200

    def told(self, state: str) -> set[str]:
        """Of which alerts a message of this state has come."""
        return {name for name, messages in self.messages.items() if state in {s for _, s in messages}}


class Running:
    """The stack, its Prometheus, who receives its alerts, and what may be done to it."""

    def __init__(self, stack: Stack, received: Received) -> None:
        self.stack, self.received = stack, received
        self.prometheus = f"http://127.0.0.1:{stack.read().ports['prometheus']}/api/v1"

    def ask(self, path: str, **query: str | float) -> Any:
        """The data of Prometheus' answer. Raises `AssertionError` with what it says is wrong."""
        told = httpx.get(f"{self.prometheus}/{path}", params=query, timeout=10).json()

        assert told["status"] == "success", f"{query}: {told.get('error')}"
        return told["data"]

    def firing(self) -> set[str]:
        return {a["labels"]["alertname"] for a in self.ask("alerts")["alerts"] if a["state"] == "firing"}

    def until(self, done: Callable[[], bool], what: Callable[[], str], limit: float = LIMIT) -> None:
        deadline = time.monotonic() + limit
        while not done():
            assert time.monotonic() < deadline, what()
            time.sleep(POLL)

    def fires(self, *names: str) -> None:
        """And somebody has heard of it: what clears before that is told to nobody."""
        wanted, told = set(names), self.received.told
        self.until(lambda: wanted <= self.firing(), lambda: f"{wanted - self.firing()} do not fire")
        self.until(lambda: wanted <= told("firing"), lambda: f"nobody heard of {wanted - told('firing')}")

    def clears(self, *names: str) -> None:
        self.until(lambda: not set(names) & self.firing(), lambda: f"{set(names) & self.firing()} do not clear")

    # What may be done

    def up(self) -> None:
        self.stack.up(say=lambda _line: None)

    def process(self, name: str) -> Identity:
        found = self.stack.read().process(name)

        assert found is not None, f"{name} does not run"
        return found

    def kill(self, *names: str, number: signal.Signals = signal.SIGKILL) -> None:
        for process in [self.process(n) for n in names]:
            signalled(process, number)

    def publish(self, lines: Sequence[bytes]) -> None:
        sent = send(of(self.stack), [("given", n, line) for n, line in enumerate(lines, 1)])

        assert sent.failed == []

    def produce(self, topic: str, partition: int, value: bytes, key: bytes | None = None, times: int = 1) -> None:
        """Somebody's hand: straight into an internal topic."""
        producer = Producer({"bootstrap.servers": ",".join(self.stack.kafka_servers)})
        for _ in range(times):
            producer.produce(topic, value=value, key=key, partition=partition)

        assert producer.flush(30) == 0

    def statement(self, sql: str) -> None:
        """Somebody's hand in the database."""
        asyncio.run(executed(self.stack.dsn, sql))


async def executed(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@contextmanager
def load(running: Running, lines: Sequence[bytes], size: int = 40) -> Iterator[Mapping[str, int]]:
    """These lines again and again, some at a time, until the end of the block; a repeated event is a duplicate."""
    stop, sent = threading.Event(), {"lines": 0}

    def run() -> None:
        while not stop.is_set():
            at = sent["lines"] % len(lines)
            running.publish(lines[at : at + size])
            sent["lines"] += size
            stop.wait(0.2)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join()
