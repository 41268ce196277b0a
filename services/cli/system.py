"""Where the running system is: from the environment, or from the local stack beside the repository.

`TRAPPETRIN_KAFKA` names the brokers; `TRAPPETRIN_URLS` the services, as `ingest=http://…,classifier=http://…`; and
`TRAPPETRIN_DATABASE` the database, which only an operator's commands need.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import typer

from deploy.local.stack import Stack
from shared.events.topics import SERVICES

SOON, LATE = httpx.Timeout(5.0), httpx.Timeout(10.0, read=300.0)
LONG = ("/state", "/journal", "/incomplete", "/parked")
"""Answers that may be late: a service reads all it holds to tell its state, and goes on with its records meanwhile."""


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
                answer = httpx.get(url + path, timeout=LATE if path.startswith(LONG) else SOON)
                answer.raise_for_status()
                return answer.json()
            except httpx.HTTPError as error:
                problems.append(f"{url}{path}: {error or type(error).__name__}")
        raise Unreachable(f"{service} does not answer: {'; '.join(problems) or 'no address known'}")


class Unreachable(Exception):
    """No replica of a service answered, or the database did not; the message names what was tried."""


@contextmanager
def asking_the_database(dsn: str) -> Iterator[None]:
    """Raises `Unreachable` where its address can not be used, where it does not answer, or not what was asked."""
    try:
        yield
    except (OSError, TimeoutError) as error:
        raise Unreachable(f"the database at {place(dsn)} does not answer: {said(error)}") from error
    except ValueError as error:
        raise Unreachable(
            "the address of the database can not be used (special characters of a password are to be percent-encoded):"
            f" {said(error)}"
        ) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unreachable(f"the database at {place(dsn)} did not do what was asked: {said(error)}") from error


def place(dsn: str) -> str:
    """Of an address what may be told."""
    at = urlsplit(dsn)
    return at.netloc.rpartition("@")[2] + at.path


def said(error: Exception) -> str:
    return str(error) or type(error).__name__


def brokers() -> str:
    """Where the brokers are, to be told."""
    return os.environ.get("TRAPPETRIN_KAFKA") or ",".join(Stack().kafka_servers)


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
        typer.echo(
            "No Kafka is running here: `trappetrin up` starts what is missing, or name one in TRAPPETRIN_KAFKA.",
            err=True,
        )
        raise typer.Exit(2)
    return system


def of(stack: Stack) -> System:
    """The system that this stack runs, as it is now."""
    return System(stack.kafka_servers, {s: stack.service_urls(s) for s in SERVICES}, stack.dsn)
