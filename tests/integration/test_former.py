"""Inbound topics that were made anew: what came by the old ones is taken from the database."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from services.cli.ground import reground
from services.cli.ground.reading import Impossible
from services.cli.system import System
from shared.events.topics import SERVICES
from shared.runtime.contract import Outgoing
from shared.runtime.memory import MemoryBroker
from tests.edge import Edge
from tests.integration.ground import LINES, OPERATOR, Live, MemoryTopics, told

ORG = "org.0123.in.v1"
EVENT = Edge().event
PARKED = [
    EVENT("vacancy.reported", f"p{n}", vacancy_id=f"w{n}", afdeling_id=f"0123-90{n}", revision=1) for n in range(3)
]
"""Of afdelinger that are not registered."""
LATER = [EVENT("vacancy.reported", f"l{n}", vacancy_id=f"l{n}", revision=1) for n in range(4)]
REGISTERED = EVENT("afdeling.registered", "r1", afdeling_id="0123-901")
DISCARD = """
INSERT INTO ingest.discard (sequence, key, revision, by, why, topic, partition, "offset")
SELECT sequence, key, revision, 'drift-7', 'mistyped', topic, partition, "offset" FROM ingest.fact WHERE event_id = 'p2'
"""
CUT_OFF = """
INSERT INTO console.ground (event, by, told)
VALUES ('regrounded', 'drift-7', '{"topics": [], "inbound": ["org.0123.in.v1"], "from_the_beginning": []}')
"""
FATES = "SELECT array_agg(event_id || ' ' || parked ORDER BY 1) FROM ingest.fact WHERE event_id LIKE 'p_'"


class Producer:
    """Into the broker in memory."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.broker = broker

    def produce(self, topic: str, value: Any, key: Any, partition: int, **told: Any) -> None:
        self.broker.append(topic, [Outgoing(partition, key, value, tuple(told["headers"]))])
        told["on_delivery"](None, None)

    def poll(self, _seconds: float) -> None:
        return

    def flush(self, _seconds: float) -> int:
        return 0


@pytest.fixture(autouse=True)
def in_memory(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reground asks of a real broker."""
    monkeypatch.setattr(reground, "Topics", lambda _system: MemoryTopics(live.broker))
    monkeypatch.setattr(reground, "producer_of", lambda _system: Producer(live.broker))
    for name in ("ensure_internal_topics", "ensure_senders", "forget_groups"):
        monkeypatch.setattr(reground, name, lambda *_: None)


async def comes(live: Live, lines: Sequence[bytes]) -> None:
    await live.start()
    await live.settle(lines)
    await live.stop()


async def lose(live: Live, lost: str = "") -> None:
    """All topics with this in their name, which are then written again."""
    for (topic, _), log in live.broker.logs.items():
        if lost in topic:
            log.clear()
    system = System([], {}, live.dsn)
    await reground.regrounded(system, (), OPERATOR, lambda _words: None, everything=not lost, dry_run=False)


@pytest.mark.parametrize("lost", ["", ORG])
async def test_a_backup_from_after_a_reground_is_restored(live: Live, tmp_path: Path, lost: str) -> None:
    await comes(live, PARKED)
    await lose(live, lost)
    await comes(live, [LATER[0], PARKED[0], *LINES[:20]])  # repeats lie where other records lay
    backup = await live.backup(tmp_path)
    await told(live.dsn, DISCARD)
    await comes(live, [*LATER[1:3], REGISTERED, LINES[30]])
    state, facts = await live.state(), await told(live.dsn, "SELECT count(*) FROM ingest.fact")
    before = live.sizes()

    assert await told(live.dsn, FATES) == ["p0 true", "p1 false"]
    assert [(await live.rebuild(s, dry_run=True)).same for s in SERVICES] == [True] * 4

    await live.restore(backup)

    assert await told(live.dsn, FATES) == ["p0 true", "p1 false"]
    assert await told(live.dsn, "SELECT count(*) FROM ingest.fact") == facts

    await live.goes_on()

    assert live.sizes() == before
    assert await live.state() == state
    assert [(await live.rebuild(s)).same for s in SERVICES] == [True] * 4

    await comes(live, [LATER[3]])

    assert [(await live.rebuild(s, dry_run=True)).same for s in SERVICES] == [True] * 4


async def test_a_backup_from_before_a_reground_is_not_put_in_place(live: Live, tmp_path: Path) -> None:
    """What came by the old topics is in the internal ones, and it does not know that these say all of it again."""
    backup = await live.backup(tmp_path)
    await comes(live, [LATER[0]])
    await lose(live)
    await comes(live, [LATER[1]])

    with pytest.raises(Impossible, match=r"told of \d+ facts that neither .* older than the last .*reground`"):
        await live.restore(backup)


async def test_a_reground_that_was_cut_off_changes_nothing_yet(live: Live, tmp_path: Path) -> None:
    before = live.sizes()
    await told(live.dsn, CUT_OFF)
    backup = await live.backup(tmp_path)
    await live.restore(backup)
    await live.goes_on()

    assert live.sizes() == before
    assert [(await live.rebuild(s, dry_run=True)).same for s in SERVICES] == [True] * 4
