"""`python -m tests.chaos.memory --minutes 30`: how the services' memory goes at 70 % of what they can take.

All lines are of one year of a country. Its first part makes everything known; of the next one is seen what the
services can take: all at once, and the time until it had its effect. Then that share of it, line by line; of each
process the straight line through its sizes, without the first tenth, in which it warms up.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from services.cli.publish import send
from services.cli.settle import wait_until_settled
from services.cli.system import of
from shared.logging import configure_console
from tests.chaos.away import pids, rss
from tests.chaos.load import Line, Load, lines_of
from tests.chaos.stand import Stand

SHARE, YEAR, KNOWN, MEASURED, EVERY, WARM, PATIENCE = 0.7, 450_000, 50_000, 20_000, 5.0, 0.1, 1_800.0


def throughput(stand: Stand, lines: Sequence[Line]) -> float:
    """Lines a second, from the first one sent to the last one's effect."""
    began = time.monotonic()
    send(of(stand), lines)
    wait_until_settled(of(stand), limit=PATIENCE)
    return len(lines) / (time.monotonic() - began)


def slopes(sizes: dict[str, list[tuple[float, float]]]) -> dict[str, tuple[float, float, float]]:
    """By process: MB at the first look after it is warm, MB at the last, and MB an hour of the line between."""
    found = {}
    for name, looks in sorted(sizes.items()):
        warm = looks[int(len(looks) * WARM) :]
        line = statistics.linear_regression([at for at, _ in warm], [size for _, size in warm])
        found[name] = warm[0][1], warm[-1][1], line.slope * 3600
    return found


def measured(stand: Stand, lines: Sequence[Line], rate: float) -> dict[str, tuple[float, float, float]]:
    load = Load(of(stand), lines, rate)
    load.prepare()
    sizes: dict[str, list[tuple[float, float]]] = defaultdict(list)
    load.start()
    began = time.monotonic()
    while load.thread.is_alive():
        for name, pid in pids(stand).items():
            sizes[name].append((time.monotonic() - began, rss(pid)))
        time.sleep(EVERY)
    wait_until_settled(of(stand), limit=PATIENCE)
    if problems := load.problems():
        raise RuntimeError("; ".join(problems))
    return slopes(sizes)


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
    parser.add_argument("--folder", type=Path, default=None, help="where the stand is; a new folder unless given")
    words = parser.parse_args()
    configure_console()
    stand = Stand(words.folder or Path(tempfile.mkdtemp(prefix="memory-")))
    try:
        lines = lines_of(31, words.events)
        stand.up(2, say=lambda _line: None)
        throughput(stand, lines[:KNOWN])
        rate = SHARE * throughput(stand, lines[KNOWN : KNOWN + MEASURED])
        sys.stdout.write(f"{rate / SHARE:.0f} lines a second can be taken\n")
        sys.stdout.flush()
        rest = lines[KNOWN + MEASURED :][: round(words.minutes * 60 * rate)]
        sys.stdout.write("\n".join([*told(rate, measured(stand, rest, rate)), ""]))
    finally:
        stand.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
