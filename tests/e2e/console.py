"""The console as an operator uses it: a process of its own, told where the system is by its environment."""

import json
import subprocess
import sys
from typing import Any

from deploy.local.stack import Stack
from shared.events.topics import SERVICES

OPERATOR = "drift-7"


def trappetrin(stack: Stack, *words: str, fails: int = 0) -> Any:
    """What it prints; with --json what that says. `fails`: its exit code; where it says nothing else, why it failed."""
    urls = [f"{service}={url}" for service in SERVICES for url in stack.service_urls(service)]
    env = {
        "TRAPPETRIN_KAFKA": ",".join(stack.kafka_servers),
        "TRAPPETRIN_DATABASE": stack.dsn or "",
        "TRAPPETRIN_URLS": ",".join(urls),
        "TRAPPETRIN_OPERATOR": OPERATOR,
    }
    command = [sys.executable, "-m", "services.cli.main", *words]
    done = subprocess.run(command, env=env, check=False, capture_output=True, text=True, timeout=100)
    assert done.returncode == fails, done.stderr
    return json.loads(done.stdout) if "--json" in words else done.stdout or done.stderr
