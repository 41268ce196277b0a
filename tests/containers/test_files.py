"""What the containers are told, without an engine: docker-compose.yml by Compose itself, and that its parts fit."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.containers.env import drawn
from deploy.local import kafka, monitoring
from deploy.local.settings import ROOT
from shared.events.topics import SERVICES
from shared.runtime.core import CACHE
from shared.settings import PREFIX, Settings
from shared.version import VERSION
from tests.containers.compose import FILE, SECRETS, compose
from tests.containers.debian import mirror

STANDINS = ROOT / "tests" / "containers" / "standins" / "compose.yml"
MINIMUM = {"kafka", "postgres", "migrations", "topics", *SERVICES}
MONITORING = {"kafka-agent", "postgres-exporter", "prometheus", "alertmanager", "grafana"}
ONCE = {"migrations", "topics", "kafka-agent", "console"}
PROMETHEUS = ROOT / "deploy" / "prometheus"
IN_MEMORY, IDLE = 5, 110_000_000
"""Bytes in memory of one of JSON in a cache, as measured; bytes of a service that remembers nothing yet."""
OF_THE_CONSOLE = {"TRAPPETRIN_URLS", "TRAPPETRIN_OPERATOR"}


def configured(*profiles: str) -> Any:
    """The file as Compose understands it, with these profiles."""
    words = [word for profile in profiles for word in ("--profile", profile)]
    return json.loads(compose(*words, "config", "--format", "json"))


@pytest.fixture(scope="module")
def whole() -> Any:
    return configured("monitoring", "console")["services"]


def mounts(service: Any) -> dict[str, Path]:
    """The repository's files in it, by where they are there."""
    return {v["target"]: Path(v["source"]) for v in service["volumes"] if v["type"] == "bind"}


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def test_the_profiles_hold_what_they_say(whole: Any) -> None:
    assert configured()["services"].keys() == MINIMUM
    assert configured("minimum")["services"].keys() == MINIMUM
    assert configured("monitoring")["services"].keys() == MINIMUM | MONITORING
    assert whole.keys() == MINIMUM | MONITORING | {"console"}


def test_without_a_password_nothing_starts() -> None:
    for name in SECRETS:
        with pytest.raises(AssertionError, match=f"{name} is missing a value: is not set; make .env"):
            compose("config", "--quiet", env={n: v for n, v in SECRETS.items() if n != name})


def test_the_example_asks_for_the_passwords_and_make_draws_them() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    first, second = (
        {n: v for n, _, v in (line.partition("=") for line in drawn(example).splitlines()) if v} for _ in "12"
    )

    assert re.findall(r"^(\w+)=$", example, re.MULTILINE) == list(SECRETS)
    assert {n for n in first if first[n] != second[n]} == {*SECRETS}
    assert all(re.fullmatch(r"[\w-]{32}", first[n]) for n in SECRETS)
    assert first["COMPOSE_PROFILES"] == "monitoring"


def test_the_example_names_all_that_can_be_told() -> None:
    asked = set(re.findall(r"\$\{(\w+)", FILE.read_text(encoding="utf-8")))
    example = (ROOT / ".env.example").read_text(encoding="utf-8")

    assert asked ^ set(re.findall(r"^(?:# )?(\w+)=", example, re.MULTILINE)) == {
        "COMPOSE_PROFILES",  # Compose's own
        "TRAPPETRIN_REVISION",  # told when an image is built
    }


def test_a_service_has_room_for_all_that_it_may_remember(whole: Any) -> None:
    bounds = {int(whole[name]["deploy"]["resources"]["limits"]["memory"]) for name in SERVICES}

    assert min(bounds) > 2 * CACHE * IN_MEMORY + IDLE  # what is kept, and as much for a portion of a batch


def test_every_container_is_bounded_and_told_to_come_back(whole: Any) -> None:
    def lacks(name: str, service: Any) -> list[str]:
        limits, once = service["deploy"]["resources"]["limits"], name in ONCE
        has = {
            "limits": limits.keys() == {"cpus", "memory", "pids"},
            "restart": service["restart"] == ("no" if once else "unless-stopped"),
            "healthcheck": once or "test" in service["healthcheck"],
            "privileges": service["security_opt"] == ["no-new-privileges:true"],
            "logs": service["logging"]["options"].keys() == {"max-size", "max-file"},
            "version": re.fullmatch(r"[\w./-]+:[\w.-]*\d[\w.-]*", service["image"]) is not None,
            "loopback": all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", ())),
        }
        return [what for what, there in has.items() if not there]

    assert {name: lack for name, service in whole.items() if (lack := lacks(name, service))} == {}


def test_the_services_are_told_only_settings_that_there_are(whole: Any) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    known |= set(re.findall(r"`(OTEL_\w+)`", (ROOT / "docs/configuration.md").read_text()))
    given = {name: set(whole[name]["environment"]) for name in (*SERVICES, "migrations", "topics", "console")}

    assert {name: its - known - (OF_THE_CONSOLE if name == "console" else set()) for name, its in given.items()} == {
        name: set() for name in given
    }
    assert len({whole[name]["environment"]["TRAPPETRIN_INSTANCE"] for name in SERVICES}) == len(SERVICES)


def test_versions_are_those_that_the_local_stack_runs(whole: Any) -> None:
    dockerfile, agent = (ROOT / "Dockerfile").read_text(), (ROOT / "deploy/containers/agent.Dockerfile").read_text()

    assert {whole[name]["image"] for name in (*SERVICES, "migrations", "topics", "console")} == {
        f"trappetrin:{VERSION}"
    }
    assert f"ARG VERSION={VERSION}\n" in dockerfile
    assert set(re.findall(r"postgresql\D*(\d+)", dockerfile)) == {re.findall(r"\d+", whole["postgres"]["image"])[0]}
    assert whole["kafka"]["image"] == f"apache/kafka:{kafka.VERSION}"
    assert f"ARG AGENT={monitoring.AGENT}\nARG SUM={monitoring.AGENT_SUM}\n" in agent


def test_an_image_of_ours_is_built_once(whole: Any) -> None:
    ours = {name: service["image"] for name, service in whole.items() if service["image"].startswith("trappetrin")}

    assert {ours[name] for name in ours if "build" in whole[name]} == set(ours.values())
    assert {name for name in ours if "build" in whole[name]} == {"migrations", "kafka-agent"}


def test_what_is_mounted_is_there(whole: Any) -> None:
    sources = {source for service in whole.values() if "volumes" in service for source in mounts(service).values()}

    assert len(sources) == 5
    assert [source for source in sources if not source.exists()] == []


def test_prometheus_finds_its_configuration_and_its_targets(whole: Any) -> None:
    monitoring.ensure_programs(install=True, say=lambda _line: None)
    [folder] = mounts(whole["prometheus"]).values()
    targets = [(f.stem, t) for f in (PROMETHEUS / "targets").glob("*.yml") for t in read(f)]
    places = {name: [place for n, t in targets if n == name for place in t["targets"]] for name, _ in targets}
    checked = subprocess.run(
        [monitoring.program("promtool"), "check", "config", folder / "prometheus.yml"],
        check=False,
        capture_output=True,
        text=True,
    )

    assert folder == PROMETHEUS
    assert "--config.file=/etc/prometheus/prometheus.yml" in whole["prometheus"]["command"]
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert places == {
        "trappetrin": [f"{name}:8000" for name in SERVICES],
        "kafka": ["kafka:7071"],
        "postgres": ["postgres-exporter:9187"],
        "alertmanager": ["alertmanager:9093"],
    }
    assert [t["labels"]["service"] for n, t in targets if n == "trappetrin"] == list(SERVICES)
    assert "=7071:/etc/kafka-jmx.yml" in whole["kafka"]["command"][-1]
    assert mounts(whole["kafka"]) == {"/etc/kafka-jmx.yml": PROMETHEUS / "kafka-jmx.yml"}
    assert mounts(whole["alertmanager"]) == {"/etc/alertmanager/alertmanager.yml": PROMETHEUS / "alertmanager.yml"}


def test_grafana_is_given_a_source_and_dashboards_that_there_are(whole: Any) -> None:
    """As far as it can be seen without a Grafana: its files, the keys that it reads, and the paths between them."""
    there = mounts(whole["grafana"])
    [source] = read(there["/etc/grafana/provisioning"] / "datasources" / "prometheus.yml")["datasources"]
    [provider] = read(there["/etc/grafana/provisioning"] / "dashboards" / "trappetrin.yml")["providers"]
    boards = [json.loads(f.read_text()) for f in sorted(there[provider["options"]["path"]].glob("*.json"))]
    variables = {v["name"]: v for board in boards for v in board["templating"]["list"] if v["type"] == "datasource"}

    assert sorted(p.parent.name for p in there["/etc/grafana/provisioning"].glob("*/*.yml")) == [
        "dashboards",
        "datasources",
    ]
    assert (source["type"], source["url"], source["isDefault"]) == ("prometheus", "http://prometheus:9090", True)
    assert provider.get("type", "file") == "file"
    assert len(boards) == len({b["uid"] for b in boards}) == len({b["title"] for b in boards}) == 3
    assert {v["query"] for v in variables.values()} == {source["type"]}
    assert {v["name"] for v in variables.values()} == {"datasource"}


def test_the_standins_stand_in_for_images_that_are_named(whole: Any) -> None:
    standins = read_merging(STANDINS)
    ours = {name for name, service in whole.items() if service["image"].startswith("trappetrin")}
    bases = {service["image"] for service in standins.values() if "image" in service}
    froms = {
        f
        for d in (ROOT / "Dockerfile", ROOT / "deploy/containers/agent.Dockerfile")
        for f in re.findall(r"^FROM (\S+)", d.read_text(), re.MULTILINE)
    }

    assert {name for name, s in standins.items() if "image" not in s} == whole.keys() - ours
    assert froms <= bases | {"debian:bookworm-slim"}


def read_merging(file: Path) -> Any:
    """Compose's own tag says how lists are merged, and nothing else reads it."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!override", lambda loader, node: loader.construct_sequence(node))
    return yaml.load(file.read_text(encoding="utf-8"), Loader)["services"]  # noqa: S506 - a safe loader with one tag more


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.list", "# deb none\ndeb [arch=amd64] http://one.example/debian bookworm main\n"),
        ("sources.list.d/debian.sources", "Types: deb\nURIs: http://one.example/debian\nSuites: bookworm\n"),
    ],
)
def test_the_mirror_is_the_machines_own(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "another.list").write_text("deb http://another.example/apt main\n")
    (tmp_path / "sources.list.d" / "security.list").write_text("deb http://one.example/debian-security stable main\n")
    (tmp_path / name).write_text(text)

    assert mirror(tmp_path) == "http://one.example/debian"
