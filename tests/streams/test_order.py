"""1,000 random streams, merges, splits and replies among them: any order, duplication and batching of accepted facts
ends in the same state, and every ledger adds up to its balance.
"""

import asyncio
from collections.abc import Sequence
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from services.cli.evaluate import Offline
from services.quota.domain import QuotaDomain
from shared.events.internal import Amounts, LedgerLine, Position, Quota
from shared.runtime.memory import MemoryStore, run_until_quiet
from shared.runtime.views import State
from tests.streams.facts import CLOSED, stream

PARTS, EACH = 8, 125


async def end(lines: Sequence[bytes], closed: date | None, batch: int, pause: int) -> tuple[State, dict[str, Fraction]]:
    """The state after all, and every balance; now and then everything is settled before the next lines come."""
    offline = Offline()
    for n, line in enumerate(lines):
        if closed and n == len(lines) // 2:
            offline.close(closed)
        offline.send("f", n, line, "0851")
        if pause and n % pause == 0:
            await run_until_quiet(offline.cores, batch)
    await offline.settle()
    balances = adds_up(next(store for domain, store in offline.services if isinstance(domain, QuotaDomain)))
    return {**await offline.state(), "refused": None}, balances


def adds_up(store: MemoryStore) -> dict[str, Fraction]:
    """The balances that are not even: each the sum of its lines, what its positions say, and its quota."""
    found = {}
    for (task, name, _), journal in store.journals.items():
        lines = [entry.body for entry in journal if isinstance(entry.body, LedgerLine)]
        known = store.entities[task, name].conclusions
        quota, total = known["quota", ""], sum((line.effect for line in lines), Amounts())
        standing = (p.effect for p in known.values() if isinstance(p, Position) and p.line is not None)

        assert total == lines[-1].balance == sum(standing, Amounts())
        assert isinstance(quota, Quota)
        assert (total.counting, total.reported, str(total.share)) == (quota.counting, quota.reported, quota.due_exact)
        found[name] = total.share - total.reported
    return {name: balance for name, balance in found.items() if balance}


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.timeout(600)
def test_order_duplication_and_batching_change_nothing(part: int) -> None:
    @seed(part)
    @settings(max_examples=EACH, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(stream(), CLOSED, st.data())
    def holds(lines: list[bytes], closed: date | None, data: st.DataObject) -> None:
        again = data.draw(st.permutations(lines + data.draw(st.lists(st.sampled_from(lines), max_size=10))))
        straight = asyncio.run(end(lines, closed, 500, 0))

        assert asyncio.run(end(again, closed, data.draw(st.integers(1, 9)), data.draw(st.integers(0, 7)))) == straight

    holds()
