"""A state made anew from the topics: the same where nothing is wrong; where something is, it is named and mended."""

import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from services.cli.ground import keyed, rebuild
from services.cli.ground.reading import Impossible
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from shared.events.partitioning import PARTITIONS
from shared.events.topics import SERVICES
from shared.runtime.contract import Outgoing
from tests.integration.ground import SPOILT, Live, assert_versions_are_whole, told

OURS = ("ce_source", b"trappetrin/quota")


async def test_nothing_differs_and_nothing_is_said_anew(live: Live) -> None:
    before = live.sizes()
    for service in SERVICES:
        done = await live.rebuild(service)

        assert (done.same, done.swapped) == (True, True)
        assert done.live == done.rebuilt

    await live.goes_on()

    assert live.sizes() == before
    assert [(await live.rebuild(s, dry_run=True)).differing for s in SERVICES] == [[], [], [], []]


async def test_much_is_replayed_in_several_processes(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    done_elsewhere = list[object]()

    class Pool(ProcessPoolExecutor):
        def submit(self, *order: Any, **named: Any) -> Any:
            done_elsewhere.append(order)
            return super().submit(*order, **named)

    alone = await live.rebuild("quota", dry_run=True)
    monkeypatch.setattr(keyed, "FEW", 0)
    monkeypatch.setattr(keyed, "ProcessPoolExecutor", Pool)
    together = await live.rebuild("quota", dry_run=True)

    assert len(done_elsewhere) == PARTITIONS
    assert together._replace(seconds=0) == alone._replace(seconds=0)
    assert together.same


@pytest.mark.parametrize(
    ("service", "sql", "what"),
    [
        ("quota", "UPDATE quota.conclusion SET body = jsonb_set(body, '{due}', '99') WHERE kind = 'quota'", "quota"),
        ("quota", "DELETE FROM quota.conclusion WHERE kind = 'quota'", "quota is missing"),
        ("quota", "DELETE FROM quota.conclusion WHERE kind = 'position'", "position"),
        ("quota", "UPDATE quota.conclusion SET body = body #- '{basis,day}' WHERE kind = 'position'", "position"),
        ("quota", "UPDATE quota.conclusion SET body = body #- '{basis,colour}' WHERE kind = 'position'", "position"),
        ("quota", "UPDATE quota.conclusion SET body = body #- '{basis,agreement}' WHERE kind = 'position'", "position"),
        ("quota", "DELETE FROM quota.flaw", "mark of vacancies.v1/"),
        ("quota", "UPDATE quota.journal SET body = replace(body, 'vacancy_counted', 'taken_over')", "ledger.line"),
        ("matching", "UPDATE matching.journal SET hash = 'x' WHERE number = 1", "decision 1 is not as published"),
        ("matching", "DELETE FROM matching.conclusion WHERE kind = 'decision'", "decision"),
        ("classifier", "DELETE FROM classifier.conclusion WHERE entity = ''", "area"),
        ("classifier", "DELETE FROM classifier.fact WHERE entity <> ''", "fact"),
    ],
)
async def test_what_the_live_state_has_wrong_is_named_and_mended_without_a_word(
    live: Live, service: str, sql: str, what: str
) -> None:
    await told(live.dsn, sql)
    before = live.sizes()
    done = await live.rebuild(service)

    assert done.swapped is False
    assert done.differing
    assert all(what in one for one in done.differing)
    assert done.news == []
    assert done.live != done.rebuilt

    assert (await live.rebuild(service, accept=True)).swapped
    await live.goes_on()

    assert live.sizes() == before  # what was published was right
    assert (await live.rebuild(service, dry_run=True)).differing == []


async def test_a_wrong_conclusion_that_was_published_is_followed_by_the_right_one(live: Live) -> None:
    fact = """
        UPDATE quota.fact SET body = jsonb_set(body, '{dwelling}', '"youth"') WHERE kind = 'vacancy.reported'
        AND body ->> 'dwelling' = 'family' AND body ->> 'reason' = 'external'"""
    await told(live.dsn, fact)
    await told(live.dsn, "UPDATE quota.task SET cursor = ''")
    await live.goes_on()
    wrong = await live.rebuild("quota")

    assert any("fact vacancy.reported" in one for one in wrong.differing)
    assert any(": quota" in one for one in wrong.news)
    assert any("ledger.line" in one for one in wrong.news)
    assert wrong.live != wrong.rebuilt

    await live.rebuild("quota", accept=True)
    await live.goes_on()
    right = await live.rebuild("quota")

    assert right.same
    assert right.live == right.rebuilt
    assert_versions_are_whole(live.broker)


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("DELETE FROM ingest.fact WHERE kind LIKE 'vacancy.%'", "is missing"),
        ("UPDATE ingest.fact SET content = 'x' WHERE kind = 'agreement.published'", "is not as it was sent"),
        ("UPDATE ingest.fact SET body = jsonb_set(body, '{rooms}', '9') WHERE kind = 'vacancy.reported'", "is not as"),
        (
            "UPDATE ingest.fact SET source = 'x', event_id = 'y' WHERE kind = 'agreement.published'",
            "is not as it was sent",
        ),
        ("DELETE FROM ingest.refusal", "is missing"),
        ("UPDATE ingest.refusal SET rule = 'x'", "is not as in its receipt"),
        ("DELETE FROM ingest.fixed", "is not what was fixed first"),
    ],
)
async def test_what_the_edge_has_wrong_is_named_and_mended(live: Live, sql: str, what: str) -> None:
    await told(live.dsn, sql)
    before = live.sizes()
    done = await live.rebuild("ingest", accept=True)

    assert done.swapped
    assert done.differing
    assert all(what in one for one in done.differing)
    assert done.live != done.rebuilt

    await live.goes_on()

    assert live.sizes() == before
    assert (await live.rebuild("ingest", dry_run=True)).differing == []


async def test_a_service_that_runs_is_not_rebuilt(live: Live) -> None:
    await live.start()
    with pytest.raises(Impossible, match="quota must be stopped first: `trappetrin down quota`"):
        await live.rebuild("quota")


async def test_what_a_process_publishes_while_it_ends_is_read(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is seen, and has ended before its tasks are claimed."""

    async def ends(*_told: object) -> None:
        await live.settle([line(event).encode() for event in simulate(5, afdelinger=1)])
        await live.stop()

    await live.start()
    monkeypatch.setattr(rebuild, "refuse_while_alive", ends)
    before = live.sizes()
    done = await live.rebuild("matching")

    assert live.sizes() != before
    assert done.same


async def test_a_task_that_was_being_reconsidered_is_named(live: Live) -> None:
    await told(live.dsn, "UPDATE quota.task SET cursor = '' WHERE task = '3'")
    with pytest.raises(Impossible, match="stopped while it was reconsidering task 3"):
        await live.rebuild("quota")


async def test_a_service_whose_own_topic_is_empty_is_not_rebuilt(live: Live) -> None:
    for place in [p for p in live.broker.logs if p[0] == "decisions.v1"]:
        del live.broker.logs[place]
    with pytest.raises(Impossible, match=r"decisions\.v1 is empty, and matching has published there"):
        await live.rebuild("matching")


async def test_what_could_not_be_used_stays_out_and_what_it_left_incomplete_is_known(live: Live) -> None:
    flaws = 'SELECT array_agg((task, entity, topic, partition, "offset", why)::text ORDER BY 1) FROM {}.flaw'
    forget = "DELETE FROM {}.flaw"
    for service in ("quota", "matching"):
        marked = await told(live.dsn, flaws.format(service))
        await told(live.dsn, forget.format(service))
        done = await live.rebuild(service, accept=True)

        assert (done.news, done.swapped) == ([], True)
        assert len(marked) == 1
        assert await told(live.dsn, flaws.format(service)) == marked


async def test_another_record_in_the_place_of_a_dead_letter_is_a_fact_like_others(live: Live) -> None:
    """The topic was made anew, without what could not be used, and the letters are those of the old one."""
    place = next(p for p, log in live.broker.logs.items() if any(r.value == SPOILT for r in log))
    live.broker.logs[place] = [r for r in live.broker.logs[place] if r.value != SPOILT]
    end = "UPDATE quota.task SET offsets = jsonb_set(offsets, '{vacancies.v1}', to_jsonb($1::int)) WHERE task = $2"
    await told(live.dsn, end, len(live.broker.logs[place]), str(place[1]))
    await told(live.dsn, "DELETE FROM quota.flaw")
    done = await live.rebuild("quota")

    assert (done.same, done.swapped) == (True, True)
    assert await told(live.dsn, "SELECT count(*) FROM quota.flaw") == 0


@pytest.mark.parametrize(
    ("service", "topic", "spoilt", "why"),
    [
        ("quota", "quotas.v1", (OURS, ("ce_type", b"dk.trappetrin.of_tomorrow.v1")), "of_tomorrow in quotas.v1/"),
        ("matching", "decisions.v1", (OURS, ("ce_type", b"dk.trappetrin.decision.v1")), "decision in decisions.v1/"),
        ("classifier", "colours.v1", (OURS,), "a record without a type in colours.v1/"),
    ],
)
async def test_what_a_service_says_to_have_said_must_be_readable(
    live: Live, service: str, topic: str, spoilt: Sequence[tuple[str, bytes]], why: str
) -> None:
    live.broker.append(topic, [Outgoing(3, b"0123-001", b"{}", spoilt)])
    with pytest.raises(Impossible, match=rf"^{why}3/\d+ can not be read by this release"):
        await live.rebuild(service)

    assert await told(live.dsn, "SELECT to_regnamespace($1)", f"{service}_shadow") is None


@pytest.mark.parametrize(
    ("service", "topic"),
    [
        ("quota", "quotas.v1"),
        ("matching", "decisions.v1"),
        ("classifier", "colours.v1"),
        ("ingest", "org.0123.receipts.v1"),
    ],
)
@pytest.mark.parametrize("headers", [(), (("ce_source", b"org/0123"), ("ce_type", b"dk.trappetrin.quota.v1"))])
async def test_what_somebody_else_has_put_among_it_is_named_and_left_out(
    live: Live, service: str, topic: str, headers: Sequence[tuple[str, bytes]]
) -> None:
    live.broker.append(topic, [Outgoing(3, b"0123-001", b"poison 1", headers)])
    done = await live.rebuild(service)

    assert (done.differing, done.news, done.swapped) == ([], [], False)
    assert len(done.problems) == 1
    assert re.search(rf" in {topic}/3/\d+ is of no service, and was left out$", done.problems[0])
    assert (await live.rebuild(service, accept=True)).swapped


async def test_a_fact_that_another_release_wrote_in_other_words_is_the_same(live: Live) -> None:
    await told(live.dsn, "UPDATE quota.fact SET body = body || '{\"of_tomorrow\": 1}'")
    done = await live.rebuild("quota")

    assert (done.same, done.live) == (True, done.rebuilt)
