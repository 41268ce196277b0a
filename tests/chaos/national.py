"""`python -m tests.chaos.national`: each service's state rebuilt of a nation's year, and how long it took.

An invented year goes through a stack of its own until all has had its effect; then the services are stopped, and each
is made anew from the topics and compared. Exit code 1 where a hash is not the live one's. `--folder` keeps the stack,
so that a second run begins where the first has loaded it.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from deploy.local.stack import Stack
from services.cli.ground.quiet import Operator
from services.cli.ground.reading import Topics
from services.cli.ground.rebuild import Rebuilt, rebuilt
from services.cli.ground.shadow import Ground
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from services.cli.settle import wait_until_settled
from services.cli.system import of
from shared.events.topics import SERVICES
from shared.logging import configure_console
from tests.chaos.pouring import made_ready, pour

EVERY, PATIENCE, AT_ONCE = 10.0, 4 * 3600.0, 20_000


def say(words: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {words}\n")
    sys.stdout.flush()


def seldom(words: Callable[[str], None]) -> Callable[[str], None]:
    """Not more often than every ten seconds."""
    last = [0.0]

    def maybe(told: str) -> None:
        if time.monotonic() - last[0] > EVERY:
            last[0] = time.monotonic()
            words(told)

    return maybe


def loaded(stack: Stack, seed: int, afdelinger: int) -> None:
    """The year, in lots, each settled before the next one: the topics are the load, not the backlog."""
    lines = [("national", n, line(event).encode()) for n, event in enumerate(simulate(seed, afdelinger), 1)]
    say(f"{len(lines):,} events of {afdelinger:,} afdelinger")
    made_ready(of(stack), lines)
    began = time.monotonic()
    for n in range(0, len(lines), AT_ONCE):
        asyncio.run(pour(of(stack), lines[n : n + AT_ONCE]))
        wait_until_settled(of(stack), limit=PATIENCE)
        done = min(n + AT_ONCE, len(lines))
        say(f"{done:,} had their effect, {done / (time.monotonic() - began):,.0f} a second")


def told(done: Rebuilt) -> str:
    same = "equal" if done.live == done.rebuilt else "NOT EQUAL"
    return (
        f"| {done.service} | {done.records:,} | {done.seconds:,.0f} s | {done.records / done.seconds:,.0f} |"
        f" {same} | {len(done.differing)} | {len(done.news)} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--afdelinger", type=int, default=7_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument(
        "--folder", type=Path, default=None, help="where the stack is and stays; a new one unless given"
    )
    words = parser.parse_args()
    configure_console()
    stack = Stack(words.folder or Path(tempfile.mkdtemp(prefix="national-")))
    known, done = stack.file.exists(), list[Rebuilt]()
    try:
        stack.up(words.replicas, say=say)
        if not known:
            loaded(stack, words.seed, words.afdelinger)
        wait_until_settled(of(stack), limit=PATIENCE)
        stack.down(only=SERVICES, say=say)
        for service in SERVICES:
            ground = Ground(partial(Topics, of(stack)), of(stack).database, seldom(say))
            done.append(asyncio.run(rebuilt(ground, service, Operator("national", None), accept=False, dry_run=False)))
            say(told(done[-1]))
            for fault in (*done[-1].differing, *done[-1].news, *done[-1].problems)[:20]:
                say(f"  {fault}")
    finally:
        stack.down(delete_data=words.folder is None, say=say)
    heads = ("service", "records", "time", "a second", "hash", "differing", "to say")
    sys.stdout.write("\n".join(["", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *map(told, done), ""]))
    return 0 if all(r.live == r.rebuilt and not r.differing for r in done) else 1


if __name__ == "__main__":
    sys.exit(main())
