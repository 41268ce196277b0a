"""Apache Kafka from Maven jars: one process that is broker and controller (KRaft), small and quick to start."""

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
JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=WARN")


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
        home, port = Path(folder), free_port()
        format_storage(cache, home, port, free_port())
        made = home / "classes.jsa"
        spec = broker(cache, home, port, home / "log", extra=(f"-XX:ArchiveClassesAtExit={made}",))
        process = spawn(spec)
        deadline = time.monotonic() + 60
        while process.alive and not answers(port) and time.monotonic() < deadline:
            time.sleep(0.1)
        stop([process], STOP, 60)
        made.touch()  # empty where this Java cannot make one: then nobody tries again
        made.rename(archive(cache))


def format_storage(cache: Path, home: Path, port: int, controller: int) -> None:
    """Configuration, and the storage's identity where it has none yet."""
    home.mkdir(parents=True, exist_ok=True)
    data = home / "data"
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "500",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "2",
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "log.cleaner.threads": "1",
        "log.cleaner.dedupe.buffer.size": "1048577",
    }
    (home / "server.properties").write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
    if not (data / "meta.properties").exists():
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        named = f"--cluster-id={cluster}"  # in one word: every 64th begins with a dash
        run_tool(cache, home, "kafka.tools.StorageTool", "format", named, "-c", str(home / "server.properties"))


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


def broker(cache: Path, home: Path, port: int, log: Path, extra: tuple[str, ...] = ()) -> Spec:
    words = ("-cp", f"{jars(cache)}/*", "kafka.Kafka", str(home / "server.properties"))
    return Spec(
        "kafka",
        [runtime(), *JVM, *(extra or shared_classes(cache)), *words],
        {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
        log,
        port,
    )


def answers(port: int, limit: float = 2.0) -> bool:
    """Whether a broker is there and tells its topics."""
    try:
        AdminClient({"bootstrap.servers": f"127.0.0.1:{port}"}, logger=SILENT).list_topics(timeout=limit)
    except KafkaException:
        return False
    return True
