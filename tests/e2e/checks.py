"""What every run of the live system must hold, however it was disturbed."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence

from confluent_kafka import Message

from deploy.local.stack import Stack
from services.cli.checking import DECISIONS, LINES
from services.cli.evaluate import fold
from services.cli.journal import ledgers, written
from services.cli.log import Log, record_of
from services.cli.publish import send
from services.cli.screen import screen
from services.cli.settle import wait_until_settled
from services.cli.state import current
from services.cli.system import of
from services.cli.terms import read_terms
from services.cli.verify import verified
from services.cli.watch import What, told
from shared.events.decoding import decode
from shared.events.internal import Amounts, Conclusion, Quota
from shared.events.topics import CONCLUDED
from shared.runtime.views import State
from tests.statements import assert_statements_add_up, balance_of

Line = tuple[str, int, bytes]


def expected(lines: Sequence[Line]) -> State:
    """Of the files alone, but for `refused`: which of two contents of one revision comes first is not told by files."""
    state = asyncio.run(fold(lines)).state
    return {**state, "refused": None}


def live(stack: Stack) -> State:
    """Once settled."""
    wait_until_settled(of(stack), limit=240)
    return {**current(of(stack)), "refused": None}


def published(stack: Stack, lines: Sequence[Line]) -> None:
    sent = send(of(stack), lines)

    assert sent.failed == []
    assert sent.total == len(lines)


def whole(stack: Stack, topics: frozenset[str]) -> Iterator[Message]:
    log = Log(of(stack), topics.__contains__)
    yield from log.whole()
    log.close()


def versions(stack: Stack) -> dict[str, dict[int, set[bytes]]]:
    """By entity and key of every conclusion: the contents that were published under each version."""
    found: dict[str, dict[int, set[bytes]]] = defaultdict(lambda: defaultdict(set))
    for message in whole(stack, CONCLUDED):
        event = decode(record_of(message)).body
        assert isinstance(event, Conclusion)
        found[f"{event.kind} {event.entity()} {event.key()}"][event.version].add(message.value() or b"")
    return found


def assert_versions_are_whole(stack: Stack) -> None:
    found = versions(stack)

    assert found
    assert {name: sorted(v) for name, v in found.items() if sorted(v) != list(range(1, len(v) + 1))} == {}
    assert {f"{name} {n}" for name, v in found.items() for n, contents in v.items() if len(contents) != 1} == set()


def assert_ledger_is_whole(stack: Stack) -> None:
    """Once settled: the journals are ledger.v1 byte for byte, add up to what quota says, and statements to them."""
    kept = list(written(of(stack)))
    published: dict[tuple[str, int], set[str]] = defaultdict(set)
    for message in whole(stack, frozenset({"ledger.v1"})):
        line = decode(record_of(message))
        published[line.entity, int(line.key)].add((message.value() or b"").decode())

    assert kept
    assert {(w.entity, w.number): {w.body} for w in kept} == published

    books = ledgers(kept)  # raises where a chain or a sum is broken
    balances = {name: sum((k.line.effect for k in book), Amounts()) for name, book in books.items()}
    quotas = {q.afdeling_id: q for q in told(of(stack), What.quotas) if isinstance(q, Quota)}

    assert {name: balance_of(quotas[name]) for name in books} == balances
    assert {name for name, quota in quotas.items() if balance_of(quota) != Amounts()} <= books.keys()

    assert_statements_add_up(books, read_terms(of(stack)), quotas)


def assert_all_verifies(stack: Stack) -> None:
    """Every decision recomputes to its bytes, and every chain, anchor and topic says the same."""
    with screen(stderr=True).status("verifying") as status:
        results = [verified(of(stack), kind, (), status) for kind in (DECISIONS, LINES)]

    assert [result.faults for result in results] == [[], []]
    assert all(result.entries > 0 and result.foreign == 0 for result in results)


def assert_all_is_whole(stack: Stack) -> None:
    """Once settled: versions, ledger and records."""
    assert_versions_are_whole(stack)
    assert_ledger_is_whole(stack)
    assert_all_verifies(stack)
