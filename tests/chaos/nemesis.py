"""Does to a stand what the schedule says, one fault after the other, and measures how soon all is well again."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from confluent_kafka.admin import AdminClient

from deploy.local import kafka, postgres
from deploy.local.stack import is_broker
from tests.chaos.progress import LIMIT, Mark, Progress
from tests.chaos.schedule import Fault
from tests.chaos.stand import SIDES, Stand

POLL, MET, TAKEN, WHOLE = 0.1, 8.0, 20.0, 60.0
BALLAST = 1_048_576
END_BACKENDS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'trappetrin/%'"


@dataclass
class Done:
    """One fault as it came. `began`: seconds since the run began; `recovery`: seconds until what lay in the topics and
    outboxes was consumed and published, None while it is not; `remark`: when it was not as scheduled.
    """

    fault: Fault
    began: float
    recovery: float | None = None
    remark: str = ""
    watch: threading.Thread | None = field(default=None, repr=False)

    @property
    def unfinished(self) -> bool:
        """Whether what it did was never seen to be well again."""
        return "after" in self.remark or (self.watch is not None and self.recovery is None)


class Nemesis:
    """`disk`: where a disk can be filled, None where none may be; `patience`: seconds until all must be well again."""

    def __init__(
        self, stand: Stand, progress: Progress, disk: Path | None, patience: float, say: Callable[[str], None]
    ) -> None:
        self.stand, self.progress, self.disk, self.patience, self.say = stand, progress, disk, patience, say
        self.began = time.monotonic()
        self.done: list[Done] = []
        self.ended: dict[str, str] = {}

    def play(self, faults: Iterable[Fault], until: Callable[[], bool]) -> None:
        for fault in faults:
            if until():
                return
            self.one(fault)
            time.sleep(fault.gap)

    def one(self, fault: Fault) -> None:
        done = Done(fault, time.monotonic() - self.began)
        for name in self.stand.names():
            if self.stand.process(name) is None:  # every fault starts again whom it ended
                self.ended.setdefault(name, f"{name} had ended by itself {done.began:.0f} s after the beginning")
        self.done.append(done)
        getattr(self, fault.kind.replace(" ", "_"))(fault, done)
        if done.watch and not fault.at_once:
            done.watch.join()
        told = f"well again after {done.recovery:.1f} s" if done.recovery is not None else "the next one at once"
        self.say(f"{done.began:7.1f} s  {fault}: {done.remark or told}")

    def well(self, done: Done) -> None:
        """From now on, how long until all that there is now is done?"""
        done.watch = threading.Thread(target=self.look, args=(done, Mark(self.progress), time.monotonic()), daemon=True)
        done.watch.start()

    def look(self, done: Done, mark: Mark, zero: float) -> None:
        try:
            while not mark.passed():
                if time.monotonic() - zero > self.patience:
                    done.remark = f"not well again after {time.monotonic() - zero:.0f} s"
                    return
                time.sleep(POLL)
            done.recovery = time.monotonic() - zero
        except Exception as error:  # noqa: BLE001 - whatever it is, the run must tell of it
            done.remark = f"could not be watched: {type(error).__name__}: {error}"

    def end(self) -> None:
        """Nothing goes on being wrong."""
        self.stand.wire.set(lambda _name: True)
        for done in self.done:
            if done.watch:
                done.watch.join()

    # Processes: well again is counted from the blow

    def kill(self, fault: Fault, done: Done) -> None:
        self.stand.kill(fault.victim)
        self.well(done)
        self.stand.revive(fault.victim)

    def kill_both(self, fault: Fault, done: Done) -> None:
        names = [f"{fault.victim}-{side}" for side in SIDES]
        self.stand.kill(*names)
        self.well(done)
        self.stand.revive(*names)

    def terminate(self, fault: Fault, done: Done) -> None:
        self.stand.signal(fault.victim, signal.SIGTERM)
        self.well(done)
        self.until(lambda: self.stand.process(fault.victim) is None, 30)
        self.stand.revive(fault.victim)

    def crash_at_a_point(self, fault: Fault, done: Done) -> None:
        if self.met(fault, done, "kill", lambda: self.stand.process(fault.victim) is None):
            self.well(done)
            self.stand.revive(fault.victim)

    def freeze(self, fault: Fault, done: Done) -> None:
        self.stand.signal(fault.victim, signal.SIGSTOP)
        self.well(done)
        self.thaw(fault)

    def freeze_before_commit(self, fault: Fault, done: Done) -> None:
        if self.met(fault, done, "freeze", lambda: self.stand.frozen(fault.victim)):
            self.well(done)
            self.thaw(fault)

    freeze_between_commit_and_publish = freeze_before_commit

    def thaw(self, fault: Fault) -> None:
        """Not before others have its tasks: where they get them late, it would wake as their owner."""
        service = fault.victim.rpartition("-")[0]
        before = self.progress.versions(service)

        def taken() -> bool:
            now = self.progress.versions(service)
            return bool(now) and all(version > before.get(task, 0) for task, version in now.items())

        time.sleep(fault.seconds)
        self.until(taken, TAKEN)
        self.stand.signal(fault.victim, signal.SIGCONT)

    def wrong_clock(self, fault: Fault, done: Done) -> None:
        self.stand.skewed[fault.victim] = fault.change
        self.well(done)
        self.stand.revive(fault.victim)
        time.sleep(fault.seconds + 3)
        del self.stand.skewed[fault.victim]
        self.stand.revive(fault.victim)

    def met(self, fault: Fault, done: Done, deed: str, happened: Callable[[], bool]) -> bool:
        self.stand.order(fault.victim, deed, fault.point)
        if self.until(happened, MET):
            return True
        if self.stand.forget(fault.victim):
            done.remark = "it did not come to that point"
            return False
        return self.until(happened, MET)  # it is on its way

    # What they stand on: well again is counted from its return, but where others stand in

    def kill_broker(self, fault: Fault, done: Done) -> None:
        alone = len([n for n in self.stand.names(ground=True) if is_broker(n)]) == 1
        self.stand.kill(fault.victim)
        if not alone:
            self.well(done)
        time.sleep(fault.seconds if alone else fault.seconds * 2)
        self.stand.revive(fault.victim)
        if alone:
            self.until(lambda: kafka.answers(self.stand.read().ports["kafka"]), WHOLE)
            self.well(done)
        elif not self.until(self.in_sync, WHOLE):
            done.remark = f"a copy is behind {WHOLE:g} s after"

    def in_sync(self) -> bool:
        """Whether every record is on all brokers that should have it, so that the next one may go."""
        admin: AdminClient = self.progress.admin
        partitions = [p for t in admin.list_topics(timeout=LIMIT).topics.values() for p in t.partitions.values()]
        return all(len(p.isrs) == len(p.replicas) for p in partitions)

    def restart_postgres(self, fault: Fault, done: Done) -> None:
        self.stand.signal("postgres", signal.SIGQUIT)
        self.until(lambda: self.stand.process("postgres") is None, 20)
        time.sleep(fault.seconds)
        self.postgres_again(done)

    def postgres_again(self, done: Done) -> None:
        self.stand.revive("postgres")
        book = self.stand.read()
        self.until(lambda: postgres.answers(book.ports["postgres"], book.password), WHOLE)
        self.well(done)

    def end_backends(self, fault: Fault, done: Done) -> None:
        async def end() -> None:
            connection = await asyncpg.connect(self.progress.dsn, timeout=LIMIT)
            await connection.execute(END_BACKENDS)
            await connection.close()

        try:
            asyncio.run(end())
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            done.remark = f"could not: {type(error).__name__}"
        else:
            self.well(done)

    def fill_disk(self, fault: Fault, done: Done) -> None:
        if self.disk is None:
            done.remark = "no disk may be mounted here"
            return
        ballast = self.disk / "ballast"
        try:
            with ballast.open("wb", buffering=0) as file:
                deadline = time.monotonic() + fault.seconds + 2
                while time.monotonic() < deadline:
                    try:
                        file.write(bytes(BALLAST))
                    except OSError:
                        time.sleep(0.05)  # what is freed meanwhile is taken too
        finally:
            ballast.unlink()
        self.until(lambda: self.stand.process("postgres") is None, 1)  # it gives up when it cannot write its log
        self.postgres_again(done)

    # The doors: well again is counted from when they are plain

    def cut_kafka(self, fault: Fault, done: Done) -> None:
        self.doors(fault, done, cut=True)

    def delay_kafka(self, fault: Fault, done: Done) -> None:
        self.doors(fault, done, delay=fault.seconds / 10)

    def swallow_kafka(self, fault: Fault, done: Done) -> None:
        self.doors(fault, done, swallow=True)

    cut_postgres, delay_postgres, swallow_postgres = cut_kafka, delay_kafka, swallow_kafka

    def doors(self, fault: Fault, done: Done, **how: float) -> None:
        where = fault.kind.partition(" ")[2]

        def wanted(name: str) -> bool:
            return name.startswith(where) and name.endswith(fault.victim)

        self.stand.wire.set(wanted, **how)
        time.sleep(fault.seconds)
        self.stand.wire.set(wanted)
        self.well(done)

    def until(self, happened: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not happened():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL / 5)
        return True
