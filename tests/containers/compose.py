"""`docker compose` without and with an engine: the machine's own Compose v2, or Debian's unpacked."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local.settings import ROOT, cache
from tests.containers.debian import unpacked

FILE = ROOT / "docker-compose.yml"
PLUGINS = Path("usr/libexec/docker/cli-plugins")
SECRETS = {"TRAPPETRIN_PASSWORD": "not-a-secret", "GRAFANA_PASSWORD": "not-a-secret"}


def program() -> list[str]:
    """How Compose is started; the plugin is a program of its own, which needs no docker to read files."""
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return [docker, "compose"]
    return [str(unpacked(["docker-compose"], cache() / "debian-next") / PLUGINS / "docker-compose")]


def compose(*words: str, env: Mapping[str, str] = SECRETS, files: Sequence[Path] = (FILE,)) -> str:
    """What it prints; the repository's own .env, which may be there, is not read."""
    named = [word for file in files for word in ("--file", str(file))]
    command = [*program(), "--project-directory", str(ROOT), "--env-file", os.devnull, *named, *words]
    done = subprocess.run(command, env={"PATH": os.environ["PATH"], **env}, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    return done.stdout
