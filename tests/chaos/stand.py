"""The stack under a test's hand: its services take orders, and doors lie between them and what they stand on.

Replicas 1 and 2 of every service have doors of their own, to each broker and to the database, so that one half of the
system can be cut off from what the other half still reaches.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from deploy.local import kafka, postgres
from deploy.local.processes import Identity, Spec, stop
from deploy.local.processes import send as signalled
from deploy.local.settings import ROOT, free_port
from deploy.local.stack import Book, Stack, is_ground
from tests.chaos.wire import Wire

SIDES = ("1", "2")
SESSION, HEARTBEAT = 3.0, 0.5
DISK = "1500m"


class Stand(Stack):
    """`without`: the guard that is taken out of every process; `skewed`: by how many seconds whose clock is wrong."""

    session = SESSION

    def __init__(self, folder: Path, without: str = "") -> None:
        super().__init__(folder)
        self.without, self.wire, self.talkative = without, Wire(), False
        self.skewed: dict[str, float] = {}
        self.bound: dict[tuple[str, str], int] = {}
        self.orders = folder / "orders"
        self.orders.mkdir(parents=True, exist_ok=True)

    # What differs from the stack as it is

    def nodes(self, book: Book) -> list[kafka.Node]:
        return [
            replace(
                node,
                listeners={
                    f"SIDE{side}": (
                        at := self.port(book, node.name, side),
                        self.wire.door(f"{node.name} {side}", at).port,
                    )
                    for side in SIDES
                },
            )
            for node in super().nodes(book)
        ]

    def port(self, book: Book, name: str, side: str) -> int:
        if (name, side) not in self.bound:
            self.bound[name, side] = free_port(frozenset((*self.bound.values(), *book.ports.values())))
        return self.bound[name, side]

    def service(self, book: Book, name: str) -> Spec:
        spec, (service, _, side) = super().service(book, name), name.rpartition("-")
        doors = [node.listeners[f"SIDE{side}"][1] for node in self.nodes(book)]
        database = self.wire.door(f"postgres {side}", book.ports["postgres"])
        env = {
            **spec.env,
            "PYTHONPATH": str(ROOT),
            "TRAPPETRIN_KAFKA": ",".join(f"127.0.0.1:{port}" for port in doors),
            "TRAPPETRIN_DATABASE": postgres.dsn(database.port, book.password),
            "TRAPPETRIN_SESSION_TIMEOUT": str(self.session),
            "TRAPPETRIN_HEARTBEAT": str(HEARTBEAT),
            "CHAOS_ORDERS": str(self.orders / name),
            "CHAOS_REVOKED": str(self.orders / f"{name}.revoked"),
            "CHAOS_CLOCK": str(self.skewed.get(name, 0)),
            "CHAOS_WITHOUT": self.without,
            "CHAOS_TALKATIVE": "1" if self.talkative else "",
        }
        return replace(spec, command=[sys.executable, "-m", "tests.chaos.service", service], env=env)

    # What is done to it

    def process(self, name: str) -> Identity | None:
        return self.read().process(name)

    def signal(self, name: str, number: signal.Signals) -> None:
        if process := self.process(name):
            signalled(process, number)

    def kill(self, *names: str) -> None:
        """All at once; when this returns they are gone."""
        stop([p for n in names if (p := self.process(n))], signal.SIGKILL, 20)

    def order(self, name: str, deed: str, point: str, times: int = 1) -> None:
        self.orders.joinpath(name).write_text(f"{deed} {point} {times}")

    def revoked(self, name: str) -> list[float]:
        """The moments at which the group took back what the process had."""
        file = self.orders / f"{name}.revoked"
        return [float(moment) for moment in file.read_text().split()] if file.exists() else []

    def forget(self, name: str) -> bool:
        """Take the order back; whether it was still there."""
        try:
            self.orders.joinpath(name).unlink()
        except FileNotFoundError:
            return False
        return True

    def frozen(self, name: str) -> bool:
        process = self.process(name)
        return process is not None and state_of(process.pid) == "T"

    def revive(self, *names: str) -> None:
        """Start what does not run, or not as it should; waits for nothing."""
        with self.changing() as book:
            services = [self.service(book, n) for n in names if not is_ground(n)]
            ground = [s for s in self.ground(book) if s.name in names]
            self.start(book, [*ground, *services], say=lambda _line: None)

    def names(self, ground: bool = False) -> Sequence[str]:
        return sorted(n for n in self.read().processes if is_ground(n) == ground)

    def close(self) -> None:
        """End everything and leave nothing but what the processes logged."""
        for name in self.names():
            self.signal(name, signal.SIGCONT)
        self.down(say=lambda _line: None)
        self.logs.rename(self.home / "logged")
        self.down(delete_data=True, say=lambda _line: None)
        self.wire.close()


def state_of(pid: int) -> str:
    """As the kernel tells it; T is stopped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


@contextmanager
def small_disk(home: Path) -> Iterator[Path | None]:
    """A disk of its own, in memory, for the database of this home; None where that may not be made here."""
    home.mkdir(parents=True, exist_ok=True)  # where the data goes depends on who may pass into it
    place = postgres.folder(home)
    place.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)
        place.rmdir()
