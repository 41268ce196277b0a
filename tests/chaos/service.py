"""A service as it is, under a test's hand: `python -m tests.chaos.service quota`.

What is done to it lies here alone, so that no production code knows of it. By environment:
`CHAOS_ORDERS` a file that may say `kill before_commit 3` or `freeze after_commit 1`: done to itself when it passes that
point for the third, the first time from now, once. `CHAOS_CLOCK` seconds by which its clock is wrong. `CHAOS_WITHOUT`
the guard that is taken out. `CHAOS_REVOKED` a file that gets the moments at which the group took its tasks back.
`CHAOS_TALKATIVE` lets it tell the same fault more than once a second.
"""

import os
import runpy
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared import clock

if TYPE_CHECKING:  # before the wrong clock is set, nothing may be imported that takes its name
    from shared.runtime.contract import Draft, TaskId

POINTS = ("after_begin", "after_state", "before_commit", "after_commit", "after_publish", "after_delete")
TOLD_AGAIN = 0.05
DEEDS = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}


def reach(point: str) -> None:
    """Do what was ordered for this point."""
    orders = Path(os.environ["CHAOS_ORDERS"])
    try:
        deed, where, times = orders.read_text().split()
    except FileNotFoundError:
        return
    if where != point:
        return
    if int(times) > 1:
        orders.write_text(f"{deed} {where} {int(times) - 1}")
        return
    orders.unlink()
    os.kill(os.getpid(), DEEDS[deed])


def points() -> None:
    """Around the ports of the core and of the relay, where one step ends and the next begins."""
    from services.ingest.service import IngestHandler
    from services.ingest.store import PostgresIngestStore
    from shared.runtime.kafka import KafkaPublisher
    from shared.runtime.keyed import KeyedHandler
    from shared.runtime.postgres import Outbox, PostgresStore

    for handler in (KeyedHandler, IngestHandler):
        around(handler, "prepare", "after_begin", "after_state", done=lambda _answer, _asked: True)
    for store in (PostgresStore, PostgresIngestStore):
        around(store, "commit", "before_commit", "after_commit", done=to_be_published, begun=with_news)
    around(KafkaPublisher, "send", None, "after_publish", done=lambda answer, _asked: bool(answer[0]))
    around(Outbox, "delete", None, "after_delete", done=lambda _answer, _asked: True)


def to_be_published(won: "set[TaskId]", drafts: "Sequence[Draft]") -> bool:
    """After a commit that leaves nothing in the outbox, nothing can be lost between commit and publish."""
    return any(draft.rows() for draft in drafts if draft.task.id in won)


def with_news(drafts: "Sequence[Draft]") -> bool:
    """A commit of repetitions alone changes nothing, whoever's it is."""
    return any(draft.rows() for draft in drafts)


def around(
    owner: Any,
    name: str,
    before: str | None,
    after: str,
    *,
    done: Callable[[Any, Any], bool],
    begun: Callable[[Any], bool] = lambda _asked: True,
) -> None:
    method = getattr(owner, name)

    async def wrapped(*words: Any, **named: Any) -> Any:
        if before and begun(words[-1]):
            reach(before)
        answer = await method(*words, **named)
        if done(answer, words[-1]):
            reach(after)
        return answer

    setattr(owner, name, wrapped)


def revocations(file: Path) -> None:
    from shared.runtime.kafka import Subscriber

    told = Subscriber.on_partitions_revoked

    async def wrapped(self: Subscriber, revoked: Any) -> None:
        with file.open("a") as moments:
            moments.write(f"{time.time()}\n")
        await told(self, revoked)

    Subscriber.on_partitions_revoked = wrapped  # type: ignore[method-assign]


def wrong_clock(seconds: float) -> None:
    """Before anybody has taken the clock's name; of all clocks the two that tell the day."""
    right, right_utc = time.time, clock.utc_now
    time.time = lambda: right() + seconds
    clock.utc_now = lambda: right_utc() + timedelta(seconds=seconds)


def talkative() -> None:
    """What is told once a second elsewhere is wanted here each time."""
    from shared import logging

    logging.QUIET = TOLD_AGAIN


def main() -> None:
    wrong_clock(float(os.environ.get("CHAOS_CLOCK", "0")))
    points()
    revocations(Path(os.environ["CHAOS_REVOKED"]))
    if os.environ.get("CHAOS_TALKATIVE"):
        talkative()
    if guard := os.environ.get("CHAOS_WITHOUT"):
        from tests.chaos.guards import GUARDS

        GUARDS[guard]()
    runpy.run_module(f"services.{sys.argv[1]}", run_name="__main__")


if __name__ == "__main__":
    main()
