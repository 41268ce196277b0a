"""What a run notices of processes that end by themselves, and of faults that are never seen to be well again."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.processes import Spec, spawn, stop
from deploy.local.settings import free_port
from tests.chaos.nemesis import Done, Nemesis
from tests.chaos.progress import Place, Progress
from tests.chaos.run import failed
from tests.chaos.schedule import Fault
from tests.chaos.stand import Stand

FAULT = Fault("end backends", "postgres", 0.1, 0.1, at_once=False)


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    """One process by the name of a service, and nothing that it stands on."""
    stand = Stand(tmp_path)
    spec = Spec("quota-1", ["/bin/sleep", "60"], {}, tmp_path / "quota-1.log", 1)
    with stand.changing() as book:
        book.processes["quota-1"] = (*spawn(spec), spec.fingerprint())
    yield stand
    stand.kill("quota-1")
    stand.wire.close()


def nemesis(stand: Stand) -> Nemesis:
    nowhere = f"127.0.0.1:{free_port()}"
    return Nemesis(stand, Progress([nowhere], f"postgresql://{nowhere}/none"), None, 1.0, lambda _line: None)


def test_nobody_who_runs_is_said_to_have_ended(stand: Stand) -> None:
    one = nemesis(stand)
    one.one(FAULT)

    assert one.ended == {}


def test_who_ended_by_himself_before_a_fault_is_noted(stand: Stand) -> None:
    one, process = nemesis(stand), stand.process("quota-1")
    assert process
    stop([process], signal.SIGKILL, 5)
    one.one(FAULT)
    one.one(FAULT)

    assert {name: words.partition(" 0 s")[0] for name, words in one.ended.items()} == {
        "quota-1": "quota-1 had ended by itself"
    }


class Odd(Progress):
    def ends(self) -> dict[Place, int]:
        raise ValueError("nobody expected this")


def test_a_watch_that_ends_by_an_error_is_told(stand: Stand) -> None:
    done = Done(FAULT, 0.0)
    one = nemesis(stand)
    one.progress = Odd([], "")
    one.well(done)
    assert done.watch
    done.watch.join()

    assert done.remark == "could not be watched: ValueError: nobody expected this"
    assert done.unfinished


def test_a_fault_that_nobody_watched_is_not_unfinished() -> None:
    assert not Done(FAULT, 0.0).unfinished


ENDS = "from shared.logging import configure; configure('INFO', service='quota'); {}"


@pytest.mark.parametrize(("ending", "told"), [("raise ValueError", ["ValueError"]), ("raise SystemExit", [])])
def test_who_logged_that_it_ended_by_an_error_is_named(stand: Stand, ending: str, told: list[str]) -> None:
    with (stand.logs / "quota-2.log").open("w") as log:
        subprocess.run([sys.executable, "-c", ENDS.format(ending)], stdout=log, check=False)
    found = failed(stand)

    assert [line.partition(":")[0] for line in found] == ["quota-2"] * len(told)
    assert all(what in line for what, line in zip(told, found, strict=True))
