"""Prometheus, Alertmanager and the exporters beside the stack: their programs, how each is started, what each is told.

The programs are Debian's. Its packages start servers when they are installed: those are stopped at once.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import yaml

from deploy.local.needs import Missing, Say, packages, stop_server
from deploy.local.processes import Spec
from deploy.local.settings import ROOT

PROMETHEUS, ALERTMANAGER, EXPORTER = "prometheus", "alertmanager", "postgres-exporter"
NAMES = (PROMETHEUS, ALERTMANAGER, EXPORTER)
PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
    "prometheus-postgres-exporter": "prometheus-postgres-exporter",
}
CONFIGURATION = ROOT / "deploy" / "prometheus"
AGENT, AGENT_SUM = "1.0.1", "7d61f737fd661610ccc14aea79764faa1ea94a340cbc8f0029b3d2edea3d80c1"
ENV = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}


def program(name: str) -> str:
    """Its path. Raises `Missing`."""
    if (found := shutil.which(name)) is None:
        raise Missing(f"apt-get install -y --no-install-recommends {PACKAGES[name]}")
    return found


def ensure_programs(*, install: bool, say: Say) -> None:
    """Raises `Missing` with the command, or installs what is missing."""
    if absent := sorted({package for name, package in PACKAGES.items() if shutil.which(name) is None}):
        packages(absent, install=install, say=say)
        for package in absent:
            stop_server(package)


def ensure_agent(cache: Path, *, install: bool, say: Say) -> None:
    """The broker's JMX agent, once. Raises `Missing`."""
    if agent(cache).exists():
        return
    if not shutil.which("mvn"):
        packages(["maven"], install=install, say=say)
    say("fetching the broker's JMX agent")
    fetch_agent(cache)


def agent(cache: Path) -> Path:
    return cache / f"jmx_prometheus_javaagent-{AGENT}.jar"


def fetch_agent(cache: Path) -> None:
    """By Maven, which knows where its own mirror is. Raises `ValueError` when it is another jar than the known one."""
    artifact = f"io.prometheus.jmx:jmx_prometheus_javaagent:{AGENT}"
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        copy = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
        subprocess.run(  # noqa: S603 - our own words
            ["mvn", "-q", "-B", copy, f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"],  # noqa: S607 - on the path
            check=True,
            cwd=folder,
        )
        [jar] = Path(folder).glob("*.jar")
        if hashlib.sha256(jar.read_bytes()).hexdigest() != AGENT_SUM:
            raise ValueError(f"{jar.name} has another SHA-256 sum than the one that is known")
        jar.rename(agent(cache))


def agent_option(cache: Path, port: int) -> str:
    """For the broker's command: tell Prometheus of yourself on this port."""
    return f"-javaagent:{agent(cache)}=127.0.0.1:{port}:{CONFIGURATION / 'kafka-jmx.yml'}"


def configure(home: Path, ports: Mapping[str, int], services: Mapping[str, Sequence[str]]) -> Path:
    """Rules and configuration as they are in the repository, with the targets of this stack; `services` by name the
    processes' names. Nothing is touched that is there already but targets, so that whoever wants may change the rest.
    """
    folder = home / "prometheus"
    for part in ("prometheus.yml", "alertmanager.yml", "rules"):
        copy(CONFIGURATION / part, folder / part)
    targets = folder / "targets"
    targets.mkdir(parents=True, exist_ok=True)
    processes = [
        {"targets": [f"127.0.0.1:{ports[name]}"], "labels": {"service": service, "instance": name}}
        for service, names in services.items()
        for name in names
    ]
    told = {"trappetrin": processes}
    for name, owner in (("kafka", "kafka-jmx"), ("postgres", EXPORTER), ("alertmanager", ALERTMANAGER)):
        told[name] = [{"targets": [f"127.0.0.1:{ports[owner]}"], "labels": {"instance": name}}]
    for name, found in told.items():
        (targets / f"{name}.yml").write_text(yaml.safe_dump(found))
    return folder


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir() and not target.exists():
        shutil.copytree(source, target)
    elif not target.exists():
        shutil.copyfile(source, target)


def specs(folder: Path, ports: Mapping[str, int], dsn: str, logs: Path) -> list[Spec]:
    """How the three are started; all listen on loopback only."""
    prometheus, alertmanager, exporter = (ports[name] for name in NAMES)
    address = urllib.parse.urlsplit(dsn)
    session = f"sslmode=disable&application_name={EXPORTER}"
    return [
        Spec(
            PROMETHEUS,
            [
                program("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--storage.tsdb.retention.time=15d",
                f"--web.listen-address=127.0.0.1:{prometheus}",
                "--web.enable-lifecycle",
                "--log.level=warn",
            ],
            ENV,
            logs / f"{PROMETHEUS}.log",
            prometheus,
        ),
        Spec(
            ALERTMANAGER,
            [
                program("prometheus-alertmanager"),
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'alerts'}",
                f"--web.listen-address=127.0.0.1:{alertmanager}",
                "--cluster.listen-address=",
                "--log.level=warn",
            ],
            ENV,
            logs / f"{ALERTMANAGER}.log",
            alertmanager,
        ),
        Spec(
            EXPORTER,
            [
                program("prometheus-postgres-exporter"),
                f"--web.listen-address=127.0.0.1:{exporter}",
                "--disable-settings-metrics",
                "--log.level=warn",
            ],
            {
                **ENV,
                "DATA_SOURCE_URI": f"{address.hostname}:{address.port}{address.path}?{session}",
                "DATA_SOURCE_USER": address.username or "",
                "DATA_SOURCE_PASS": address.password or "",
            },
            logs / f"{EXPORTER}.log",
            exporter,
        ),
    ]


def answers(name: str, port: int) -> bool:
    path = "/metrics" if name == EXPORTER else "/-/ready"
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5).is_success
    except httpx.HTTPError:
        return False
