"""The README's first command shows the main job and leaves nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

from deploy.local.settings import cache


def test_the_demo_shows_the_main_job_and_stops_everything(tmp_path: Path) -> None:
    env = {**os.environ, "TRAPPETRIN_HOME": str(tmp_path), "TRAPPETRIN_CACHE": str(cache())}
    command = [sys.executable, "-m", "services.cli.main", "demo"]
    done = subprocess.run(command, env=env, check=False, capture_output=True, text=True, timeout=110)
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]

    assert done.returncode == 0, done.stderr
    for told in (
        "list 2018: 29 udsat, 29 parallelsamfund, 2 omdannelse",
        "quota 9900-001 1 of 4 counting homes due, 0 reported, 1 owed, next due in 4",
        "decision offer-9900-001/2 rejected",
        "decision offer-9900-001/2 accepted",
        "colours 9900-005 green from 2023-09-01, red from 2024-05-01",
        "Refused at the edge: 0",
        "offer.life offer-9900-001/7 lapsed on 2024-05-29, 0 idle days",
        "offer.life offer-9900-001/7 assigned on 2024-05-27, 0 idle days",
        "quota 9900-003 0 of 2 counting homes due, 2 reported, 2 in credit, next due in 2",
        "Tilbud 9900/offer-9900-001/6: afvist",
        "Huslejen skulle højst være 4.500 kr. om måneden. Det kan boligorganisationen selv ændre. [13]",
        "Statement of 2024",
    ):
        assert told in lines
    assert any("Huslejen er 4.690 kr. om måneden og dermed over loftet på 4.500 kr." in line for line in lines)
    assert any(line.startswith("quota http://127.0.0.1:") and line.endswith("/metrics") for line in lines)

    assert processes_of(tmp_path) == []
    assert [p.name for p in (tmp_path / "demo").iterdir()] == ["stack.lock"]


def processes_of(folder: Path) -> list[str]:
    """Those that were started with this folder in their words or their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in told and process.name != str(os.getpid()):
            found.append(process.name)
    return found
