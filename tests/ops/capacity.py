"""`python -m tests.ops.capacity --events N`: what an event costs, and what it leaves behind, on a stack of its own.

One process of each service takes in N events of an invented municipality; then CPU time of each process, bytes of the
topics by name, of the tables by service and of the logs, and the same for a year: 12,106 events of a municipality.
"""

import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import asyncpg

from deploy.local.stack import Stack
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from services.cli.publish import send
from services.cli.settle import wait_until_settled
from services.cli.system import of
from shared.events.topics import SERVICES
from shared.logging import configure_console

YEAR, DENMARK = 12_106, 28
"""Events of a municipality of 250 afdelinger, and how many of these Denmark is."""
TICKS = os.sysconf("SC_CLK_TCK")
# Bytes of the tables with their indexes, of each service.
TABLES = """
SELECT schemaname, (relname = 'outbox') AS reused, sum(pg_total_relation_size(relid))::bigint AS bytes
FROM pg_stat_user_tables WHERE schemaname = ANY($1) GROUP BY 1, 2 ORDER BY 1, 2
"""


def spent(pid: int) -> float:
    """CPU seconds of a process and of those that it started and that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def family_of(pid: int) -> list[int]:
    """The process and its children: PostgreSQL has one for each connection."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return [pid, *map(int, children)]


def cpu(stack: Stack) -> Counter[str]:
    pids = {p["name"]: p["pid"] for p in stack.status()["processes"]}
    return Counter({name: sum(spent(p) for p in family_of(pid)) for name, pid in pids.items()})


def topics(stack: Stack) -> Counter[str]:
    found = Counter[str]()
    for segment in (stack.home / "kafka").rglob("*.log"):
        topic = re.sub(r"^(org|municipality)\.[0-9]{4}\.", r"\1.*.", segment.parent.name.rpartition("-")[0])
        if topic.endswith(".v1"):
            found[topic] += segment.stat().st_size
    return found


async def tables(dsn: str | None) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CHECKPOINT")
        return await connection.fetch(TABLES, list(SERVICES))
    finally:
        await connection.close()


def measured(stack: Stack, events: int) -> list[str]:
    lines = [("invented", n, line(event).encode()) for n, event in enumerate(simulate(7, events=events), 1)]
    before, began = cpu(stack), time.monotonic()
    send(of(stack), lines)
    wait_until_settled(of(stack), limit=400)
    seconds, used = time.monotonic() - began, cpu(stack)
    costs = {name: 1000 * (used[name] - before[name]) / events for name in used}
    logs = sum(log.stat().st_size for service in SERVICES for log in stack.logs.glob(f"{service}-*.log"))
    kept = asyncio.run(tables(stack.dsn))
    facts, reused = (sum(r["bytes"] for r in kept if r["reused"] == which) for which in (False, True))
    by = topics(stack)
    return [
        f"{events} events in {seconds:.0f} s, {events / seconds:.0f} a second",
        f"CPU {sum(costs.values()):.2f} ms an event: "
        + ", ".join(f"{name} {cost:.2f}" for name, cost in sorted(costs.items(), key=lambda c: -c[1])),
        f"topics {of_year(by.total(), events)}: "
        + ", ".join(f"{name} {size / events:.0f} B" for name, size in by.most_common(8)),
        f"tables with indexes {of_year(facts, events)}; outbox tables {reused / 1e6:.1f} MB, reused",
        f"logs {of_year(logs, events)}",
    ]


def of_year(size: int, events: int) -> str:
    each, year = size / events, size / events * YEAR
    return f"{each:.0f} B an event, {year / 1e6:.1f} MB a municipality's year, {DENMARK * year / 1e9:.2f} GB Denmark's"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=3_000, help="how many events are taken in")
    words = parser.parse_args()
    configure_console()
    stack = Stack(Path(tempfile.mkdtemp(prefix="capacity-")))
    try:
        stack.up(1, say=lambda _line: None)
        sys.stdout.write("\n".join(measured(stack, words.events)) + "\n")
    finally:
        stack.down(delete_data=True, say=lambda _line: None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
