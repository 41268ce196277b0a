"""The check of health in a container: its answer and its words, of a process that answers and one that does not."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from deploy.containers import healthy
from deploy.local.settings import free_port
from tests.receiver import LOOKS

ANSWERS = {"/live": (200, {"ok": True, "why": None}), "/ready": (503, {"ok": False, "why": "no task is claimed"})}


@pytest.fixture
def port() -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name is the library's
            status, told = ANSWERS[self.path]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_words: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(LOOKS,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "code", "words"), [("/live", 0, "/live: well\n"), ("/ready", 1, "/ready: no task is claimed\n")]
)
def test_it_says_what_the_process_says(port: int, path: str, code: int, words: str) -> None:
    command = [sys.executable, "-I", "-S", healthy.__file__, path]
    env = {"TRAPPETRIN_HTTP_PORT": str(port)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (code, words, "")


def test_a_process_that_does_not_answer_is_not_well() -> None:
    assert healthy.asked(free_port(), "/live") == (False, "/live does not answer: [Errno 111] Connection refused")
