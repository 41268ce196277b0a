"""The stack of one folder: `up` starts what is missing, `down` stops what was started here, `status` tells.

What was started is written down in `stack.json` before anything else happens; ports, the cluster and the password stay
the same from one `up` to the next. A lock lets only one command change it at a time.
"""

import fcntl
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from deploy.local import kafka, monitoring, needs, postgres
from deploy.local.needs import Say
from deploy.local.processes import Identity, Spec, spawn, stop, tail
from deploy.local.settings import STOP, cache, free_port, home, is_free
from shared.database.migrations import migrate
from shared.events.topics import SERVICES
from shared.runtime.admin import ensure_internal_topics

READY, POLL, GRACE = 90.0, 0.05, 20.0


class Broken(Exception):
    """A process did not come up; the message has the end of its log."""


@dataclass(slots=True)
class Book:
    """What `stack.json` holds. `processes`: name to pid, start, boot and fingerprint of what was started."""

    password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    replicas: int = 1
    brokers: int = 1
    monitored: bool = False
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, tuple[int, str, str, str]] = field(default_factory=dict)

    def process(self, name: str) -> Identity | None:
        """The process of that name, if it is the one that was started and still alive."""
        known = self.processes.get(name)
        found = Identity(*known[:3]) if known else None
        return found if found and found.alive else None


class Stack:
    """`folder` holds all of it but what is fetched once (`deploy.local.settings.cache`)."""

    def __init__(self, folder: Path | None = None) -> None:
        self.home = folder or home()
        self.file, self.logs = self.home / "stack.json", self.home / "logs"

    # What the others ask

    @property
    def kafka_servers(self) -> list[str]:
        """Of the brokers that live."""
        book = self.read()
        return [f"127.0.0.1:{book.ports[n]}" for n in sorted(book.processes) if is_broker(n) and book.process(n)]

    @property
    def dsn(self) -> str | None:
        """None when no database was ever started here."""
        book = self.read()
        port = book.ports.get("postgres")
        return postgres.dsn(port, book.password) if port else None

    def service_urls(self, service: str) -> list[str]:
        """Of the replicas that live."""
        book = self.read()
        names = [n for n in book.processes if n.rpartition("-")[0] == service and book.process(n)]
        return [f"http://127.0.0.1:{book.ports[n]}" for n in sorted(names)]

    def status(self) -> dict[str, Any]:
        """`{"processes": [{"name", "pid", "port", "healthy", "version"}, …]}`: all that should run.

        Where it does not, its pid is null.
        """
        book = self.read()
        return {"processes": [self.told(book, name) for name in sorted(book.processes)]}

    def told(self, book: Book, name: str) -> dict[str, Any]:
        process, port = book.process(name), book.ports[name]
        healthy, version = False, None
        if is_broker(name):
            healthy, version = bool(process) and kafka.answers(port), kafka.VERSION
        elif name == "postgres":
            healthy, version = bool(process) and postgres.answers(port, book.password), postgres.version()
        elif name in monitoring.NAMES:
            healthy = bool(process) and monitoring.answers(name, port)
        elif process:
            healthy, version = asked(port)
        return {
            "name": name,
            "pid": process.pid if process else None,
            "port": port,
            "healthy": healthy,
            "version": version,
        }

    # What changes it

    def up(
        self,
        replicas: int | None = None,
        brokers: int | None = None,
        *,
        monitored: bool | None = None,
        install: bool = False,
        say: Say = print,
    ) -> None:
        """Start what is missing, so many replicas of every service (as before when None), `monitored` with Prometheus
        beside them (as before when None), and wait until all is ready.

        Raises `needs.Missing`, `Broken`.
        """
        needs.ensure(jars_there=kafka.verified(kafka.jars(cache())), install=install, say=say)
        kafka.install(cache(), say)
        with self.changing() as book:
            if brokers not in (None, book.brokers) and (self.home / "kafka").exists():
                raise Broken(
                    f"the cluster has {book.brokers} brokers: `down --delete-data` before it can have {brokers}"
                )
            book.replicas, book.brokers = replicas or book.replicas, brokers or book.brokers
            book.monitored = book.monitored if monitored is None else monitored
            if book.monitored:
                monitoring.ensure_programs(install=install, say=say)
                monitoring.ensure_agent(cache(), install=install, say=say)
            wanted = [f"{service}-{n + 1}" for service in SERVICES for n in range(book.replicas)]
            beside = monitoring.NAMES if book.monitored else ()
            self.end(book, [n for n in book.processes if n not in (*wanted, *beside) and not is_ground(n)])
            for name in ("postgres", *wanted, *beside, *(("kafka-jmx",) if beside else ())):
                self.give_port(book, name)
            postgres.initialise(self.home, book.password)
            nodes = self.nodes(book)
            cluster = next(filter(None, map(kafka.cluster_of, nodes)), None) or kafka.new_cluster()
            for node in nodes:
                kafka.format_storage(cache(), node, cluster)
            database, *cluster_specs = self.ground(book)
            if book.monitored:
                cluster_specs[0] = self.watched(book, cluster_specs[0])
            self.start(book, [database, *cluster_specs], say)
            self.wait(book, database, lambda: postgres.answers(database.port, book.password))
            for spec in cluster_specs:
                self.wait(book, spec, lambda port=spec.port: kafka.answers(port))  # type: ignore[misc]  # bound now
            migrate(postgres.dsn(database.port, book.password), say=say)
            ensure_internal_topics([f"127.0.0.1:{spec.port}" for spec in cluster_specs])
            services = [self.service(book, name) for name in wanted]
            self.start(book, services, say)
            for spec in services:
                self.wait(book, spec, lambda port=spec.port: asked(port)[0])  # type: ignore[misc]  # bound now
            if book.monitored:
                self.watch(book, wanted, say)

    def watch(self, book: Book, wanted: Sequence[str], say: Say) -> None:
        """Prometheus, Alertmanager and the database's exporter, told of these processes."""
        services: dict[str, list[str]] = {s: [n for n in wanted if n.rpartition("-")[0] == s] for s in SERVICES}
        told = monitoring.configure(self.home, book.ports, services)
        dsn = postgres.dsn(book.ports["postgres"], book.password)
        specs = monitoring.specs(told, book.ports, dsn, self.logs)
        self.start(book, specs, say)
        for spec in specs:
            self.wait(book, spec, lambda spec=spec: monitoring.answers(spec.name, spec.port))  # type: ignore[misc]  # bound now

    def watched(self, book: Book, broker: Spec) -> Spec:
        """The first broker with the agent that tells Prometheus of it."""
        option = monitoring.agent_option(cache(), book.ports["kafka-jmx"])
        return replace(broker, command=[broker.command[0], option, *broker.command[1:]])

    def nodes(self, book: Book) -> list[kafka.Node]:
        """The brokers, with their ports; the first one's folder is the cluster's own, the others' lie in it."""
        numbers = range(1, book.brokers + 1)
        for number in numbers:
            self.give_port(book, kafka.named(number))
            self.give_port(book, kafka.named(number, "controller"))
        controllers = {n: book.ports[kafka.named(n, "controller")] for n in numbers}
        folder = self.home / "kafka"
        return [
            kafka.Node(folder if n == 1 else folder / str(n), book.ports[kafka.named(n)], controllers, n)
            for n in numbers
        ]

    def ground(self, book: Book) -> list[Spec]:
        """What the services stand on: the database, and the brokers."""
        database = postgres.server(self.home, book.ports["postgres"], self.logs / "postgres.log")
        return [database, *(kafka.broker(cache(), n, self.logs / f"{n.name}.log") for n in self.nodes(book))]

    def down(self, *, only: Sequence[str] = (), delete_data: bool = False, say: Say = print) -> None:
        """Stop what was started here: the services first, then what they stand on. `only`: these services alone."""
        if not self.file.exists():
            return
        if only:
            with self.changing() as book:
                say(f"stopping {', '.join(only)}")
                self.end(book, [n for n in book.processes if n.rpartition("-")[0] in only])
            return
        with self.changing() as book:
            say("stopping")
            self.end(book, [n for n in book.processes if not is_ground(n)])
            self.end(book, [n for n in book.processes if is_broker(n)])
            self.end(book, ["postgres"])
        if delete_data:
            shutil.rmtree(postgres.folder(self.home), ignore_errors=True)
            for part in (self.home / "kafka", self.home / "prometheus", self.logs, self.file):
                shutil.rmtree(part) if part.is_dir() else part.unlink(missing_ok=True)

    def start(self, book: Book, specs: Sequence[Spec], say: Say) -> None:
        """Those of them that do not run as they should; what runs otherwise is stopped first."""
        stale = [s.name for s in specs if book.process(s.name) and book.processes[s.name][3] != s.fingerprint()]
        if stale:
            self.end(book, stale)
        for spec in specs:
            if book.process(spec.name) is None:
                say(f"starting {spec.name} on port {spec.port}")
                book.processes[spec.name] = (*spawn(spec), spec.fingerprint())
                self.write(book)

    def wait(self, book: Book, spec: Spec, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY
        while not ready():
            if book.process(spec.name) is None:
                raise Broken(f"{spec.name} ended; the end of {spec.log}:\n{tail(spec.log)}")
            if time.monotonic() > deadline:
                raise Broken(f"{spec.name} is not ready after {READY:g} s; the end of {spec.log}:\n{tail(spec.log)}")
            time.sleep(POLL)

    def end(self, book: Book, names: Sequence[str]) -> None:
        stop([p for n in names if (p := book.process(n))], STOP, GRACE)
        for name in names:
            book.processes.pop(name, None)
        self.write(book)

    def give_port(self, book: Book, name: str) -> None:
        """The same as last time, unless somebody else has taken it meanwhile."""
        known = book.ports.get(name)
        owner = name.replace("controller", "kafka").removesuffix("-jmx")
        if known is None or (book.process(owner) is None and not is_free(known)):
            book.ports[name] = free_port(frozenset(book.ports.values()))

    def service(self, book: Book, name: str) -> Spec:
        """Settings that the starter gives in the environment reach the service; where things are is decided here."""
        env = {
            k: v for k, v in os.environ.items() if k.startswith(("TRAPPETRIN_", "OTEL_")) or k in ("PATH", "TZ", "LANG")
        }
        env.setdefault("TRAPPETRIN_CLOSE_DAYS", "by_hand")  # invented years are past: their days are closed by command
        env |= {
            "TRAPPETRIN_KAFKA": ",".join(f"127.0.0.1:{node.port}" for node in self.nodes(book)),
            "TRAPPETRIN_DATABASE": postgres.dsn(book.ports["postgres"], book.password),
            "TRAPPETRIN_INSTANCE": name,
            "TRAPPETRIN_HTTP_PORT": str(book.ports[name]),
        }
        command = [sys.executable, "-m", f"services.{name.rpartition('-')[0]}"]
        return Spec(name, command, env, self.logs / f"{name}.log", book.ports[name])

    # The book

    @contextmanager
    def changing(self) -> Iterator[Book]:
        for folder in (self.home, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        with (self.home / "stack.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            book = self.read()
            yield book
            self.write(book)

    def read(self) -> Book:
        if not self.file.exists():
            return Book()
        told = json.loads(self.file.read_text(encoding="utf-8"))
        return Book(**{**told, "processes": {n: tuple(p) for n, p in told["processes"].items()}})

    def write(self, book: Book) -> None:
        """Whole or not at all; it holds a password, so nobody else may read it."""
        fresh = self.file.with_suffix(".new")
        fresh.touch(mode=0o600)
        names = ("password", "replicas", "brokers", "monitored", "ports", "processes")
        told = {name: getattr(book, name) for name in names}
        fresh.write_text(json.dumps(told, indent=1, sort_keys=True), encoding="utf-8")
        fresh.replace(self.file)


def is_broker(name: str) -> bool:
    return name.partition("-")[0] == "kafka"


def is_ground(name: str) -> bool:
    return name == "postgres" or is_broker(name)


def asked(port: int) -> tuple[bool, str | None]:
    """Whether a service says that it is ready, and its version."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/ready", timeout=2)
    except httpx.HTTPError:
        return False, None
    return answer.status_code == 200, answer.json().get("version")
