"""What the stack needs of the machine: found, or named with the command that installs it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

PACKAGES = {"java": "default-jre-headless", "mvn": "maven", "postgres": "postgresql"}
Say = Callable[[str], None]


class Missing(Exception):
    """Something is not installed; the message is the exact command that installs it."""


def postgres_binaries() -> Path | None:
    """The folder of the newest PostgreSQL server: Debian keeps it outside the path."""
    found = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if found:
        return max(found, key=lambda p: int(p.parent.name))
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


def missing(jars_there: bool) -> list[str]:
    """Names of the packages that are not there; Maven is needed only while the jars are not."""
    absent = []
    if shutil.which("java") is None:
        absent.append("java")
    if shutil.which("mvn") is None and not jars_there:
        absent.append("mvn")
    if postgres_binaries() is None:
        absent.append("postgres")
    return [PACKAGES[a] for a in absent]


def ensure(jars_there: bool, *, install: bool, say: Say) -> None:
    """Raises `Missing` with the command, or runs it."""
    if not (packages := missing(jars_there)):
        return
    root = "" if os.geteuid() == 0 else "sudo "
    command = f"{root}apt-get install -y --no-install-recommends {' '.join(packages)}"
    if not install:
        raise Missing(command)
    say(f"installing {', '.join(packages)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (f"{root}apt-get update -qq", command):
        subprocess.run(step.split(), check=True, env=env, stdout=subprocess.DEVNULL)  # noqa: S603 - our own words
