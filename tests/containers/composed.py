"""The project as a user has it: `docker compose` on the engine, and the console outside, through what is published."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.local.settings import free_port
from shared.events.topics import SERVICES
from tests.containers.compose import FILE
from tests.containers.engine import STANDINS, Engine

LIMIT, POLL = 180.0, 0.5
PUBLISHED = ("KAFKA", *(name.upper() for name in SERVICES), "PROMETHEUS", "ALERTMANAGER")
ONCE = ("migrations", "topics", "kafka-agent")
Container = Mapping[str, Any]


class Composed:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.ports = {name: free_port() for name in PUBLISHED}
        self.env = {
            "TRAPPETRIN_PASSWORD": "drawn-by_lot",
            "GRAFANA_PASSWORD": "drawn-by_lot",
            "COMPOSE_PROFILES": "monitoring",
            "TRAPPETRIN_CLOSE_DAYS": "by_hand",  # the demo's year is past
            **{f"{name}_PORT": str(port) for name, port in self.ports.items()},
        }

    def __call__(self, *words: str, profile: str | None = None, limit: float = 300) -> str:
        chosen = ["--profile", profile] if profile else []
        files = ["--env-file", os.devnull, "--file", str(FILE), "--file", str(STANDINS)]
        return self.engine.docker("compose", *files, *chosen, *words, env=self.env, limit=limit)

    def inspected(self) -> dict[str, Container]:
        """Every container of the project, by the name of its service."""
        names = self("ps", "--all", "--quiet").split()
        found = json.loads(self.engine.docker("inspect", *names)) if names else []
        return {c["Config"]["Labels"]["com.docker.compose.service"]: c for c in found}

    def health(self) -> dict[str, str]:
        """By service: of what runs whether it is healthy, of what has ended its exit code, of those gone wrong more."""
        return {name: condition(c) for name, c in self.inspected().items()}

    def until_healthy(self) -> float:
        """Seconds until all that runs is healthy, and all that is done once has ended well."""
        began = time.monotonic()
        self.until(lambda: all(told == wanted(name) for name, told in self.health().items()), self.health)
        return time.monotonic() - began

    def until(self, done: Callable[[], bool], what: Callable[[], object], limit: float = LIMIT) -> None:
        deadline = time.monotonic() + limit
        while not done():
            assert time.monotonic() < deadline, what()
            time.sleep(POLL)

    def crash(self, *services: str) -> None:
        """As a fault does it, from outside: of `docker kill` the engine thinks that somebody wanted it."""
        for container in [self.inspected()[s] for s in services]:
            os.kill(container["State"]["Pid"], signal.SIGKILL)

    def volumes(self) -> set[str]:
        names = self.engine.docker("volume", "ls", "--quiet", "--filter", "label=com.docker.compose.project=trappetrin")
        return {name.removeprefix("trappetrin_") for name in names.split()}

    # From outside

    def console(self, *words: str | Path) -> str:
        env = {
            "TRAPPETRIN_KAFKA": f"127.0.0.1:{self.ports['KAFKA']}",
            "TRAPPETRIN_URLS": ",".join(f"{s}=http://127.0.0.1:{self.ports[s.upper()]}" for s in SERVICES),
        }
        command = [sys.executable, "-m", "services.cli.main", *words]
        done = subprocess.run(command, env=env, check=False, capture_output=True, text=True, timeout=300)

        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def state(self) -> Any:
        """Once settled; `refused` is left out, which files cannot tell."""
        self.console("settle")
        return {**json.loads(self.console("state", "--json")), "refused": None}

    def prometheus(self, path: str) -> Any:
        url = f"http://127.0.0.1:{self.ports['PROMETHEUS']}/api/v1/{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]


def condition(container: Container) -> str:
    state = container["State"]
    if state["Status"] == "exited":
        return f"exited {state['ExitCode']}"
    return state["Health"]["Status"] if "Health" in state else state["Status"]


def wanted(service: str) -> str:
    return "exited 0" if service in ONCE else "healthy"


def told(files: Sequence[Path], on: str) -> Any:
    """What these files of events end in, offline, when the day is over."""
    command = [sys.executable, "-m", "services.cli.main", "evaluate", "--json", "--on", on, *map(str, files)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return {**json.loads(done.stdout), "refused": None}
