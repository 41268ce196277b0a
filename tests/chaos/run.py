"""`python -m tests.chaos.run --seed N --minutes M [--brokers 3]`: an invented year through the real thing under faults.

The schedule is the seed's; what follows is held against the fold of what was sent. Exit code 1 when anything differs.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.cli.settle import wait_until_settled
from services.cli.system import of
from shared.logging import configure_console
from shared.loglines import FAILED
from tests.chaos.audit import Audit, told
from tests.chaos.findings import Findings
from tests.chaos.load import Line, Load, lines_of
from tests.chaos.nemesis import Nemesis
from tests.chaos.progress import Progress
from tests.chaos.report import Report
from tests.chaos.schedule import Fault, last, schedule
from tests.chaos.seen import Live, watch
from tests.chaos.stand import Stand, small_disk
from tests.chaos.upheaved import upheaved

RATE, LAST, PATIENCE = 60.0, 300, 120.0
"""Lines a second; lines that are sent with the last fault; seconds until all must be well, each time.
"""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is sent, and what is done meanwhile: `faults` while `lines` are sent, `last` while `rest` is."""

    seed: int
    lines: Sequence[Line]
    rest: Sequence[Line]
    faults: Iterable[Fault]
    last: Fault
    brokers: int = 1
    rate: float = RATE
    without: str = ""
    patience: float = PATIENCE


def plan(seed: int, minutes: float, brokers: int = 1, rate: float = RATE) -> Plan:
    lines = upheaved(seed, lines_of(seed, round(minutes * 60 * rate)))
    return Plan(seed, lines[:-LAST], lines[-LAST:], schedule(seed, brokers), last(seed), brokers, rate)


def run(folder: Path, plan: Plan, say: Say) -> Report:
    """One run, in a folder of its own, of which the logs stay."""
    with small_disk(folder) as disk:
        stand = Stand(folder, plan.without)
        stand.talkative = True  # so that why tasks were given up can be counted
        try:
            stand.up(2, plan.brokers, say=lambda _line: None)
            watch(stand.dsn)
            return played(stand, disk, plan, say)
        finally:
            stand.close()


def played(stand: Stand, disk: Path | None, plan: Plan, say: Say) -> Report:
    load, rest = Load(of(stand), plan.lines, plan.rate), Load(of(stand), plan.rest, plan.rate)
    load.prepare()
    nemesis = Nemesis(stand, Progress(stand.kafka_servers, stand.dsn), disk, plan.patience, say)
    load.start()
    nemesis.play(plan.faults, until=lambda: not load.thread.is_alive())
    load.thread.join()
    nemesis.end()
    rest.start()
    nemesis.one(plan.last)
    rest.thread.join()
    nemesis.end()
    seconds, findings = time.monotonic() - nemesis.began, Findings()
    settled = settle(stand, plan.patience, findings)
    sent = told(load, rest)
    Audit(Live(of(stand), stand.dsn), sent, findings).run()
    findings.unfinished += [f"{d.fault}: {d.remark or 'never well again'}" for d in nemesis.done if d.unfinished]
    findings.unfinished += [*nemesis.ended.values(), *failed(stand)]
    findings.unfinished += [f"{name} does not run" for name in stand.names() if stand.process(name) is None]
    return Report(
        plan.seed,
        plan.brokers,
        plan.without,
        len(sent.lines),
        len(sent.poison),
        seconds,
        settled,
        nemesis.done,
        dropped(stand),
        findings,
        load.problems() + rest.problems(),
    )


def settle(stand: Stand, patience: float, findings: Findings) -> float:
    began = time.monotonic()
    try:
        wait_until_settled(of(stand), limit=patience)
    except TimeoutError as error:
        findings.unfinished.append(str(error))
    return time.monotonic() - began


def dropped(stand: Stand) -> Counter[str]:
    """Why tasks were given up, as the processes logged it."""
    found = Counter[str]()
    for log in stand.logs.glob("*-[12].log"):
        for line in log.read_text(errors="replace").splitlines():
            if '"task dropped"' in line:
                found[json.loads(line)["why"]] += 1
    return found


def failed(stand: Stand) -> list[str]:
    """Processes that ended by an error, as they logged it."""
    return [
        f"{log.stem}: {line}"
        for log in sorted(stand.logs.glob("*-[12].log"))
        for line in log.read_text(errors="replace").splitlines()
        if f'"{FAILED.words}"' in line
    ]


def tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the load and of the schedule")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long lines are sent")
    parser.add_argument("--brokers", type=int, default=1, choices=(1, 3), help="of three one is killed at a time")
    parser.add_argument("--rate", type=float, default=RATE, help="lines a second")
    parser.add_argument("--out", type=Path, default=None, help="where the report goes; a new folder unless given")
    words = parser.parse_args()
    out = words.out or Path(tempfile.mkdtemp(prefix=f"chaos-{words.seed}-"))
    configure_console()
    report = run(out, plan(words.seed, words.minutes, words.brokers, words.rate), tell)
    tell(f"{report.text()}\n{report.write(out)}")
    return 0 if report.clean else 1


if __name__ == "__main__":
    sys.exit(main())
