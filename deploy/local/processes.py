"""Processes that outlive the command that started them, and are known again without mistaking anyone else for them.

A process is known by its pid together with when it started and in which boot: a pid that was given to somebody else
since is not ours, and is never signalled.
"""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

POLL = 0.02


@dataclass(frozen=True, slots=True)
class Spec:
    """How a process is started. `user`: as whom, when the starter is root; `port`: where it listens."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    port: int
    user: str | None = None

    def fingerprint(self) -> str:
        """Equal while nothing would change by starting it anew."""
        return repr((list(self.command), sorted(self.env.items()), self.user))


class Identity(NamedTuple):
    """One process of one boot; `start` in clock ticks since then."""

    pid: int
    start: str
    boot: str

    @property
    def alive(self) -> bool:
        reap(self.pid)
        return identity(self.pid) == self


def identity(pid: int) -> Identity | None:
    """None when there is no such process, or only its remains."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else Identity(pid, fields[19], boot)


def reap(pid: int) -> None:
    """Take note of the end of a child, so that it does not stay as a zombie; others are nobody's business here."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def spawn(spec: Spec) -> Identity:
    """Start it in a session of its own, detached from this terminal, its output appended to its log."""
    command = list(spec.command)
    if spec.user is not None:
        command = ["/usr/bin/setpriv", f"--reuid={spec.user}", f"--regid={spec.user}", "--init-groups", "--", *command]
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        command[0],
        command,
        dict(spec.env),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(spec.log), append, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    found = identity(pid)
    if found is None:
        raise RuntimeError(f"{spec.name} ended at once: {tail(spec.log)}")
    return found


def stop(processes: Sequence[Identity], number: signal.Signals, limit: float) -> None:
    """Ask all of them at once to end, and end those that have not within the limit (seconds)."""
    for process in processes:
        send(process, number)
    deadline = time.monotonic() + limit
    left = list(processes)
    while left and time.monotonic() < deadline:
        time.sleep(POLL)
        left = [p for p in left if p.alive]
    for process in left:
        send(process, signal.SIGKILL)
    while any(p.alive for p in left):
        time.sleep(POLL)


def send(process: Identity, number: signal.Signals) -> None:
    """A signal to this very process; nothing when it has ended."""
    if process.alive:
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return


def tail(log: Path, lines: int = 15) -> str:
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "(no log)"
