"""What every run of the live system must hold, however it was disturbed."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from deploy.local.stack import Stack
from services.cli.evaluate import fold
from services.cli.log import Log
from services.cli.publish import send
from services.cli.settle import wait_until_settled
from services.cli.state import current
from services.cli.system import of
from services.cli.watch import KINDS, What, read
from shared.events.internal import Conclusion
from shared.runtime.views import State

Line = tuple[str, int, bytes]
CONCLUSIONS = (What.colours, What.quotas, What.decisions)


def expected(lines: Sequence[Line]) -> State:
    """Of the files alone, but for `refused`: which of two contents of one revision comes first is not told by files."""
    state, _ = asyncio.run(fold(lines))
    return {**state, "refused": None}


def live(stack: Stack) -> State:
    """Once settled."""
    wait_until_settled(of(stack), limit=240)
    return {**current(of(stack)), "refused": None}


def published(stack: Stack, lines: Sequence[Line]) -> None:
    sent = send(of(stack), lines)

    assert sent.failed == []
    assert sent.total == len(lines)


def versions(stack: Stack) -> dict[str, dict[int, set[bytes]]]:
    """By entity and key of every conclusion: the contents that were published under each version."""
    found: dict[str, dict[int, set[bytes]]] = defaultdict(lambda: defaultdict(set))
    for what in CONCLUSIONS:
        log = Log(of(stack), KINDS[what].wanted)
        for message in log.whole():
            event = read(KINDS[what], message)
            assert isinstance(event, Conclusion)
            found[f"{event.kind} {event.entity()} {event.key()}"][event.version].add(message.value() or b"")
        log.close()
    return found


def assert_versions_are_whole(stack: Stack) -> None:
    found = versions(stack)

    assert found
    assert {name: sorted(v) for name, v in found.items() if sorted(v) != list(range(1, len(v) + 1))} == {}
    assert {f"{name} {n}" for name, v in found.items() for n, contents in v.items() if len(contents) != 1} == set()
