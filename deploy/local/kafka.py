"""Apache Kafka from Maven jars: processes that are broker and controller (KRaft), small and quick to start.

One is the rule. Of three each record is on all and acknowledged by two, so that one may be away.
"""

import base64
import fcntl
import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.local.needs import Say, java
from deploy.local.processes import Spec, spawn, stop
from deploy.local.settings import STOP, free_port

VERSION = "4.3.1"
HERE = Path(__file__).parent
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
SILENT = logging.Logger("kafka", logging.CRITICAL)  # noqa: LOG001 - of no tree: that the broker is not up yet is no news
JVM = ("-Xmx1g", "-XX:+ExitOnOutOfMemoryError", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=WARN")


@dataclass(frozen=True, slots=True)
class Node:
    """One process of a cluster. `controllers`: the controller's port of every node, by its number; `listeners`: more
    places to listen at, each with the port that its clients are told instead (that of what stands in between).
    """

    home: Path
    port: int
    controllers: Mapping[int, int]
    number: int = 1
    listeners: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return named(self.number)

    @property
    def data(self) -> Path:
        return self.home / "data"


def named(number: int, what: str = "kafka") -> str:
    """The first one, which is mostly the only one, has no number."""
    return what if number == 1 else f"{what}-{number}"


def sums() -> dict[str, str]:
    """SHA-256 by name of jar."""
    lines = (HERE / "SHA256SUMS").read_text().splitlines()
    return {name: total for total, name in (line.split() for line in lines)}


def jars(cache: Path) -> Path:
    return cache / f"kafka-{VERSION}"


def verified(folder: Path) -> bool:
    """Whether exactly the known jars are there, to the byte. Raises `ValueError` that names the one that differs."""
    known = sums()
    if not folder.is_dir():
        return False
    for name, total in known.items():
        if not (folder / name).is_file():
            return False
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != total:
            raise ValueError(f"{folder / name} has another SHA-256 sum than {HERE.name}/SHA256SUMS says: remove it")
    if extra := {p.name for p in folder.glob("*.jar")} - known.keys():
        raise ValueError(f"{folder} holds jars that are not listed: {', '.join(sorted(extra))}")
    return True


def install(cache: Path, say: Say) -> None:
    """Jars and class archive into the cache, once, whoever comes first."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not verified(jars(cache)):
            say(f"fetching Apache Kafka {VERSION}")
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                fetched = Path(folder) / "jars"
                command = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), COPY, "-DincludeScope=runtime"]
                env = {**os.environ, "JAVA_HOME": str(Path(runtime()).resolve().parents[1])}
                subprocess.run([*command, f"-DoutputDirectory={fetched}"], check=True, env=env)  # noqa: S603 - as above
                verified(fetched)
                shutil.rmtree(jars(cache), ignore_errors=True)
                fetched.rename(jars(cache))
        if not archive(cache).exists():
            say("preparing Apache Kafka to start quickly")
            train(cache)


def archive(cache: Path) -> Path:
    """The class-data archive of these jars and this Java: a start takes a second instead of three."""
    return cache / f"kafka-{VERSION}-{hashlib.sha256(runtime().encode()).hexdigest()[:8]}.jsa"


def train(cache: Path) -> None:
    """Start a broker once and write down which classes it loads."""
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        home = Path(folder)
        node = Node(home, free_port(), {1: free_port()})
        format_storage(cache, node)
        made = home / "classes.jsa"
        spec = broker(cache, node, home / "log", extra=(f"-XX:ArchiveClassesAtExit={made}",))
        process = spawn(spec)
        deadline = time.monotonic() + 60
        while process.alive and not answers(node.port) and time.monotonic() < deadline:
            time.sleep(0.1)
        stop([process], STOP, 60)
        made.touch()  # empty where this Java cannot make one: then nobody tries again
        made.rename(archive(cache))


def format_storage(cache: Path, node: Node, cluster: str | None = None) -> None:
    """Configuration, and the storage's identity where it has none yet: a new one unless the cluster's is given."""
    node.home.mkdir(parents=True, exist_ok=True)
    copies = min(3, len(node.controllers))
    least = max(1, copies - 1)
    listeners = {"PLAINTEXT": (node.port, node.port), **node.listeners}
    controller = node.controllers[node.number]
    settings = {
        "process.roles": "broker,controller",
        "node.id": str(node.number),
        "controller.quorum.voters": ",".join(f"{n}@127.0.0.1:{port}" for n, port in node.controllers.items()),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listeners": ",".join(
            f"{name}://127.0.0.1:{port}"
            for name, port in [*((n, bound) for n, (bound, _) in listeners.items()), ("CONTROLLER", controller)]
        ),
        "advertised.listeners": ",".join(f"{name}://127.0.0.1:{told}" for name, (_, told) in listeners.items()),
        "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in (*listeners, "CONTROLLER")),
        "log.dirs": str(node.data),
        "auto.create.topics.enable": "false",
        "default.replication.factor": str(copies),
        "min.insync.replicas": str(least),
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "500",
        "offsets.topic.replication.factor": str(copies),
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": str(copies),
        "transaction.state.log.min.isr": str(least),
        "transaction.state.log.num.partitions": "2",
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "replica.lag.time.max.ms": "3000",
        "controller.quorum.election.timeout.ms": "500",
        "controller.quorum.fetch.timeout.ms": "1000",
        "log.cleaner.threads": "1",
        "log.cleaner.dedupe.buffer.size": "1048577",
    }
    file = node.home / "server.properties"
    file.write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
    if cluster_of(node) is None:
        named = f"--cluster-id={cluster or new_cluster()}"  # in one word: every 64th begins with a dash
        run_tool(cache, node.home, "kafka.tools.StorageTool", "format", named, "-c", str(file))


def new_cluster() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()


def cluster_of(node: Node) -> str | None:
    """The identity of the cluster that the node's storage belongs to; None where it has none yet."""
    try:
        lines = (node.data / "meta.properties").read_text().splitlines()
    except FileNotFoundError:
        return None
    return next((line.removeprefix("cluster.id=") for line in lines if line.startswith("cluster.id=")), None)


def run_tool(cache: Path, home: Path, *words: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own words
        [runtime(), *JVM, *shared_classes(cache), "-cp", f"{jars(cache)}/*", *words],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{words[0]} failed: {done.stdout[-500:]}{done.stderr[-500:]}")


def runtime() -> str:
    """The path of Java. Raises `FileNotFoundError`."""
    found = java()
    if found is None:
        raise FileNotFoundError("there is no Java")
    return found


def shared_classes(cache: Path) -> tuple[str, ...]:
    file = archive(cache)
    made = file.exists() and file.stat().st_size > 0
    return (f"-XX:SharedArchiveFile={file}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off") if made else ()


def broker(cache: Path, node: Node, log: Path, extra: tuple[str, ...] = ()) -> Spec:
    words = ("-cp", f"{jars(cache)}/*", "kafka.Kafka", str(node.home / "server.properties"))
    return Spec(
        node.name,
        [runtime(), *JVM, *(extra or shared_classes(cache)), *words],
        {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
        log,
        node.port,
    )


def answers(port: int, limit: float = 2.0) -> bool:
    """Whether a broker is there and tells its topics."""
    try:
        AdminClient({"bootstrap.servers": f"127.0.0.1:{port}"}, logger=SILENT).list_topics(timeout=limit)
    except KafkaException:
        return False
    return True
