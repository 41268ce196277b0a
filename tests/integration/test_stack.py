"""The stack on one machine: starts what is missing, keeps its ports, harms nobody, leaves nothing in its own way."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import kafka, needs
from deploy.local.processes import Identity, Spec, identity, spawn, stop
from deploy.local.processes import send as signalled
from deploy.local.settings import cache
from deploy.local.stack import Stack


def pids(stack: Stack) -> dict[str, int]:
    return {p["name"]: p["pid"] for p in stack.status()["processes"]}


def quiet(_line: str) -> None:
    return


def test_status_tells_of_every_process(stack: Stack) -> None:
    told = stack.status()["processes"]

    assert {p["name"] for p in told} == {
        "kafka",
        "postgres",
        *(f"{service}-{n}" for service in ("ingest", "classifier", "quota", "matching") for n in (1, 2)),
    }
    assert all(p["healthy"] and p["version"] and p["pid"] and p["port"] for p in told)


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    before = stack.status()
    stack.up(say=quiet)

    assert stack.status() == before


@pytest.mark.parametrize("name", ["kafka", "postgres", "quota-2"])
def test_up_starts_only_what_was_killed_and_on_its_old_port(stack: Stack, name: str) -> None:
    before = {p["name"]: p for p in stack.status()["processes"]}
    process = stack.read().process(name)
    assert process is not None
    signalled(process, signal.SIGKILL)
    stack.up(say=quiet)
    after = {p["name"]: p for p in stack.status()["processes"]}

    assert [n for n in after if after[n]["pid"] != before[n]["pid"]] == [name]
    assert after[name]["port"] == before[name]["port"]
    assert after[name]["healthy"]


def test_fewer_replicas_are_stopped_more_are_started(stack: Stack) -> None:
    before = pids(stack)
    stack.up(1, say=quiet)
    fewer = pids(stack)
    stack.up(2, say=quiet)

    assert set(before) - set(fewer) == {"ingest-2", "classifier-2", "quota-2", "matching-2"}
    assert {n: before[n] for n in fewer} == fewer
    assert set(pids(stack)) == set(before)


def test_a_pid_that_somebody_else_has_now_is_never_signalled(stack: Stack, tmp_path: Path) -> None:
    stranger = spawn(Spec("stranger", ["/usr/bin/tail", "-f", "/dev/null"], {}, tmp_path / "log", 0))
    book = stack.read()
    pid, start, boot, spec = book.processes["quota-2"]
    taken = {**book.processes, "quota-2": (stranger.pid, start, boot, spec)}
    other = Stack(tmp_path)
    book.processes = taken
    other.write(book)
    with other.changing() as mine:
        other.end(mine, ["quota-2"])

    assert stranger.alive
    assert identity(pid) == Identity(pid, start, boot)

    stop([stranger], signal.SIGKILL, 1)

    assert not stranger.alive


def test_a_jar_of_other_content_is_not_run(tmp_path: Path) -> None:
    folder = kafka.jars(tmp_path)
    folder.mkdir()
    for jar in kafka.jars(cache()).glob("*.jar"):
        (folder / jar.name).symlink_to(jar)
    changed = folder / next(iter(kafka.sums()))
    changed.unlink()
    changed.write_bytes(b"something else")

    with pytest.raises(ValueError, match="another SHA-256 sum"):
        kafka.verified(folder)


def test_what_is_missing_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(needs.Missing, match=r"apt-get install -y .*default-jre-headless maven"):
        needs.ensure(jars_there=False, install=False, say=quiet)


def test_down_leaves_nothing_and_the_data_stays_until_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "services.cli.main"]
    env = {"TRAPPETRIN_HOME": str(tmp_path / "home"), "TRAPPETRIN_CACHE": str(cache()), "PATH": "/usr/bin:/bin"}

    def run(*words: str) -> str:
        return subprocess.run([*command, *words], env=env, check=True, capture_output=True, text=True).stdout

    run("up")
    first = json.loads(run("status", "--json"))["processes"]
    run("down")
    stopped = json.loads(run("status", "--json"))["processes"]
    run("up")
    again = json.loads(run("status", "--json"))["processes"]
    run("down", "--delete-data")

    assert len(first) == 6
    assert stopped == []
    assert [p["port"] for p in again] == [p["port"] for p in first]
    assert all(identity(p["pid"]) is None for p in (*first, *again))
    assert [p.name for p in (tmp_path / "home").iterdir()] == ["stack.lock"]
