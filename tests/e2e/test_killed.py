"""A municipality's year streams in, with a new agreement in its midst, while every process is killed once."""

import signal

import pytest
from confluent_kafka.admin import AdminClient

from deploy.local.processes import send as signalled
from deploy.local.processes import stop
from deploy.local.stack import Stack
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from tests.e2e.checks import assert_all_is_whole, expected, live, published

EVENTS = 20_000


def members(stack: Stack, service: str) -> list[str]:
    """The processes that the group counts."""
    admin = AdminClient({"bootstrap.servers": ",".join(stack.kafka_servers)})
    [group] = admin.describe_consumer_groups([f"trappetrin.{service}"]).values()
    return sorted(member.group_instance_id for member in group.result().members)


def test_who_is_told_to_stop_leaves_its_group_at_once(stack: Stack) -> None:
    before = members(stack, "quota")
    process = stack.read().process("quota-2")
    assert process is not None
    stop([process], signal.SIGTERM, 20)
    left = members(stack, "quota")
    stack.up(say=lambda _line: None)

    assert (before, left) == (["trappetrin.quota-1", "trappetrin.quota-2"], ["trappetrin.quota-1"])


@pytest.mark.timeout(600)
def test_each_process_killed_once_changes_nothing(stack: Stack) -> None:
    events = list(simulate(7, events=EVENTS, broken=0.01))
    lines = [("simulated", n, line(event).encode()) for n, event in enumerate(events, 1)]
    names = [p["name"] for p in stack.status()["processes"]]
    size = EVENTS // len(names)
    slices = [lines[n * size : (n + 1) * size] for n in range(len(names))]
    agreements = [n for n, event in enumerate(events) if "agreement.published" in event["type"]]

    assert len(names) == 10
    assert EVENTS / 4 < agreements[1] < EVENTS * 3 / 4

    for name, part in zip(names, slices, strict=True):
        published(stack, part)
        process = stack.read().process(name)
        assert process is not None
        signalled(process, signal.SIGKILL)
        stack.up(say=lambda _line: None)

    assert live(stack) == expected(lines)
    assert_all_is_whole(stack)
