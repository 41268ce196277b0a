"""A rolling upgrade: two versions of every service side by side, back to the older one, and then to the newer one.

The newer one tells more in its events and writes more into the tables than the older one knows.
"""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from deploy.local.processes import stop
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from services.cli.settle import wait_until_settled
from services.cli.system import of
from shared.events.topics import SERVICES
from shared.version import VERSION
from tests.e2e.checks import assert_all_is_whole, expected, live, published, whole
from tests.e2e.nextversion import NEXT, Mixed, make

READ = "SELECT entity, version, body ? 'told_by' FROM quota.fact WHERE kind = 'colours'"
FLAWS = "SELECT entity, why FROM quota.flaw UNION ALL SELECT entity, why FROM matching.flaw"
LINES = [("simulated", n, line(event).encode()) for n, event in enumerate(simulate(23, events=2_000), 1)]
SIZE = len(LINES) // 5
SECONDS = frozenset(f"{service}-2" for service in SERVICES)
EVERY = SECONDS | {f"{service}-1" for service in SERVICES}


@pytest.fixture
def stack(tmp_path: Path, say: Any) -> Iterator[Mixed]:
    """Two replicas of this version."""
    stack = Mixed(tmp_path / "stack", make(tmp_path / "next"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAPPETRIN_SESSION_TIMEOUT", "1.5")
        patch.setenv("TRAPPETRIN_HEARTBEAT", "0.3")
        try:
            stack.up(2, say=say)
            yield stack
        finally:
            stack.down(delete_data=True, say=say)


def killed(stack: Mixed, *names: str) -> None:
    book = stack.read()
    stop([p for n in names if (p := book.process(n))], signal.SIGKILL, 20)


def versions(stack: Mixed) -> dict[str, str]:
    return {p["name"]: p["version"] for p in stack.status()["processes"] if p["name"] in EVERY and p["pid"]}


def rows(stack: Mixed, sql: str) -> list[asyncpg.Record]:
    async def read() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(stack.dsn)
        try:
            return await connection.fetch(sql)
        finally:
            await connection.close()

    return asyncio.run(read())


def told(stack: Mixed, topic: str) -> set[tuple[str, int, bool]]:
    """Of each event its afdeling, its version, and whether it tells what only the newer version knows."""
    events = [orjson.loads(m.value() or b"") for m in whole(stack, frozenset({topic})) if m.key()]
    return {(e["afdeling_id"], e["version"], "told_by" in e) for e in events if "timeline" in e or "owed" in e}


@pytest.mark.timeout(420)
def test_two_versions_live_together_and_change_nothing(stack: Mixed, say: Any) -> None:
    parts = [LINES[n * SIZE : (n + 1) * SIZE] for n in range(5)]
    published(stack, parts[0])

    assert stack.migrate("--plan").code == 1
    assert stack.migrate().said.split() == [
        w for s in ("classifier", "quota", "matching") for w in ("migrated", f"{s}/9000_writer.sql")
    ]

    stack.newer = SECONDS  # side by side
    stack.up(say=say)

    assert versions(stack) == {n: NEXT if n in SECONDS else VERSION for n in EVERY}

    published(stack, parts[1])
    refused = stack.migrate("--post")

    assert refused.code == 1
    assert f"trappetrin/ingest/{VERSION}/ingest-1" in refused.said

    killed(stack, "classifier-1", "ingest-1", "quota-2", "matching-2")  # newer writers, older readers
    published(stack, parts[2])
    wait_until_settled(of(stack), limit=120)
    read = {tuple(r) for r in rows(stack, READ)}
    unknown = {(name, version) for name, version, more in told(stack, "colours.v1") if more}

    assert unknown & {(name, version) for name, version, more in read if not more}

    killed(stack, "classifier-2", "ingest-2")  # rolled back: the older version takes over what the newer has written
    stack.newer = frozenset()
    stack.up(say=say)

    assert set(versions(stack).values()) == {VERSION}

    published(stack, parts[3])
    wait_until_settled(of(stack), limit=120)
    stack.newer = EVERY
    stack.up(say=say)
    published(stack, parts[4])

    assert live(stack) == expected(LINES)
    assert stack.migrate("--post").code == 0
    assert stack.migrate("--plan", "--post").code == 0
    assert {more for *_, more in told(stack, "quotas.v1")} == {True, False}
    assert "the next version" in {r["writer"] for r in rows(stack, "SELECT writer FROM quota.conclusion")}
    assert rows(stack, FLAWS) == []
    assert_all_is_whole(stack)
