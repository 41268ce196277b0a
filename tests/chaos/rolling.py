"""`python -m tests.chaos.rolling --seed N`: under load every process is told to stop and started again, one at a time.

What follows is held against the fold of what was sent, and for each task it is told how long it was without an owner,
at the most: from the first that took it from its owner after that one's last write (a process of its service was told
to stop, or the group took its tasks back) to the next claim.
"""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import asyncpg

from deploy.local.processes import stop
from deploy.local.stack import asked
from services.cli.system import of
from shared.events.topics import SERVICES
from shared.logging import configure_console
from shared.runtime.postgres import CLAIM
from tests.chaos.audit import Audit, told
from tests.chaos.findings import Findings
from tests.chaos.load import Load, lines_of
from tests.chaos.progress import Mark, Progress
from tests.chaos.run import PATIENCE, RATE, Say, settle, tell
from tests.chaos.seen import Live, watch
from tests.chaos.stand import Stand

EVENTS, POLL = 15_000, 0.05
NAMES = [f"{service}-{side}" for service in SERVICES for side in ("1", "2")]
# Told by the database itself: every write of a task, and whether it was a claim.
NOTED = f"""
CREATE TABLE chaos.turn (service text, task text, claim boolean, at float8);
CREATE FUNCTION chaos.turned() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos.turn VALUES (TG_TABLE_SCHEMA, NEW.task, current_query() = $claim${CLAIM}$claim$,
        extract(epoch FROM clock_timestamp()));
    RETURN NEW;
END $$;
"""  # noqa: S608 - all parts are ours
NOTED_EACH = "CREATE TRIGGER turned AFTER INSERT OR UPDATE ON {0}.task FOR EACH ROW EXECUTE FUNCTION chaos.turned();"


class Patient(Stand):
    """With the session timeout that a service has unless it is told otherwise."""

    session = 6.0


Pauses = dict[str, dict[str, float]]


class Restart(NamedTuple):
    """When it was told to stop; the seconds until it had, and from its start until it was ready."""

    name: str
    told: float
    stopping: float
    starting: float


class Turn(NamedTuple):
    service: str
    task: str
    claim: bool
    at: float


@dataclass
class Rolled:
    """`pauses`: by process the seconds for which each task was without an owner."""

    seed: int
    lines: int
    restarts: Sequence[Restart]
    pauses: Pauses
    findings: Findings
    problems: list[str]

    @property
    def clean(self) -> bool:
        return self.findings.clean and not self.problems

    def of(self, service: str) -> list[float]:
        return [s for name, tasks in self.pauses.items() if name.startswith(f"{service}-") for s in tasks.values()]

    def text(self) -> str:
        counts = ", ".join(f"{what} {len(found)}" for what, found in self.findings.told().items())
        rows = [f"| {service} | {spread(self.restarts, service)} | {shown(self.of(service))} |" for service in SERVICES]
        head = "| service | stopped after / ready after | tasks | pause, median / worst |"
        each = [f"{n}: {dict(sorted((t, round(s, 2)) for t, s in tasks.items()))}" for n, tasks in self.pauses.items()]
        why = [f"- {what}: {one}" for what, found in self.findings.told().items() for one in found[:10]]
        return "\n".join(
            [f"{self.lines} lines: {counts}", *self.problems, *why, "", head, "|---|---|---|---|", *rows, "", *each]
        )


def spread(restarts: Sequence[Restart], service: str) -> str:
    its = [r for r in restarts if r.name.startswith(f"{service}-")]
    return f"{median(r.stopping for r in its):.1f} s / {median(r.starting for r in its):.1f} s"


def shown(pauses: Sequence[float]) -> str:
    return f"{len(pauses)} | {median(pauses):.1f} s / {max(pauses):.1f} s" if pauses else "0 | –"


def roll(folder: Path, seed: int, say: Say) -> Rolled:
    """One run, in a folder of its own, of which the logs stay."""
    stand = Patient(folder)
    try:
        stand.up(2, say=lambda _line: None)
        watch(stand.dsn)
        asyncio.run(executed(stand.dsn, NOTED + "".join(map(NOTED_EACH.format, SERVICES))))
        load = Load(of(stand), lines_of(seed, EVENTS), RATE)
        load.prepare()
        load.start()
        progress = Progress(stand.kafka_servers, stand.dsn)
        restarts = []
        for name in NAMES:
            caught_up(progress)
            restarts.append(restarted(stand, name))
            say(f"{name}: stopped after {restarts[-1].stopping:.1f} s, ready after {restarts[-1].starting:.1f} s")
        caught_up(progress)
        going = load.thread.is_alive()
        load.end()
        findings = Findings()
        settle(stand, PATIENCE, findings)
        Audit(Live(of(stand), stand.dsn), told(load), findings).run()
        turns = [Turn(*r) for r in asyncio.run(executed(stand.dsn, "SELECT * FROM chaos.turn ORDER BY at"))]
        problems = load.problems() + ([] if going else ["the load ended before the last restart"])
        taken = {s: [at for side in ("1", "2") for at in stand.revoked(f"{s}-{side}")] for s in SERVICES}
        return Rolled(seed, len(load.lines), restarts, pauses(restarts, turns, taken), findings, problems)
    finally:
        stand.close()


async def executed(dsn: str | None, sql: str) -> Sequence[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(sql) if sql.startswith("SELECT") else [await connection.execute(sql)]
    finally:
        await connection.close()


def caught_up(progress: Progress) -> None:
    """All that lies in the topics now has had its effect."""
    mark = Mark(progress)
    until(mark.passed, "not all had its effect")


def restarted(stand: Stand, name: str) -> Restart:
    process, port = stand.process(name), stand.read().ports[name]
    assert process is not None, f"{name} does not run"
    told = time.time()
    stop([process], signal.SIGTERM, 20)
    gone = time.time()
    stand.revive(name)
    until(lambda: asked(port)[0], f"{name} is not ready")
    return Restart(name, told, gone - told, time.time() - gone)


def until(done: Any, why: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, f"{why} after {PATIENCE:g} s"
        time.sleep(POLL)


def pauses(restarts: Sequence[Restart], turns: Sequence[Turn], taken: Mapping[str, Sequence[float]]) -> Pauses:
    """`turns` in the order of time; `taken`: by service when the group took tasks back. A claim belongs to the last
    restart of its service before it.
    """
    found: dict[str, dict[str, float]] = {r.name: defaultdict(float) for r in restarts}
    last: dict[tuple[str, str], float] = {}
    for turn in turns:
        place = turn.service, turn.task
        its = [r for r in restarts if r.name.startswith(f"{turn.service}-") and r.told <= turn.at]
        if turn.claim and its:
            ends = [at for at in (*(r.told for r in its), *taken[turn.service]) if last.get(place, 0.0) < at < turn.at]
            found[its[-1].name][turn.task] += turn.at - min(ends, default=turn.at)
        last[place] = turn.at
    return {name: dict(tasks) for name, tasks in found.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the load")
    parser.add_argument("--out", type=Path, default=None, help="where the report goes; a new folder unless given")
    words = parser.parse_args()
    out = words.out or Path(tempfile.mkdtemp(prefix=f"rolling-{words.seed}-"))
    configure_console()
    rolled = roll(out, words.seed, tell)
    tell(rolled.text())
    (out / "report.json").write_text(json.dumps({**asdict(rolled), "clean": rolled.clean}, indent=1))
    return 0 if rolled.clean else 1


if __name__ == "__main__":
    sys.exit(main())
