"""`python -m tests.chaos.away --seconds 600`: what the services stand on is away for long; how they bear it.

Told of each: how soon readiness says so, what the processes log and how they grow meanwhile, how soon all are ready
again after the return, without help, and how soon what had gathered is worked off.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx

from deploy.local import kafka, postgres
from services.cli.system import of
from shared.logging import configure_console
from tests.chaos.load import Load, lines_of
from tests.chaos.progress import Mark, Progress
from tests.chaos.stand import Stand

LIMIT, BACKLOG, POLL, RATE = 60.0, 600.0, 0.1, 60.0
BLOWS = {"kafka": signal.SIGKILL, "postgres": signal.SIGQUIT}


class Outage(NamedTuple):
    """Seconds, but for `lines`, the most that a process logged a second, and `grown`, the most it grew, in MB.

    `back`: all are ready; `level`: all that lay in topics and outboxes at the return has its effect.
    """

    what: str
    unready: float
    lines: float
    grown: float
    back: float
    level: float
    ended: list[str]


class Swallowed(NamedTuple):
    """As of an outage: seconds, and who ended. `limits`: how many time limits that side logged that it met."""

    limits: int
    unready: float
    back: float
    level: float
    ended: list[str]


def rss(pid: int, what: str = "VmRSS") -> float:
    """In MB; `VmHWM` is the most it ever was."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(what)).split()[1]) / 1024


def pids(stand: Stand) -> dict[str, int]:
    return {name: process.pid for name in stand.names() if (process := stand.process(name))}


def ready(stand: Stand) -> dict[str, bool]:
    book = stand.read()
    return {name: says_ready(book.ports[name]) for name in pids(stand)}


def says_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ready", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def soon(happened: Callable[[], bool], limit: float = LIMIT) -> float:
    """Seconds until it has happened; more than the limit when it has not."""
    began = time.monotonic()
    while not happened() and time.monotonic() - began < limit:
        time.sleep(POLL)
    return time.monotonic() - began


def logged(stand: Stand) -> dict[str, int]:
    return {name: (stand.logs / f"{name}.log").read_bytes().count(b"\n") for name in stand.names()}


def limits(stand: Stand, names: Sequence[str]) -> int:
    return sum((stand.logs / f"{name}.log").read_bytes().count(b'"error": "TimeoutError') for name in names)


def away(stand: Stand, what: str, seconds: float, load: Load) -> Outage:
    """Gone for so long; `stand` is up and all of it is well. `load` is sent meanwhile: nothing, while Kafka is away."""
    before, progress = pids(stand), Progress(stand.kafka_servers, stand.dsn)
    load.prepare()
    stand.signal(what, BLOWS[what])
    soon(lambda: stand.process(what) is None)
    load.start()
    unready = soon(lambda: not any(ready(stand).values()))
    sizes, lines, began = {n: rss(pid) for n, pid in before.items()}, logged(stand), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    loudest = max(count - lines[name] for name, count in logged(stand).items()) / took
    grown = max(rss(pid) - sizes[name] for name, pid in before.items() if pids(stand).get(name) == pid)
    load.thread.join()
    stand.revive(what)
    book = stand.read()
    soon(lambda: answers(what, book.ports[what], book.password))
    mark = Mark(progress)
    back = soon(lambda: all(ready(stand).values()))
    level = back + soon(mark.passed, BACKLOG)
    ended = [n for n, pid in before.items() if pids(stand).get(n) != pid]
    return Outage(what, unready, loudest, grown, back, level, ended)


def swallowed(stand: Stand, door: str, side: str, seconds: float, load: Load) -> Swallowed:
    """One side's doors to Kafka or to the database take all and give nothing for so long; what they hold is lost."""
    before, progress = pids(stand), Progress(stand.kafka_servers, stand.dsn)
    its = [name for name in before if name.endswith(side)]

    def wanted(name: str) -> bool:
        return name.startswith(door) and name.endswith(side)

    load.prepare()
    load.start()
    began, met = time.monotonic(), limits(stand, its)
    stand.wire.set(wanted, swallow=True)
    unready = soon(lambda: not any(says_ready(stand.read().ports[name]) for name in its), seconds)
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    stand.wire.set(wanted, cut=True)
    stand.wire.set(wanted)
    load.thread.join()
    mark = Mark(progress)
    back = soon(lambda: all(ready(stand).values()))
    level = back + soon(mark.passed, BACKLOG)
    ended = [n for n, pid in before.items() if pids(stand).get(n) != pid]
    return Swallowed(limits(stand, its) - met, unready, back, level, ended)


def answers(what: str, port: int, password: str) -> bool:
    return kafka.answers(port) if what == "kafka" else postgres.answers(port, password)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long each of the two is away")
    parser.add_argument("--folder", type=Path, default=None, help="where the stand is; a new folder unless given")
    words = parser.parse_args()
    configure_console()
    stand = Stand(words.folder or Path(tempfile.mkdtemp(prefix="away-")))
    try:
        stand.up(2, say=lambda _line: None)
        for what in BLOWS:
            lines = lines_of(17, round(words.seconds * RATE)) if what == "postgres" else []
            sys.stdout.write(f"{away(stand, what, words.seconds, Load(of(stand), lines, RATE))}\n")
            sys.stdout.flush()
    finally:
        stand.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
