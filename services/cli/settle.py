"""`trappetrin settle`: wait until everything that was sent has had its effect.

Settled means: every stored offset is at its topic's end, every outbox is empty, no re-evaluation is under way and no
parked event waits for its release, all between two looks at the topics' ends that saw the same ends.
"""

import time
from collections.abc import Mapping
from typing import Annotated

import typer
from confluent_kafka import KafkaException
from rich.console import Console

from services.cli.screen import screen
from services.cli.system import System, Unreachable, find
from shared.events.topics import READS, SERVICES, is_inbound
from shared.runtime.admin import Topics
from shared.runtime.footing import EMPTIED

Ends = Mapping[tuple[str, int], int]
POLL = 0.1


class Watcher:
    """Looks at the ends of all topics that services read, and at how far each service is."""

    def __init__(self, system: System, *, past_stops: bool = False) -> None:
        self.system, self.past_stops = system, past_stops
        self.topics = Topics(system.kafka)

    def behind(self, ends: Ends) -> dict[str, int]:
        """What is left to do, by name; empty when nothing is. Where so told, of a stopped source what it has said."""
        left: dict[str, int] = {}
        for service in SERVICES:
            progress = self.system.ask(service, "/progress")
            stopped = progress["stopped"]
            for task in () if self.past_stops else stopped:
                left[f"{service} {task} is stopped, see `trappetrin dlq stops`"] = 1
            stored = {(t, int(p)): o for t, parts in progress["offsets"].items() for p, o in parts.items()}
            for (topic, number), end in ends.items():
                inbound = service == "ingest" and is_inbound(topic)
                if (f"{topic}/{number}" if inbound else str(number)) in stopped:
                    continue
                if (inbound or topic in READS.get(service, ())) and (lag := end - stored.get((topic, number), 0)):
                    left[f"{service} records"] = left.get(f"{service} records", 0) + lag
            for what, tasks in progress["by_task"].items():
                if number := sum(n for task, n in tasks.items() if comes(what, stopped.get(task))):
                    left[f"{service} {what}"] = number
        return left

    def left(self) -> dict[str, int]:
        """What is left, looked at between two equal views of the ends; `moving` when they differ."""
        before = self.topics.ends(is_read)
        left = self.behind(before)
        if not left and self.topics.ends(is_read) != before:
            return {"moving": 1}
        return left


def is_read(topic: str) -> bool:
    """By some service."""
    return is_inbound(topic) or any(topic in topics for topics in READS.values())


def comes(what: str, why: str | None) -> bool:
    """Whether what a task has left comes by itself; `why` it is stopped, where it is.

    What was committed before the stop is sent all the same, but of a task whose topics were emptied.
    """
    return why is None or (what == "outbox" and not why.startswith(EMPTIED))


def wait_until_settled(
    system: System, limit: float = 300.0, console: Console | None = None, *, past_stops: bool = False
) -> float:
    """Seconds that it took. With `past_stops` what a stopped source has left is not waited for.

    Raises `TimeoutError` that names what is left.
    """
    watcher, began, left = Watcher(system, past_stops=past_stops), time.monotonic(), {"unknown": 1}
    while left:
        try:
            left = watcher.left()
        except Unreachable as error:
            left = {str(error): 1}
        except KafkaException as error:
            left = {f"the broker does not answer: {error.args[0].str()}": 1}
        if left and time.monotonic() - began > limit:
            raise TimeoutError(f"not settled after {limit:g} s; left: {left}")
        if left:
            if console:
                console.print(", ".join(f"{k} {v}" for k, v in sorted(left.items())), end="\r", overflow="ellipsis")
            time.sleep(POLL)
    return time.monotonic() - began


def settle(
    limit: Annotated[float, typer.Option(help="Give up after so many seconds, exit code 1.")] = 300.0,
    *,
    past_stops: Annotated[
        bool, typer.Option("--past-stops", help="Do not wait for what sources that are stopped have left.")
    ] = False,
) -> None:
    """Wait until all that was sent has had its effect: offsets at the ends, outboxes empty."""
    console = screen(stderr=True)
    try:
        took = wait_until_settled(find(), limit, console if console.is_terminal else None, past_stops=past_stops)
    except TimeoutError as error:
        console.print(str(error))
        raise typer.Exit(1) from error
    typer.echo(f"settled after {took:.1f} s")
