"""An older database under newer topics: what was said since is read back, and nothing is said twice or otherwise."""

from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.cli.evaluate import fold
from services.cli.ground import restore
from services.cli.ground.dumping import named
from services.cli.ground.reading import Impossible
from services.cli.ground.restore import beyond, read_back
from services.cli.ground.shadow import Ground
from services.cli.system import System
from shared.events.topics import READS, SERVICES, is_inbound
from shared.runtime.contract import Outgoing
from shared.runtime.views import State
from tests.integration.ground import LINES, Live, MemoryTopics, assert_all_were_told, assert_versions_are_whole, told

COUNT = "SELECT count(*) FROM {schema}.fact"


async def restored(live: Live) -> dict[str, Any]:
    connection = await asyncpg.connect(live.dsn)
    try:
        return await read_back(Ground(partial(MemoryTopics, live.broker), live.dsn, lambda _words: None), connection)
    finally:
        await connection.close()


async def folded() -> State:
    state = (await fold([("told", n, one) for n, one in enumerate(LINES, 1)])).state
    return {**state, "refused": None}


async def test_what_the_topics_have_is_read_back_and_nothing_is_said_anew(older: Live) -> None:
    before = older.sizes()
    await restored(older)
    await older.goes_on()

    assert older.sizes() == before
    assert await older.state() == await folded()
    assert [(await older.rebuild(s, dry_run=True)).differing for s in SERVICES] == [[], [], [], []]


@pytest.mark.parametrize(
    "cut",
    [
        {"receipts": 5},
        {"vacancies.v1": 2, "offers.v1": 1, "afdelinger.v1": 1},
        {"decisions.v1": 3, "ledger.v1": 4, "quotas.v1": 2, "colours.v1": 1},
        {"receipts": 7, "vacancies.v1": 1, "decisions.v1": 2, "ledger.v1": 1, "dead-letters": 1},
        {"control.v1/3": 2, "control.v1/4": 1},
        {"control.v1/0": 3, "control.v1/5": 40, "receipts": 3},
    ],
)
async def test_what_the_lost_database_had_not_published_is_said_once(older: Live, cut: dict[str, int]) -> None:
    """Cut: so many of the last records of these topics, or of one partition of theirs, had not gone out; none of those
    that the backup knows.
    """
    before = older.sizes()
    for place, log in older.broker.logs.items():
        number = next((n for name, n in cut.items() if name in f"{place[0]}/{place[1]}"), 0)
        del log[max(len(log) - number, older.halfway.get(place, 0)) :]
    lost = {place for place, size in older.sizes().items() if size < before[place]}

    assert all(any(name in f"{topic}/{partition}" for topic, partition in lost) for name in cut)

    await restored(older)
    await older.goes_on()

    assert await older.state() == await folded()
    assert_versions_are_whole(older.broker)
    assert_all_were_told(older.broker)


async def databases(live: Live) -> set[str]:
    return set(await told(live.dsn, "SELECT array_agg(datname) FROM pg_database WHERE datname LIKE 'copied%'"))


async def test_a_backup_takes_the_databases_place_and_every_one_before_it_is_kept(live: Live, tmp_path: Path) -> None:
    before, backup = live.sizes(), await live.backup(tmp_path)
    await told(live.dsn, "DELETE FROM quota.fact")
    first = await live.restore(backup)
    await told(live.dsn, "DELETE FROM matching.fact")
    second = await live.restore(backup, topics_lost=True)

    assert await databases(live) == {"copied", first["kept"], second["kept"]}
    assert await told(named(live.dsn, first["kept"]), COUNT.format(schema="quota")) == 0
    assert await told(named(live.dsn, second["kept"]), COUNT.format(schema="matching")) == 0

    await live.goes_on()

    assert live.sizes() == before
    assert await live.state() == await folded()


async def test_who_has_the_database_open_is_named_before_anything_is_done(live: Live, tmp_path: Path) -> None:
    backup = await live.backup(tmp_path)
    monitor = await asyncpg.connect(live.dsn, server_settings={"application_name": "postgres-exporter"})
    [user, pid] = await monitor.fetchrow("SELECT current_user, pg_backend_pid()")

    with pytest.raises(Impossible, match=rf"held open by postgres-exporter \(user {user}, pid {pid}\): .*--disconnect"):
        await live.restore(backup)

    assert await databases(live) == {"copied"}

    done = await live.restore(backup, disconnect=True)

    assert await databases(live) == {"copied", done["kept"]}
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await monitor.execute("SELECT 1")


async def test_who_opens_the_database_meanwhile_is_named_and_nothing_is_left_half_done(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup, late = await live.backup(tmp_path), list[asyncpg.Connection]()

    async def opened(*_words: object) -> dict[str, object]:
        late.append(await asyncpg.connect(live.dsn))
        return {}

    monkeypatch.setattr("services.cli.ground.restore.read_back", opened)
    with pytest.raises(Impossible, match=r"copied is held open by somebody"):
        await live.restore(backup)

    assert await databases(live) == {"copied"}
    await late[0].close()


async def test_what_stood_before_each_run_in_place_is_kept(older: Live) -> None:
    facts = await told(older.dsn, COUNT.format(schema="quota"))
    await older.restore_in_place()
    await older.restore_in_place()
    [first, second] = await told(
        older.dsn, "SELECT array_agg(nspname ORDER BY 1) FROM pg_namespace WHERE nspname LIKE 'quota%before'"
    )

    assert second == "quota_before"
    assert await told(older.dsn, COUNT.format(schema=first)) == facts
    assert await told(older.dsn, COUNT.format(schema=second)) > facts


async def test_what_cannot_be_read_becomes_the_dead_letter_that_the_lost_database_had_not_told(older: Live) -> None:
    """Its letters were lost with it; of the two records that could not be used one was sent again."""
    letters = next(log for (topic, _), log in older.broker.logs.items() if topic == "quota.dead-letters.v1" and log)
    lost = [plain(letters.pop()) for _ in (1, 2)]
    done = await restored(older)

    assert [one["problems"] for one in done.values()] == [[], [], [], []]
    assert done["quota"]["news"] == 2

    await older.goes_on()

    assert sorted(map(plain, letters)) == sorted(lost)
    assert await told(older.dsn, "SELECT count(*) FROM quota.flaw") == 1
    assert (await older.rebuild("quota", dry_run=True)).same


def plain(letter: Outgoing) -> Outgoing:
    """Told at another time."""
    return letter._replace(headers=tuple(h for h in letter.headers if h[0] != "dead_letter_time"))


async def test_what_somebody_else_has_put_into_our_topics_is_named_and_hinders_nothing(older: Live) -> None:
    topics = {
        "ingest": "org.0123.receipts.v1",
        "classifier": "colours.v1",
        "quota": "quotas.v1",
        "matching": "decisions.v1",
    }
    for topic in topics.values():
        older.broker.append(topic, [Outgoing(3, b"0123-001", b"poison 1")])
    done = await restored(older)

    for service, topic in topics.items():
        [problem] = done[service]["problems"]
        assert f"a record without a type in {topic}/3/" in problem
        assert problem.endswith("is of no service, and was left out")

    await older.goes_on()

    assert (await older.state())["decisions"] == (await folded())["decisions"]


async def test_what_was_published_with_two_contents_is_named_and_kept(older: Live) -> None:
    log = next(log for (topic, _), log in older.broker.logs.items() if topic == "decisions.v1" and log)
    log.append(log[0]._replace(value=(log[0].value or b"").replace(b'"vacancy_revision":1', b'"vacancy_revision":2')))
    done = await restored(older)

    assert [one for one in done["matching"]["problems"] if "was published with two contents" in one] != []


@pytest.mark.parametrize(
    ("topic", "why"),
    [
        ("quotas.v1", r"quotas\.v1 holds less than the database: (quota|supply) \d+ of "),
        ("decisions.v1", r"decisions\.v1 holds less than the database: (decision|offer\.life) \d+ of "),
        ("ledger.v1", r"ledger\.v1 holds less than the database: ledger\.line \d+ of "),
        ("vacancies.v1", r"vacancies\.v1 holds less than the database: vacancy\.\w+ \d+ of "),
    ],
)
async def test_topics_that_hold_less_than_the_database_are_not_believed(older: Live, topic: str, why: str) -> None:
    """Made anew since, and at least as long as the old one; what its entities said first is there."""
    for place in [p for p, log in older.broker.logs.items() if p[0] == topic and log]:
        log = older.broker.logs[place]
        log[:] = [log[0]] * len(log)
    with pytest.raises(Impossible, match=rf"{why}.* `trappetrin reground --topic NAME` first"):
        await restored(older)


async def test_a_topic_that_was_emptied_is_not_believed(older: Live) -> None:
    older.broker.logs["vacancies.v1", 5].clear()
    with pytest.raises(Impossible, match=r"vacancies\.v1/5 ends at 0, \d+ was consumed: .*`trappetrin reground`"):
        await restored(older)


async def test_what_was_read_back_once_is_read_back_again(older: Live) -> None:
    """Of the last facts the senders had heard nothing, so they heard of a repeat after the first time."""
    backup = await told(older.dsn, "SELECT count(*) FROM ingest.fact")
    for place in [p for p in older.broker.logs if p[0].endswith(".receipts.v1")]:
        del older.broker.logs[place][max(len(older.broker.logs[place]) - 5, older.halfway.get(place, 0)) :]
    await restored(older)
    await older.goes_on()
    facts = await told(older.dsn, "SELECT count(*) FROM ingest.fact")
    await restored(older)
    await older.goes_on()

    assert await told(older.dsn, "SELECT count(*) FROM ingest.fact") == facts
    assert facts > backup
    assert await older.state() == await folded()


async def test_a_dry_run_in_place_tells_what_each_database_does_not_know(
    older: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "Topics", lambda _system: MemoryTopics(older.broker))
    since = {place: size - older.halfway.get(place, 0) for place, size in older.sizes().items()}
    reads = {"ingest": {t for t, _ in since if is_inbound(t)}, **{s: set(topics) for s, topics in READS.items()}}
    expected = {s: sum(n for (topic, _), n in since.items() if topic in reads[s]) for s in SERVICES}

    assert await beyond(System([], {}, older.dsn)) == expected
    assert all(expected.values())

    older.broker.logs["vacancies.v1", 5].clear()
    with pytest.raises(Impossible, match=r"vacancies\.v1/5 ends at 0, \d+ was consumed"):
        await beyond(System([], {}, older.dsn))
