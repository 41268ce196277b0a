"""`docker compose up` on a real engine, from the first start to the last volume: one run, in this order."""

import json
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from services.cli.demo import chapters
from services.cli.invented.story import DEAR, LAST_DAY
from services.cli.invented.telling import line
from shared.events.topics import SERVICES
from shared.version import VERSION
from tests.containers.composed import Composed, told
from tests.containers.engine import engine

pytestmark = pytest.mark.timeout(590)
MINIMUM = {"kafka", "postgres", "migrations", "topics", *SERVICES}
MONITORING = {"kafka-agent", "postgres-exporter", "prometheus", "alertmanager"}
CLOSED_ROOT = {*SERVICES, *MONITORING, "migrations", "topics"}


class Sent(NamedTuple):
    """The files that were published so far, and the last day that was closed."""

    files: list[Path]
    last: list[date]

    def expected(self) -> Any:
        return told(self.files, str(self.last[-1]))


@pytest.fixture(scope="module")
def composed() -> Iterator[Composed]:
    """An engine with all images, and nothing of an earlier run."""
    with engine().running() as running:
        running.build()
        project = Composed(running)
        project("down", "--volumes", "--remove-orphans")
        yield project
        project("down", "--volumes", "--remove-orphans")


@pytest.fixture(scope="module")
def sent() -> Sent:
    return Sent([], [])


def play(composed: Composed, sent: Sent, part: slice, folder: Path) -> None:
    """These chapters of the demo by the console outside: its events from a file, its closed day."""
    for number, (_, what) in list(enumerate(chapters()))[part]:
        if isinstance(what, date):
            composed.console("day", "close", str(what))
            sent.last.append(what)
        else:
            file = folder / f"{number}.ndjson"
            file.write_text("".join(f"{line(event)}\n" for event in what), encoding="utf-8")
            composed.console("publish", file)
            sent.files.append(file)
        composed.console("settle")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chapters")


def test_up_brings_everything_and_all_of_it_is_well(composed: Composed) -> None:
    composed("up", "--detach", "--no-build")
    composed.until_healthy()

    assert composed.health().keys() == MINIMUM | MONITORING
    assert composed.volumes() == {"kafka", "postgres", "agent", "prometheus", "alertmanager"}


def test_what_is_ours_runs_as_nobody_in_particular_and_can_write_nowhere(composed: Composed) -> None:
    containers = composed.inspected()
    ours = [containers[name] for name in (*SERVICES, "migrations", "topics")]

    assert {c["Config"]["User"] for c in ours} == {"10001:10001"}
    assert {name for name, c in containers.items() if c["HostConfig"]["ReadonlyRootfs"]} == CLOSED_ROOT
    assert {name for name, c in containers.items() if c["HostConfig"]["CapDrop"] == ["ALL"]} == CLOSED_ROOT
    assert [n for n, c in containers.items() if c["HostConfig"]["SecurityOpt"] != ["no-new-privileges:true"]] == []
    assert [n for n, c in containers.items() if not (c["HostConfig"]["Memory"] and c["HostConfig"]["NanoCpus"])] == []
    assert "Read-only file system" in inside(composed, "quota", "touch /opt/trappetrin/mine || true")
    assert inside(composed, "quota", "id -u; grep CapEff /proc/self/status").split() == ["10001", "CapEff:", "0" * 16]


def test_the_image_holds_nothing_that_builds_and_says_what_it_is(composed: Composed) -> None:
    tools = (
        "for t in pip pip3 gcc cc make git curl wget; do command -v $t; done; python -c 'import pip' 2>&1 | tail -n 1"
    )
    [image] = json.loads(composed.engine.docker("image", "inspect", f"trappetrin:{VERSION}"))
    labels = {name.removeprefix("org.opencontainers.image."): text for name, text in image["Config"]["Labels"].items()}

    assert inside(composed, "quota", tools) == "ModuleNotFoundError: No module named 'pip'\n"
    assert labels.keys() >= {"title", "description", "version", "revision", "documentation", "base.name"}
    assert labels["version"] == VERSION
    assert image["Config"]["Healthcheck"]["Test"][-1] == "/live"


def test_the_demos_scenario_goes_through_from_outside(composed: Composed, sent: Sent, folder: Path) -> None:
    play(composed, sent, slice(-1), folder)

    assert sent.last == [LAST_DAY]
    assert composed.state() == sent.expected()
    assert "Huslejen er 4.690 kr." in " ".join(composed.console("explain", DEAR).split())


def test_the_console_in_a_container_says_the_same(composed: Composed) -> None:
    inner = json.loads(composed("run", "--rm", "--no-TTY", "console", "state", "--json"))

    assert {**inner, "refused": None} == composed.state()
    assert " rows of " in composed("run", "--rm", "--no-TTY", "console", "backup", "/tmp/now")  # noqa: S108 - in there


def test_prometheus_sees_all_of_them_with_the_rules_of_the_repository(composed: Composed) -> None:
    def up() -> dict[str, str]:
        """By target, or by service where one job has several."""
        found = composed.prometheus("targets")["activeTargets"]
        return {t["labels"].get("service", t["labels"]["job"]): t["health"] for t in found}

    composed.until(lambda: set(up().values()) == {"up"}, up)

    groups = composed.prometheus("rules")["groups"]
    managers = composed.prometheus("alertmanagers")["activeAlertmanagers"]

    assert up().keys() == {*SERVICES, "kafka", "postgres"}
    assert {Path(group["file"]).name for group in groups} == {"alerts.yml", "recording.yml"}
    assert [rule["name"] for group in groups for rule in group["rules"] if rule["health"] == "err"] == []
    assert [manager["url"] for manager in managers] == ["http://alertmanager:9093/api/v2/alerts"]
    with urllib.request.urlopen(f"http://127.0.0.1:{composed.ports['ALERTMANAGER']}/-/ready", timeout=10) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("services", [("quota",), ("ingest", "classifier", "matching"), ("kafka",), ("postgres",)])
def test_a_killed_container_comes_back_with_its_state(
    composed: Composed, sent: Sent, services: tuple[str, ...]
) -> None:
    before = composed.inspected()
    composed.crash(*services)
    composed.until(lambda: all(composed.inspected()[s]["RestartCount"] == 1 for s in services), composed.health)
    composed.until_healthy()

    after = composed.inspected()

    assert [s for s in services if after[s]["State"]["Pid"] == before[s]["State"]["Pid"]] == []
    assert composed.state() == sent.expected()


def test_what_comes_after_the_kills_has_its_effect(composed: Composed, sent: Sent, folder: Path) -> None:
    before = composed.state()
    play(composed, sent, slice(-1, None), folder)

    assert composed.state() == sent.expected() != before


def test_who_is_asked_to_end_ends_well(composed: Composed) -> None:
    composed("stop", *SERVICES)

    assert {name: composed.health()[name] for name in SERVICES} == dict.fromkeys(SERVICES, "exited 0")


def test_down_keeps_the_data(composed: Composed, sent: Sent) -> None:
    kept = composed.volumes()
    composed("down")

    assert (composed.inspected(), composed.volumes()) == ({}, kept)

    composed("up", "--detach", "--no-build", profile="minimum")
    composed.until_healthy()

    assert composed.health().keys() == MINIMUM
    assert composed.state() == sent.expected()


def test_down_with_volumes_drops_it(composed: Composed) -> None:
    composed("down", "--volumes")

    assert (composed.inspected(), composed.volumes()) == ({}, set())

    composed("up", "--detach", "--no-build", profile="minimum")
    composed.until_healthy()

    assert composed.state() == {"afdelinger": {}, "areas": {}, "decisions": {}, "refused": None}


def inside(composed: Composed, service: str, script: str) -> str:
    """What it prints, on either of its outputs."""
    return composed("exec", "--no-TTY", service, "sh", "-c", f"({script}) 2>&1")
