"""Where the running system is: from the environment, or from the local stack beside the repository.

`TRAPPETRIN_KAFKA` names the brokers; `TRAPPETRIN_URLS` the services, as `ingest=http://…,classifier=http://…`; and
`TRAPPETRIN_DATABASE` the database, which only an operator's commands need.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import typer

from deploy.local.stack import Stack
from shared.events.topics import SERVICES

ANSWER = httpx.Timeout(10.0, read=300.0)
"""Seconds. A service reads all it holds to tell its state, and goes on with its records meanwhile."""


@dataclass(frozen=True, slots=True)
class System:
    """Bootstrap servers, per service the addresses of its live replicas, and the database where it is known."""

    kafka: Sequence[str]
    urls: Mapping[str, Sequence[str]]
    dsn: str | None = None

    @property
    def database(self) -> str:
        """Raises `Unreachable`."""
        if self.dsn is None:
            raise Unreachable("no database is known: start it with `trappetrin up`, or name it in TRAPPETRIN_DATABASE")
        return self.dsn

    def ask(self, service: str, path: str) -> Any:
        """The JSON answer of the first replica that answers. Raises `Unreachable`."""
        problems = []
        for url in self.urls.get(service, ()):
            try:
                answer = httpx.get(url + path, timeout=ANSWER)
                answer.raise_for_status()
                return answer.json()
            except httpx.HTTPError as error:
                problems.append(f"{url}{path}: {error or type(error).__name__}")
        raise Unreachable(f"{service} does not answer: {'; '.join(problems) or 'no address known'}")


class Unreachable(Exception):
    """No replica of a service answered, or the database did not; the message names what was tried."""


@contextmanager
def asking_the_database() -> Iterator[None]:
    """Raises `Unreachable` where it does not answer, or not what was asked."""
    try:
        yield
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise Unreachable(f"the database does not answer: {error or type(error).__name__}") from error


def find() -> System:
    """The running system. Ends with exit code 2 and one sentence where there is none."""
    if servers := os.environ.get("TRAPPETRIN_KAFKA"):
        pairs = [p.partition("=") for p in os.environ.get("TRAPPETRIN_URLS", "").split(",") if p]
        urls: dict[str, list[str]] = {}
        for service, _, url in pairs:
            urls.setdefault(service.strip(), []).append(url.strip().rstrip("/"))
        return System(servers.split(","), urls, os.environ.get("TRAPPETRIN_DATABASE"))
    system = of(Stack())
    if not system.kafka:
        typer.echo("Nothing is running here: start it with `trappetrin up`, or name it in TRAPPETRIN_KAFKA.", err=True)
        raise typer.Exit(2)
    return system


def of(stack: Stack) -> System:
    """The system that this stack runs, as it is now."""
    return System(stack.kafka_servers, {s: stack.service_urls(s) for s in SERVICES}, stack.dsn)
