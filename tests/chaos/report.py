"""What a run was and what it found, for people and for programs."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.chaos.findings import AT_MOST, Findings
from tests.chaos.nemesis import Done


@dataclass
class Report:
    """`seconds`: from the first line sent to the last; `settled`: from then until all had had its effect."""

    seed: int
    brokers: int
    without: str
    lines: int
    poison: int
    seconds: float
    settled: float
    done: Sequence[Done]
    dropped: Counter[str]
    findings: Findings
    problems: list[str]

    @property
    def clean(self) -> bool:
        return self.findings.clean and not self.problems

    def recoveries(self) -> list[float]:
        return [d.recovery for d in self.done if d.recovery is not None]

    def verdict(self) -> str:
        counts = ", ".join(f"{what} {len(found)}" for what, found in self.findings.told().items())
        return f"{counts}{'; ' + '; '.join(self.problems) if self.problems else ''}"

    def recovery(self) -> str:
        times = self.recoveries()
        return f"median {median(times):.1f} s, worst {max(times):.1f} s" if times else "none was measured"

    def text(self) -> str:
        kinds: dict[str, list[Done]] = defaultdict(list)
        for done in self.done:
            kinds[done.fault.kind].append(done)
        what = f"{self.lines} lines and {self.poison} poisoned records in {self.seconds:.0f} s, settled"
        rows = [f"| {kind} | {len(of_kind)} | {spread(of_kind)} |" for kind, of_kind in sorted(kinds.items())]
        schedule = [f"{d.began:7.1f} s  {d.fault}  {told(d)}" for d in self.done]
        return "\n".join(
            [
                f"# seed {self.seed}, {self.brokers} brokers{', without ' + self.without if self.without else ''}",
                "",
                f"{self.verdict()}",
                "",
                f"{what} {self.settled:.1f} s after; {len(self.done)} faults; well again: {self.recovery()}.",
                f"Tasks given up, as logged: {dict(sorted(self.dropped.items()))}.",
                "",
                "| fault | times | well again after, median / worst |",
                "|---|---|---|",
                *rows,
                "",
                "```",
                *schedule,
                "```",
                *(f"- {what}: {one}" for what, found in self.findings.told().items() for one in shown(found)),
                "",
            ]
        )

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        told: dict[str, Any] = {
            "seed": self.seed,
            "brokers": self.brokers,
            "without": self.without,
            "lines": self.lines,
            "poison": self.poison,
            "seconds": self.seconds,
            "settled": self.settled,
            "recoveries": self.recoveries(),
            "dropped": self.dropped,
            "findings": self.findings.told(),
            "problems": self.problems,
        }
        (folder / "report.json").write_text(json.dumps(told, indent=1, default=str))
        file = folder / "report.md"
        file.write_text(self.text())
        return file


def spread(of_kind: Sequence[Done]) -> str:
    times = [d.recovery for d in of_kind if d.recovery is not None]
    return f"{median(times):.1f} s / {max(times):.1f} s" if times else "–"


def told(done: Done) -> str:
    return done.remark or (f"{done.recovery:.1f} s" if done.recovery is not None else "")


def shown(found: Sequence[str]) -> list[str]:
    more = [f"… and {len(found) - AT_MOST} more"] if len(found) > AT_MOST else []
    return [*found[:AT_MOST], *more]
