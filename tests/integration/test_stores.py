"""The stores in memory and on PostgreSQL are the same store: what is simulated holds where it is run."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.ingest.contract import Contended
from services.ingest.memory import MemoryIngestStore
from services.ingest.store import PostgresIngestStore
from shared.events.decoding import of_line, route
from shared.events.internal import Amounts, Cause, Decision, LedgerLine, Quota
from shared.runtime.contract import EVERYONE, Draft, Entity, Entry, Fact, Flaw, Outgoing, Refused, Row, RowId, Written
from shared.runtime.memory import MemoryStore
from shared.runtime.postgres import PostgresStore
from shared.runtime.views import State
from tests.edge import ORG, Edge

EXAMPLES = Path(__file__).parents[2] / "examples"
AT = datetime(2026, 1, 2, 8, tzinfo=UTC)
AFDELING = "0123-001"
OUT = [Outgoing(0, b"k", b"v", (("a", b"1"), ("b", None))), Outgoing(3, None, None)]


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest, pool: asyncpg.Pool) -> Any:
    return MemoryStore() if request.param == "memory" else PostgresStore(pool)


def fact(entity: str = AFDELING, version: int = 1) -> Fact:
    line = next(x for x in (EXAMPLES / "small.ndjson").read_bytes().splitlines() if b"vacancy.reported" in x)
    body = of_line(line)
    return Fact(entity, body.kind, body.key(), version, AT, body)


def quota(version: int) -> Quota:
    return Quota(
        version=version, recorded_at=AT, afdeling_id=AFDELING, counting=4, provisional=0, suspended=0, excluded=1,
        due_exact="1", due=1, reported=0, owed=1, credit=0, next_due_in=4, agreement=None,
    )  # fmt: skip


async def draft(store: Any, task: str, offsets: dict[str, int], *facts: Fact) -> Draft:
    claimed = await store.claim([task])
    return Draft(claimed[task], offsets, None, facts={(f.entity, f.slot): f for f in facts})


pytestmark = pytest.mark.schema("quota")


async def test_a_claim_raises_the_version_and_tells_what_was_written(store: Any) -> None:
    first = await draft(store, "3", {"vacancies.v1": 7}, fact())
    first.cursor, first.out = "x", {"quotas.v1": OUT}

    assert first.task.version == 1
    assert await store.commit([first]) == {"3"}
    again = (await store.claim(["3"]))["3"]
    assert (again.version, again.offsets, again.cursor) == (3, {"vacancies.v1": 7}, "x")


async def test_what_was_written_is_loaded(store: Any) -> None:
    one = await draft(store, "3", {"vacancies.v1": 1}, fact(), fact(EVERYONE))
    one.conclusions[AFDELING, ("quota", "")] = quota(1)
    await store.commit([one])
    kept = Entity({fact().slot: fact()}, {("quota", ""): quota(1)})

    assert await store.load([("3", AFDELING), ("3", "0123-002"), ("4", AFDELING)]) == {("3", AFDELING): kept}
    assert [found async for found in store.everything()] == [
        ("3", EVERYONE, Entity({fact().slot: fact(EVERYONE)}, {})),
        ("3", AFDELING, kept),
    ]


async def test_a_newer_fact_and_conclusion_replace_the_older(store: Any) -> None:
    for version in (1, 2):
        one = await draft(store, "3", {"vacancies.v1": version}, fact(version=version))
        one.conclusions[AFDELING, ("quota", "")] = quota(version)
        await store.commit([one])

    assert await store.load([("3", AFDELING)]) == {
        ("3", AFDELING): Entity({fact().slot: fact(version=2)}, {("quota", ""): quota(2)})
    }


async def test_a_draft_of_a_task_that_has_moved_writes_nothing_and_its_neighbour_all(store: Any) -> None:
    late, good = await draft(store, "1", {"a": 1}, fact()), await draft(store, "2", {"a": 1}, fact())
    late.out = good.out = {"quotas.v1": OUT}
    await store.claim(["1"])

    assert await store.commit([late, good]) == {"2"}
    assert await store.load([("1", AFDELING)]) == {}
    assert await store.pending(["1", "2"]) == [Row(RowId("2", 2, "quotas.v1"), OUT)]
    assert (await store.claim(["1"]))["1"].offsets == {}


async def test_rows_come_in_order_and_only_the_acknowledged_go(store: Any) -> None:
    claimed = (await store.claim(["1"]))["1"]
    for _ in range(11):
        one = Draft(claimed, {"a": 1}, None, out={"quotas.v1": OUT, "dead.v1": OUT[:1]})
        assert await store.commit([one]) == {"1"}
        claimed.version += 1
    rows = await store.pending(["1"])

    assert [r.id for r in rows] == sorted(r.id for r in rows)
    assert len(rows) == 22

    await store.delete([r.id for r in rows[3:]])

    assert await store.pending(["1"]) == rows[:3]


async def test_the_next_entities_come_in_order(store: Any) -> None:
    names = [EVERYONE, "0123-003", "0123-001", "0124-001", "0123-002"]
    await store.commit([await draft(store, "1", {}, *(fact(n) for n in names))])

    assert await store.after("1", EVERYONE, 2) == ["0123-001", "0123-002"]
    assert await store.after("1", "0123-002", 9) == ["0123-003", "0124-001"]
    assert await store.after("2", EVERYONE, 9) == []


async def test_what_the_database_refuses_is_told_apart_and_writes_nothing(pool: asyncpg.Pool) -> None:
    store = PostgresStore(pool)
    bad, good = await draft(store, "1", {"a": 1}, fact(version=0)), await draft(store, "2", {"a": 1}, fact())

    with pytest.raises(Refused):
        await store.commit([bad, good])

    assert await store.load([("2", AFDELING)]) == {}


async def test_progress_counts_what_is_left(pool: asyncpg.Pool) -> None:
    store = PostgresStore(pool)
    one = await draft(store, "1", {"a": 4})
    one.cursor, one.out, one.flaws = "", {"quotas.v1": OUT}, [Flaw(AFDELING, "a", 1, 3, "broken")]
    await store.commit([one])

    assert await store.progress() == [{"task": "1", "offsets": {"a": 4}, "reconsidering": True, "outbox": 1}]


# Journals


def line(
    number: int, turn: int, reverses: int | None = None, about: str = "v1", of: str = AFDELING
) -> tuple[str, Entry]:
    """A ledger line that counts a home, or takes that back."""
    sign = 1 if reverses is None else -1
    body = LedgerLine(
        version=1, recorded_at=AT, number=number, afdeling_id=of, account="vacancy", about=about, turn=turn,
        what="vacancy_counted" if reverses is None else "vacancy_cancelled", reverses=reverses, day=AT.date(),
        cause=Cause(type="t", id="i", version=1), effect=Amounts(counting=sign), balance=Amounts(counting=sign),
    )  # fmt: skip
    return of, Entry(body, body.model_dump_json(by_alias=True).encode(), f"hash {number}")


def decision(number: int) -> tuple[str, Entry]:
    body = Decision(
        version=number, recorded_at=AT, number=number, offer_id="o1", vacancy_id="v1", afdeling_id=AFDELING,
        outcome="accepted", reasons=[], colour="green", agreement=None, vacancy_revision=1, offer_revision=1,
    )  # fmt: skip
    return AFDELING, Entry(body, body.model_dump_json(by_alias=True).encode(), f"decided {number}")


async def booked(store: Any, *lines: tuple[str, Entry], task: str = "1") -> None:
    one = await draft(store, task, {"a": 1})
    one.entries = list(lines)

    assert await store.commit([one]) == {task}


async def test_lines_are_kept_as_they_were_published(store: Any) -> None:
    lines = [line(1, 1), line(2, 2, reverses=1), line(3, 3)]
    await booked(store, *lines)
    written = [Written(AFDELING, e.body.number, e.hash, e.bytes.decode()) for _, e in lines]

    assert await store.journal(LedgerLine.kind, "", 9) == written
    assert await store.heads("1") == [(AFDELING, LedgerLine.kind, 3, "hash 3")]


async def test_of_each_journal_the_last_entry_is_told(store: Any) -> None:
    other, third = "0123-002", "0123-003"
    await booked(store, line(1, 1), line(2, 2, reverses=1), *map(decision, (1, 2, 3)), line(1, 1, of=other))
    await booked(store, line(3, 3))
    await booked(store, line(1, 1, of=third), task="2")
    loaded = await store.load([("1", AFDELING), ("1", other), ("1", third), ("2", third)])

    assert await store.heads("1") == [
        (AFDELING, Decision.kind, 3, "decided 3"),
        (AFDELING, LedgerLine.kind, 3, "hash 3"),
        (other, LedgerLine.kind, 1, "hash 1"),
    ]
    assert await store.heads("2") == [(third, LedgerLine.kind, 1, "hash 1")]
    assert await store.heads("3") == []
    assert {key: {kind: (h.body.number, h.hash) for kind, h in e.heads.items()} for key, e in loaded.items()} == {
        ("1", AFDELING): {Decision.kind: (3, "decided 3"), LedgerLine.kind: (3, "hash 3")},
        ("1", other): {LedgerLine.kind: (1, "hash 1")},
        ("2", third): {LedgerLine.kind: (1, "hash 1")},
    }


@pytest.mark.parametrize(
    "second",
    [line(2, 1), line(3, 1, about="v2"), line(2, 3), line(1, 1, about="v2")],
    ids=["counted twice", "a number left out", "a turn left out", "a number twice"],
)
async def test_no_store_takes_a_line_that_does_not_follow(store: Any, second: tuple[str, Entry]) -> None:
    await booked(store, line(1, 1))

    with pytest.raises(Refused):
        await booked(store, second)


@pytest.mark.parametrize("second", [line(2, 2), line(2, 2, reverses=7)], ids=["counted again", "of another line"])
async def test_the_database_refuses_a_second_count_that_takes_nothing_back(
    pool: asyncpg.Pool, second: tuple[str, Entry]
) -> None:
    store = PostgresStore(pool)
    await booked(store, line(1, 1))

    with pytest.raises(Refused):
        await booked(store, second)


# ingest


async def told(edge: Edge, file: str) -> tuple[list[list[dict[str, Any]]], State]:
    """The receipts of each batch of seven, of all that could be released, and the number of the refused."""
    found = []
    lines = (EXAMPLES / file).read_bytes().splitlines()
    for n in range(0, len(lines), 7):
        found.append(await edge.batch([edge.record(route(x)[0], x, n % 2) for x in lines[n : n + 7]]))
        found.append(await edge.release())
    return found, await edge.handler.view()


@pytest.mark.schema("ingest")
@pytest.mark.parametrize("file", ["small.ndjson", "refused.ndjson"])
async def test_both_stores_of_ingest_tell_the_same(pool: asyncpg.Pool, file: str) -> None:
    memory, postgres = Edge(MemoryIngestStore()), Edge(PostgresIngestStore(pool))

    assert await told(memory, file) == await told(postgres, file)
    assert sorted(memory.out) == sorted(postgres.out)
    assert await memory.handler.parked(99) == await postgres.handler.parked(99)
    assert await rows(memory) == await rows(postgres)


@pytest.mark.schema("ingest")
@pytest.mark.parametrize("kind", ["memory", "postgres"])
@pytest.mark.parametrize("trace", [None, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"])
async def test_a_parked_fact_keeps_its_trace(kind: str, trace: str | None, pool: asyncpg.Pool) -> None:
    edge = Edge(MemoryIngestStore() if kind == "memory" else PostgresIngestStore(pool))
    edge.trace = trace
    await edge.send(ORG, edge.event("vacancy.reported", revision=1))
    edge.trace = None
    await edge.send(ORG, edge.event("afdeling.registered", revision=1))
    await edge.release()
    [vacancy] = [o for t, o in edge.out if t == "vacancies.v1"]

    assert dict(vacancy.headers).get("traceparent") == (trace.encode() if trace else None)


async def rows(edge: Edge) -> list[tuple[RowId, list[Outgoing]]]:
    left = await edge.store.pending(sorted(edge.tasks))
    return [(row.id, [o._replace(headers=tuple(o.headers)) for o in row.records]) for row in left]


@pytest.mark.schema("ingest")
@pytest.mark.parametrize("kind", ["memory", "postgres"])
async def test_of_two_who_judge_one_key_at_once_one_must_judge_anew(kind: str, pool: asyncpg.Pool) -> None:
    """Two processes, two partitions: both look, then both write."""
    store = MemoryIngestStore() if kind == "memory" else PostgresIngestStore(pool)
    edges = Edge(store), Edge(store)
    events = [edges[0].event("afdeling.registered", f"e{n}", revision=1, name=f"n{n}") for n in (0, 1)]
    records = [edge.record("org.0123.in.v1", line, n) for n, (edge, line) in enumerate(zip(edges, events, strict=True))]
    drafts = []
    for edge, record in zip(edges, records, strict=True):
        [one] = (await edge.drafts({f"org.0123.in.v1/{record.partition}"})).values()
        await edge.handler.prepare([(one, record)])
        drafts.append(one)
    done = await asyncio.gather(*(store.commit([d]) for d in drafts), return_exceptions=True)

    assert sorted(type(d).__name__ for d in done) == ["Contended", "set"]

    loser = next(n for n, d in enumerate(done) if isinstance(d, Contended))
    receipts = await edges[loser].batch([records[loser]])

    assert [r["fate"] for r in receipts] == ["refused"]
