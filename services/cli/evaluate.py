"""`trappetrin evaluate FILE…`: what follows from files of inbound events, offline.

There is no second implementation here: the lines go through ingest's validation and the services' own steps, run by the
same runtime core, over a broker and stores in memory.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from services.classifier.domain import Classifier
from services.cli.screen import screen
from services.cli.state import Json, as_json, empty, show
from services.ingest.contract import Waiting
from services.ingest.contract import task_of as of_partition
from services.ingest.memory import MemoryIngestStore
from services.ingest.service import IngestHandler
from services.matching.domain import MatchingDomain
from services.quota.domain import QuotaDomain
from shared.clock import Clock, utc_now
from shared.events.cloudevents import STRUCTURED
from shared.events.day import closing
from shared.events.decoding import route
from shared.events.topics import OPERATIONS, READS, is_inbound
from shared.runtime.contract import Handler, Outgoing
from shared.runtime.core import Core
from shared.runtime.keyed import Domain, KeyedHandler, of_number
from shared.runtime.memory import MemoryBroker, MemoryConsumer, MemoryPublisher, MemoryStore, run_until_quiet
from shared.runtime.overflow import Overflow
from shared.runtime.relay import Relay
from shared.runtime.views import State, merge, view

HEADERS = (("content-type", STRUCTURED.encode()),)
NEVER = 2**62
DOMAINS: Mapping[str, Callable[[], Domain[Any]]] = {
    "classifier": Classifier,
    "quota": QuotaDomain,
    "matching": MatchingDomain,
}


class Refused(NamedTuple):
    """One refused event: where it stands, and why."""

    file: str
    line: int
    event_id: str | None
    field: str
    rule: str
    value: str | None

    def __str__(self) -> str:
        value = "" if self.value is None else f": {self.value!r}"
        return f"{self.file}:{self.line}: {self.field} {self.rule}{value}"


class Offline:
    """All services over one broker in memory; lines go in as they would through Kafka. `clock`: ingest's."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self.broker = MemoryBroker()
        self.ingest = MemoryIngestStore()
        self.edge = IngestHandler(self.ingest, clock)
        self.cores = [self.run(self.ingest, self.edge, is_inbound, of_partition)]
        self.services: list[tuple[Domain[Any], MemoryStore]] = []
        for name, new in DOMAINS.items():
            domain = new()
            store, reads = MemoryStore(), frozenset(READS[name])
            handler = KeyedHandler(domain, name, store)
            self.cores.append(self.run(store, handler, reads.__contains__, of_number))
            self.services.append((domain, store))
        self.where: dict[tuple[str, int], tuple[str, int]] = {}

    def run(
        self, store: Any, handler: Handler, reads: Callable[[str], bool], task_of: Callable[[str, int], str]
    ) -> tuple[Core, MemoryConsumer]:
        consumer = MemoryConsumer(self.broker, reads, task_of)
        relay = Relay(store, MemoryPublisher(self.broker), most=NEVER)
        return Core(store, consumer, relay, handler, task_of=task_of, overflow=Overflow(run=NEVER, share=1)), consumer

    def send(self, file: str, number: int, line: bytes, municipality: str) -> None:
        """One line, onto the one partition of its sender's topic: the order of the file is the order of arrival."""
        topic, key = route(line, municipality)
        log = self.broker.logs[topic, 0]
        self.where[topic, len(log)] = file, number
        log.append(Outgoing(0, key, line, HEADERS))

    def close(self, day: date) -> None:
        """The day is over, and all before it."""
        self.broker.logs[OPERATIONS, 0].append(Outgoing(0, b"", closing(day, "evaluate"), HEADERS))

    async def settle(self) -> None:
        """Until nothing is left to do, parked events that can be released among it."""
        await run_until_quiet(self.cores)
        while waiting := await self.edge.waiting():
            self.cores[0][0].look_again(waiting)
            await run_until_quiet(self.cores)

    async def state(self) -> State:
        whole = merge(empty(), await self.edge.view())
        for domain, store in self.services:
            merge(whole, await view(domain, store))
        return whole

    def refused(self) -> list[Refused]:
        """The distinct refused events, as their lines stand in the files."""
        found = []
        for r in self.ingest.refusals.values():
            file, number = self.where[r.origin.topic, r.origin.offset]
            found.append(Refused(file, number, r.origin.event_id, r.field, r.rule, r.value))
        return sorted(found, key=lambda r: (r.file, r.line))


class Folded(NamedTuple):
    """What follows from files: the final state, what was refused, and what waits for its afdeling to be registered."""

    state: State
    refused: list[Refused]
    parked: list[Waiting]


async def fold(lines: Iterable[tuple[str, int, bytes]], municipality: str = "0851", on: date | None = None) -> Folded:
    """Lines come as (file, number, bytes); they are taken in this order.

    `on`: the last day that is over; deadlines and "since" are told when there is one.
    """
    offline = Offline()
    if on:
        offline.close(on)
    for file, number, line in lines:
        offline.send(file, number, line, municipality)
    await offline.settle()
    return Folded(await offline.state(), offline.refused(), await offline.ingest.parked(NEVER))


def fold_files(files: Iterable[Path], municipality: str = "0851", on: date | None = None) -> Folded:
    """As `fold`, of whole files. Raises `OSError`."""
    return asyncio.run(fold(lines_of(files), municipality, on))


def lines_of(files: Iterable[Path]) -> Iterator[tuple[str, int, bytes]]:
    """The lines that are not blank, with where they stand. Raises `OSError`."""
    for file in files:
        with file.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield str(file), number, line.rstrip(b"\r\n")


Files = Annotated[list[Path], typer.Argument(help="Files of inbound events, one CloudEvent a line.", exists=True)]
Municipality = Annotated[str, typer.Option(help="The municipality that the files' facts come from.")]


On = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"], help="The last day that is over: tells deadlines, lapses and since when is owed."
    ),
]


def evaluate(files: Files, as_text: Json = False, municipality: Municipality = "0851", on: On = None) -> None:
    """Fold files of inbound events offline, through the services' own code, and print the final state."""
    errors = screen(stderr=True)
    with errors.status("evaluating"):
        found = fold_files(files, municipality, on.date() if on else None)
    for refusal in found.refused:
        errors.print(f"refused {refusal}")
    for afdeling, number in sorted(Counter(one.afdeling for one in found.parked).items()):
        errors.print(f"parked {number}: afdeling {afdeling} is not registered")
    if as_text:
        typer.echo(as_json(found.state))
    else:
        show(found.state, screen())
