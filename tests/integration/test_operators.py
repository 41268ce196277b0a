"""What operators do, on both stores: stops that are lifted, flaws that are mended, parked facts that are discarded."""

import json
from typing import Any

import asyncpg
import pytest

from services.cli.acts import LIFT
from services.cli.ground.quiet import Operator
from services.cli.ground.reground import Plan, set_back
from services.cli.parked import DISCARD, DISCARDED
from services.ingest.contract import Crowd, Waiting
from services.ingest.memory import MemoryIngestStore
from services.ingest.store import PostgresIngestStore
from shared.runtime.contract import Draft, Flaw
from shared.runtime.footing import EMPTIED
from shared.runtime.memory import MemoryStore
from shared.runtime.postgres import PostgresStore
from tests.edge import FACTS, ORG, Edge

FLAWS = [Flaw("0123-001", "vacancies.v1", 1, 3, "broken"), Flaw("0123-002", "vacancies.v1", 1, 4, "broken too")]


@pytest.fixture(params=["memory", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.schema("quota")
async def test_a_stop_holds_until_it_is_lifted_and_is_kept(kind: str, pool: asyncpg.Pool) -> None:
    store: Any = MemoryStore() if kind == "memory" else PostgresStore(pool)
    for why in ("first", "second"):
        await store.stop("3", why)

    assert await store.stops(["1", "3"]) == {"3": "first"}

    if kind == "memory":
        del store.stopped["3"]
    else:
        lifted = await pool.fetch(LIFT.format(schema="quota"), "3", "drift-7", "mended", EMPTIED)
        assert [r["task"] for r in lifted] == ["3"]
    assert await store.stops(["1", "3"]) == {}

    await store.stop("3", "third")

    assert await store.stops(["3"]) == {"3": "third"}


@pytest.mark.schema("ingest")
async def test_a_whole_topic_is_let_go_on_at_once_and_no_other(pool: asyncpg.Pool) -> None:
    store = PostgresIngestStore(pool)
    for task in ("org.0123.in.v1/0", "org.0123.in.v1/1", "org.01234.in.v1/0", "org.0124.in.v1/0"):
        await store.stop(task, "broken")
    await pool.fetch(LIFT.format(schema="ingest"), "org.0123.in.v1", "drift-7", "mended", EMPTIED)

    left = {"org.01234.in.v1/0": "broken", "org.0124.in.v1/0": "broken"}
    assert await store.stops(["org.0123.in.v1/0", "org.0123.in.v1/1", *left]) == left


@pytest.mark.schema("quota")
async def test_a_task_whose_topic_was_emptied_is_let_go_on_by_a_reground_and_by_nothing_else(
    pool: asyncpg.Pool,
) -> None:
    store, why = PostgresStore(pool), f"{EMPTIED}: vacancies.v1 at 5, it ends at 2"
    await store.claim(["2", "3"])
    await pool.execute("""UPDATE task SET offsets = '{"vacancies.v1": 5}'""")
    await store.stop("2", "broken")
    await store.stop("3", why)
    await pool.fetch(LIFT.format(schema="quota"), "3", "drift-7", "mended", EMPTIED)

    assert await store.stops(["2", "3"]) == {"2": "broken", "3": why}

    back = [("quota", task, "vacancies.v1") for task in ("2", "3")]
    async with pool.acquire() as connection:
        await set_back(connection, Plan({"vacancies.v1"}, back), Operator("drift-7", "made anew"))

    assert await store.stops(["2", "3"]) == {"2": "broken"}


@pytest.mark.schema("quota")
async def test_a_flaw_goes_when_it_is_mended_and_its_neighbour_stays(kind: str, pool: asyncpg.Pool) -> None:
    store: Any = MemoryStore() if kind == "memory" else PostgresStore(pool)
    task = (await store.claim(["1"]))["1"]
    await store.commit([Draft(task, {"vacancies.v1": 5}, None, flaws=FLAWS)])
    task.version += 1
    await store.commit([Draft(task, {"vacancies.v1": 6}, None, mended=[FLAWS[0][:4]])])
    kept = list(store.flaws.values()) if kind == "memory" else await store.flaws(10)

    assert kept == FLAWS[1:]


@pytest.fixture
def edge(kind: str, pool: asyncpg.Pool) -> Edge:
    return Edge(MemoryIngestStore() if kind == "memory" else PostgresIngestStore(pool))


async def discard(edge: Edge, pool: asyncpg.Pool, one: Waiting) -> None:
    if isinstance(edge.store, MemoryIngestStore):
        edge.store.unwanted |= {i: "mistyped" for i, k in edge.store.facts.items() if k.origin[:3] == one[4:]}
    else:
        await pool.fetch(DISCARD, "drift-7", "mistyped", *([part] for part in one[4:]), [one.event_id])


@pytest.mark.schema("ingest")
async def test_what_is_discarded_is_as_if_it_had_never_come_and_its_sender_is_told(
    edge: Edge, pool: asyncpg.Pool
) -> None:
    mistyped = edge.event("vacancy.reported", "e-1", afdeling_id="0123-010")
    await edge.send(
        ORG, edge.event("afdeling.registered"), mistyped, edge.event("vacancy.reported", "e-2", vacancy_id="v2")
    )
    await edge.send(FACTS, edge.event("placement.decided", "e-3", afdeling_id="0123-010"))
    [vacancy, placement] = await edge.handler.parked(10)
    crowds = await edge.handler.crowds()

    assert crowds == [
        Crowd("0123", "dk.trappetrin.placement.decided.v1", 1, 1, placement.since),
        Crowd("0123", "dk.trappetrin.vacancy.reported.v1", 1, 1, vacancy.since),
    ]

    await discard(edge, pool, vacancy)

    assert await edge.handler.waiting() == {f"{ORG}/0": 1}
    [told] = await edge.release()
    assert (told["fate"], told["event_id"], told["field"], told["value"]) == (
        "refused", "e-1", "data.afdeling_id", "0123-010",
    )  # fmt: skip
    assert told["rule"] == "was discarded by an operator, since this afdeling is not registered: mistyped"
    assert await edge.handler.waiting() == {}
    assert await edge.handler.parked(10) == [placement]
    assert await edge.handler.view() == {"refused": 0}

    [again] = await edge.send(ORG, edge.event("vacancy.reported", "e-4"))  # the same vacancy, of the right afdeling

    assert again["fate"] == "accepted"
    [same] = await edge.send(ORG, mistyped)
    assert same["fate"] == "refused"  # for now the vacancy is where it is


@pytest.mark.schema("ingest")
async def test_a_registration_does_not_release_what_is_discarded(edge: Edge, pool: asyncpg.Pool) -> None:
    await edge.send(ORG, edge.event("vacancy.reported", "e-1"))
    [vacancy] = await edge.handler.parked(10)
    await discard(edge, pool, vacancy)
    await edge.send(ORG, edge.event("afdeling.registered"))

    assert [r["fate"] for r in await edge.release()] == ["refused"]
    assert not edge.published("vacancies.v1")


@pytest.mark.schema("ingest")
async def test_what_is_discarded_while_it_is_released_is_released(
    edge: Edge, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await edge.send(ORG, edge.event("vacancy.reported", "e-1"))
    [vacancy] = await edge.handler.parked(10)
    await edge.send(ORG, edge.event("afdeling.registered"))
    releasable = edge.store.releasable

    async def meanwhile(*told: Any) -> Any:
        ready = await releasable(*told)
        await discard(edge, pool, vacancy)
        return ready

    monkeypatch.setattr(edge.store, "releasable", meanwhile)

    assert [r["fate"] for r in await edge.release()] == ["released"]
    assert len(edge.published("vacancies.v1")) == 1
    assert await edge.handler.parked(10) == []
    if isinstance(edge.store, PostgresIngestStore):
        assert [(d["done_at"], d["too_late"]) for d in await pool.fetch(DISCARDED)] == [(None, True)]


@pytest.mark.schema("ingest")
async def test_another_event_that_lies_where_a_discarded_one_lay_stays(pool: asyncpg.Pool) -> None:
    """The topic was made anew."""
    edge = Edge(PostgresIngestStore(pool))
    await edge.send(ORG, edge.event("vacancy.reported", "e-1"))
    edge.ends.clear()
    await edge.send(ORG, edge.event("vacancy.reported", "e-2", vacancy_id="v2"))
    [first, second] = await edge.handler.parked(10)
    await discard(edge, pool, first)

    assert first[4:] == second[4:]
    assert [d["too_late"] for d in await pool.fetch(DISCARDED)] == [False]
    assert [(r["fate"], r["event_id"]) for r in await edge.release()] == [("refused", "e-1")]
    assert await edge.handler.parked(10) == [second]
    assert [(d["done_at"] is None, d["too_late"]) for d in await pool.fetch(DISCARDED)] == [(False, False)]


@pytest.mark.schema("ingest")
async def test_a_redriven_event_that_is_accepted_was_never_refused(edge: Edge) -> None:
    await edge.send(ORG, edge.event("afdeling.registered"))
    broken = json.loads(edge.event("vacancy.reported", "e-1"))
    broken["data"]["rooms"] = 0
    await edge.send(ORG, json.dumps(broken).encode(), edge.event("vacancy.reported", "e-2", rooms=0))
    assert await edge.handler.view() == {"refused": 2}

    headers = [("content-type", b"application/cloudevents+json"), ("redrive_offset", b"1"), ("redrive_attempt", b"1")]
    mended = edge.record(ORG, edge.event("vacancy.reported", "e-1"), headers=headers)

    assert [r["fate"] for r in await edge.batch([mended])] == ["accepted"]
    assert await edge.handler.view() == {"refused": 1}
