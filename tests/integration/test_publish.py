"""What the broker acknowledges is there, also in topics that were made a moment ago.

A producer with several requests on their way can lose the first records of a new topic: the first request is turned
away, because the partition has no leader yet, the second is taken, and the first, sent again, passes for a repetition.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import kafka
from deploy.local.processes import spawn, stop
from deploy.local.settings import cache, free_port
from services.cli.log import Log
from services.cli.publish import send
from services.cli.system import System

ORGANISATIONS, TURNS = 60, 100


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A broker alone."""
    home = tmp_path_factory.mktemp("broker")
    node = kafka.Node(home / "kafka", free_port(), {1: free_port()})
    kafka.install(cache(), lambda _line: None)
    kafka.format_storage(cache(), node)
    process = spawn(kafka.broker(cache(), node, Path(home / "log")))
    try:
        while not kafka.answers(node.port):
            assert process.alive
        yield System([f"127.0.0.1:{node.port}"], {})
    finally:
        stop([process], signal.SIGKILL, 10)


def vacancy(organisation: int, number: int) -> bytes:
    data = f'{{"vacancy_id": "v{number}", "afdeling_id": "{organisation}-00{number % 9}"}}'
    return f'{{"type": "dk.trappetrin.vacancy.reported.v1", "data": {data}}}'.encode()


def test_all_that_is_acknowledged_is_there(system: System) -> None:
    """One new sender after the other while the producer is busy."""
    lines = [
        vacancy(1000 + organisation + behind, turn)
        for organisation in range(ORGANISATIONS)
        for turn in range(TURNS)
        for behind in range(3)
    ]
    sent = send(system, [("lines", n, line) for n, line in enumerate(lines, 1)])
    log = Log(system, lambda topic: topic.endswith(".in.v1"))
    arrived = sorted(message.value() or b"" for message in log.whole())
    log.close()

    assert (sent.total, sent.failed) == (len(lines), [])
    assert arrived == sorted(lines)
