"""`trappetrin topics` on a real broker: what is planned, done and refused, and that doing it again changes nothing."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from deploy.local import kafka
from deploy.local.processes import spawn, stop, tail
from deploy.local.settings import STOP, cache, free_port
from shared.events.topics import INTERNAL, operations_topics, wanted_topics
from shared.runtime.admin import TopicMismatch, ensure_internal_topics, ensure_senders


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker alone, and empty."""
    kafka.install(cache(), lambda _line: None)
    home, port = tmp_path_factory.mktemp("kafka"), free_port()
    node = kafka.Node(home, port, {1: free_port(frozenset({port}))})
    kafka.format_storage(cache(), node)
    spec = kafka.broker(cache(), node, home / "log")
    process = spawn(spec)
    while not kafka.answers(port):
        assert process.alive, tail(spec.log)
    yield f"127.0.0.1:{port}"
    stop([process], STOP, 20)


@pytest.fixture(scope="module")
def by_hand(server: str) -> None:
    """Topics as somebody's hand would make them."""
    given = [
        NewTopic("colours.v0", 1, 1),
        NewTopic("quotas.v1", 6, 1, config={"retention.ms": "3600000", "cleanup.policy": "compact"}),
        NewTopic("ledger.v1", 3, 1),
        NewTopic("org.0123.in.v1", 1, 1),
    ]
    admin = AdminClient({"bootstrap.servers": server})  # it must live until the last topic is made
    for future in admin.create_topics(given, operation_timeout=30).values():
        future.result(30)


def topics(server: str, *words: str) -> tuple[int, Any]:
    """Exit code, and what it says."""
    command = [sys.executable, "-m", "services.cli.main", "topics", *words, "--json"]
    done = subprocess.run(command, env={"TRAPPETRIN_KAFKA": server}, check=False, capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout)


def test_on_an_empty_broker_everything_is_to_be_made(server: str) -> None:
    code, planned = topics(server, "plan")

    assert code == 1
    assert {(c["topic"], c["action"]) for c in planned} == {(t.name, "create") for t in wanted_topics(())}


@pytest.mark.usefixtures("by_hand")
def test_topics_become_those_of_the_registry_without_a_key_moved(server: str) -> None:
    code, planned = topics(server, "plan")
    by = {(c["topic"], c["action"], c["field"]): (c["found"], c["wanted"]) for c in planned}
    missing = {t.name for t in (*INTERNAL.values(), *operations_topics())} - {"quotas.v1", "ledger.v1"}

    assert code == 1
    assert {topic for topic, action, _ in by if action == "create"} == {*missing, "org.0123.receipts.v1"}
    assert by["quotas.v1", "set", "retention.ms"] == ("3600000", "-1")
    assert by["quotas.v1", "set", "cleanup.policy"] == ("compact", "delete")
    assert by["quotas.v1", "set", "message.timestamp.type"] == ("CreateTime", "LogAppendTime")
    assert by["org.0123.in.v1", "grow", "partitions"] == ("1", "2")
    assert by["ledger.v1", "refuse", "partitions"] == ("3", "6")
    assert ("colours.v0", "unknown", "") in by

    with pytest.raises(TopicMismatch, match=r"ledger\.v1 has 3 partitions, the registry says 6"):
        ensure_internal_topics([server])

    applied = topics(server, "apply", "--yes")
    left = [c for c in planned if c["action"] in ("refuse", "unknown")]

    assert applied == (1, planned)  # the refused one is still wanted
    assert topics(server, "plan") == (1, left)
    assert topics(server, "apply") == (1, left)  # nothing to ask for
    assert ensure_senders([server], ["0123"], []) == []

    there = AdminClient({"bootstrap.servers": server}).list_topics(timeout=30).topics

    assert "colours.v0" in there
    assert len(there["ledger.v1"].partitions) == 3
