"""`python -m tests.chaos.memory --minutes 30`: how the services' memory goes at 70 % of what they can take.

All lines are of one year of a country. What concerns everyone and the registrations come first, then ten parts of the
year side by side, so that there is of everything all the time. Three fifths of the year make the afdelinger heavy, for
an event costs what its afdeling has of homes. Then it is seen what the services can take: a minute at a pace, a minute
at a faster one, until what was sent has its effect late twice; and that share of it is sent, line by line. Of each
process the straight line through its sizes, without the first tenth, in which it warms up. `--folder` keeps the stack,
so that `tests.chaos.national` can rebuild it.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from deploy.local.stack import Stack, is_ground
from services.cli.settle import wait_until_settled
from services.cli.system import of
from shared.events.cloudevents import Invalid
from shared.events.decoding import of_line
from shared.events.inbound import AfdelingRegistered
from shared.logging import configure_console
from tests.chaos.away import rss
from tests.chaos.load import Line, lines_of
from tests.chaos.national import say
from tests.chaos.pouring import made_ready, pour

SHARE, YEAR, KNOWN, PARTS, EVERY, WARM, PATIENCE = 0.7, 700_000, 0.6, 10, 5.0, 0.1, 1_800.0
PACE, FASTER, STEP, LATE = 100.0, 1.25, 60.0, 1.1
"""Lines a second in the first step, how much more in the next; seconds of a step, and by which part more it is late."""
Sizes = defaultdict[str, list[tuple[float, float]]]


def laid_out(lines: Sequence[Line]) -> list[Line]:
    """What everything hangs on; then the others, as they would be told of ten parts of the year at once."""
    first, others = list[Line](), list[Line]()
    for one in lines:
        (first if is_basic(one[2]) else others).append(one)
    length = -(-len(others) // PARTS)
    parts = [others[at : at + length] for at in range(0, len(others), length)]
    return [*first, *(one for together in zip_longest(*parts) for one in together if one)]


def is_basic(text: bytes) -> bool:
    """Whether it concerns everyone, or registers an afdeling."""
    try:
        fact = of_line(text)
    except Invalid:
        return False
    return isinstance(fact, AfdelingRegistered) or fact.about() is None


def seconds(stack: Stack, lines: Sequence[Line], rate: float | None = None) -> float:
    """From the first line sent to the last one's effect."""
    began = time.monotonic()
    asyncio.run(pour(of(stack), lines, rate))
    wait_until_settled(of(stack), limit=PATIENCE)
    return time.monotonic() - began


def throughput(stack: Stack, lines: list[Line]) -> tuple[float, list[Line]]:
    """Lines a second that have their effect, at the pace at which they are late twice; and the lines left."""
    rate, late = PACE, False
    while True:
        step, lines = lines[: round(rate * STEP)], lines[round(rate * STEP) :]
        if not lines:
            raise SystemExit(f"all lines were sent before any was late, at {rate:.0f} a second: ask for more --events")
        took = seconds(stack, step, rate)
        say(f"{len(step)} lines in {STEP:.0f} s had their effect after {took:.1f} s")
        if took <= STEP * LATE:
            rate, late = rate * FASTER, False
        elif late:
            return len(step) / took, lines
        else:
            late = True  # once may be the broker's own business


def slopes(sizes: Sizes) -> dict[str, tuple[float, float, float]]:
    """By process: MB at the first look after it is warm, MB at the last, and MB an hour of the line between."""
    found = {}
    for name, looks in sorted(sizes.items()):
        warm = looks[int(len(looks) * WARM) :]
        line = statistics.linear_regression([at for at, _ in warm], [size for _, size in warm])
        found[name] = warm[0][1], warm[-1][1], line.slope * 3600
    return found


async def measured(stack: Stack, lines: Sequence[Line], rate: float) -> Sizes:
    """By process the seconds and its size, while the lines are poured. Raises `OSError` where a process ends."""
    book = stack.read()
    pids = {n: p.pid for n in sorted(book.processes) if not is_ground(n) and (p := book.process(n))}
    pouring, sizes, began = asyncio.create_task(pour(of(stack), lines, rate)), Sizes(list), time.monotonic()
    while not pouring.done():
        for name, pid in pids.items():
            sizes[name].append((time.monotonic() - began, rss(pid)))
        await asyncio.wait([pouring], timeout=EVERY)
    await pouring
    return sizes


def told(rate: float, found: dict[str, tuple[float, float, float]]) -> Sequence[str]:
    rows = (f"| {n} | {first:.0f} | {last:.0f} | {slope:+.1f} |" for n, (first, last, slope) in found.items())
    return [
        f"{rate:.0f} lines a second",
        "",
        "| process | MB, warm | MB, last | MB an hour |",
        "|---|---|---|---|",
        *rows,
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--events", type=int, default=YEAR, help="of the year; decides how many afdelinger there are")
    parser.add_argument("--folder", type=Path, default=None, help="where the stack is and stays; else a new one")
    words = parser.parse_args()
    configure_console()
    stack = Stack(words.folder or Path(tempfile.mkdtemp(prefix="memory-")))
    try:
        lines = laid_out(lines_of(31, words.events))
        stack.up(2, say=say)
        made_ready(of(stack), lines)
        known = round(KNOWN * len(lines))
        say(f"{len(lines)} lines; {known} known after {seconds(stack, lines[:known]):.0f} s")
        most, lines = throughput(stack, lines[known:])
        say(f"{most:.0f} lines a second can be taken")
        rate = SHARE * most
        rest = lines[: round(words.minutes * 60 * rate)]
        say(f"{rate:.0f} lines a second for {len(rest) / rate / 60:.1f} minutes")
        sizes = asyncio.run(measured(stack, rest, rate))
        late = wait_until_settled(of(stack), limit=PATIENCE)
        say(f"all had its effect {late:.1f} s after the last line")
        sys.stdout.write("\n".join([*told(rate, slopes(sizes)), ""]))
    finally:
        stack.down(delete_data=words.folder is None, say=say)
    return 0


if __name__ == "__main__":
    sys.exit(main())
