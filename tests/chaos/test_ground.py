"""Where the ground moves: states made anew, a database set back, topics and a broker lost. Each is named, and each has
a way out, after which versions and journals go on without a gap and without two contents of one.
"""

import asyncio
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.local import kafka, postgres
from deploy.local.processes import spawn, stop
from deploy.local.settings import STOP, cache
from deploy.local.stack import Stack
from services.cli.evaluate import lines_of
from services.cli.ground.dumping import run
from services.cli.ground.manifest import DUMP
from services.cli.ground.reading import Topics
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from services.cli.system import of
from shared.events.topics import READS, SERVICES
from shared.runtime.admin import ensure_internal_topics
from tests.e2e.checks import (
    assert_all_verifies,
    assert_ledger_is_whole,
    assert_versions_are_whole,
    expected,
    live,
    published,
)
from tests.e2e.console import trappetrin

SMALL = list(lines_of([Path(__file__).parents[2] / "examples" / "small.ndjson"]))
YEAR = [("simulated", n, line(event).encode()) for n, event in enumerate(simulate(4, afdelinger=8), 1)]
HALF = len(YEAR) // 2

# An afdeling with a home that counts, and that home made one that does not.
COUNTED = (
    "SELECT entity FROM quota.conclusion WHERE kind = 'quota' AND (body ->> 'counting')::int > 0 ORDER BY 1 LIMIT 1"
)
ALTER = """
UPDATE quota.fact SET body = jsonb_set(body, '{dwelling}', '"youth"')
WHERE kind = 'vacancy.reported' AND (entity, key) = (
    SELECT entity, key FROM quota.fact WHERE kind = 'vacancy.reported' AND entity = $1 AND version = 1
    AND body ->> 'dwelling' = 'family' AND body ->> 'reason' = 'external' ORDER BY key LIMIT 1)
RETURNING key
"""


@pytest.fixture(scope="module")
def stack(folder: Path) -> Iterator[Stack]:
    """One process of every service."""
    stack = Stack(folder)
    try:
        stack.up(1, say=quiet)
        yield stack
    finally:
        stack.down(delete_data=True, say=quiet)


def quiet(_line: str) -> None:
    return


def stopped(stack: Stack, *services: str) -> None:
    stack.down(only=services or SERVICES, say=quiet)


def sizes(stack: Stack) -> dict[tuple[str, int], int]:
    topics = Topics(of(stack))
    return {place: topics.end(place) for place in topics.ends if not place[0].startswith("__")}


def altered(stack: Stack, sql: str, *values: Any) -> str:
    """Behind everybody's back; what the statement tells."""

    async def alter() -> str:
        connection = await asyncpg.connect(stack.dsn or "")
        try:
            return str(await connection.fetchval(sql, *values))
        finally:
            await connection.close()

    return asyncio.run(alter())


def why_not_ready(stack: Stack, service: str) -> str:
    """What a process of the service says when it has looked at its ground. It is stopped again."""
    spec = stack.service(stack.read(), f"{service}-1")
    process = spawn(spec)
    try:
        while True:
            assert process.alive
            try:
                told = httpx.get(f"http://127.0.0.1:{spec.port}/ready", timeout=20).json()
            except httpx.HTTPError:
                continue
            if (told["why"] or "")[:1].isdecimal():  # it begins with the number of a task
                return str(told["why"])
    finally:
        stop([process], STOP, 20)


def lose_the_broker(stack: Stack) -> None:
    """Another one answers at its address, and has nothing but empty topics. No service runs."""
    stack.down(say=quiet)
    shutil.rmtree(stack.home / "kafka")
    with stack.changing() as book:
        for node in stack.nodes(book):
            kafka.format_storage(cache(), node, kafka.new_cluster())
        database, broker = stack.ground(book)
        stack.start(book, [database, broker], quiet)
        stack.wait(book, database, lambda: postgres.answers(database.port, book.password))
        stack.wait(book, broker, lambda: kafka.answers(broker.port))
    ensure_internal_topics(stack.kafka_servers)


def until_told(stack: Stack, service: str) -> None:
    """Until the group has heard that all was consumed: every five seconds it does."""
    consumer = Consumer({"bootstrap.servers": stack.kafka_servers[0], "group.id": f"trappetrin.{service}"})
    places = {p: at for p, at in sizes(stack).items() if p[0] in READS[service] and at}
    try:
        while {
            (p.topic, p.partition): p.offset for p in consumer.committed([TopicPartition(*p) for p in places])
        } != places:
            pass  # each look is a request
    finally:
        consumer.close()


def assert_whole(stack: Stack, lines: Sequence[Any]) -> None:
    assert live(stack) == expected(lines)
    assert_versions_are_whole(stack)
    assert_ledger_is_whole(stack)
    assert_all_verifies(stack)


def test_an_intact_state_is_rebuilt_the_same_and_nothing_is_said_anew(stack: Stack) -> None:
    published(stack, [*SMALL, *YEAR[:HALF]])
    whole = live(stack)
    before = sizes(stack)
    stopped(stack)
    for service in SERVICES:
        told = trappetrin(stack, "rebuild", service, "--json")

        assert (told["differing"], told["news"], told["swapped"]) == ([], [], True)
        assert told["live"] == told["rebuilt"]

    stack.up(say=quiet)

    assert live(stack) == whole
    assert sizes(stack) == before


def test_an_altered_row_is_named_and_the_right_state_is_the_next_version(stack: Stack) -> None:
    stopped(stack, "quota")
    afdeling = altered(stack, COUNTED)
    vacancy = altered(stack, ALTER, afdeling)
    altered(stack, "UPDATE quota.task SET cursor = ''")
    stack.up(say=quiet)
    wrong = live(stack)

    assert wrong != expected([*SMALL, *YEAR[:HALF]])  # it was counted otherwise, published and booked

    stopped(stack, "quota")
    told = trappetrin(stack, "rebuild", "quota", "--json", "--dry-run", fails=1)

    assert told["differing"] == [f"{afdeling}: fact vacancy.reported {vacancy} version 1 is not as in the topics"]
    assert {one.partition(":")[0] for one in told["news"]} == {afdeling}
    assert told["live"] != told["rebuilt"]

    told = trappetrin(stack, "rebuild", "quota", "--json", "--accept-differences", "--why", "altered by hand")

    assert told["swapped"]
    stack.up(say=quiet)
    assert_whole(stack, [*SMALL, *YEAR[:HALF]])


def test_a_database_that_was_set_back_is_named_and_goes_on(stack: Stack) -> None:
    folder = stack.home / "backup"
    trappetrin(stack, "backup", str(folder))
    published(stack, YEAR[HALF:])
    live(stack)
    before = sizes(stack)
    until_told(stack, "quota")
    stopped(stack)
    run(stack.dsn or "", "pg_restore", "--clean", "--if-exists", str(folder / DUMP))

    assert "behind what was consumed before, the database was set back: " in why_not_ready(stack, "quota")

    trappetrin(stack, "restore", "--in-place", "--why", "somebody put a snapshot back")
    stack.up(say=quiet)

    assert_whole(stack, [*SMALL, *YEAR])
    assert sizes(stack) == before  # nothing is said twice

    assert "must be stopped first" in trappetrin(stack, "restore", str(folder), "--why", "too early", fails=2)

    stopped(stack)
    assert " is whole" in trappetrin(stack, "restore", str(folder), "--why", "the disk died", "--dry-run")
    told = trappetrin(stack, "restore", str(folder), "--why", "the disk died", "--json")

    assert re.fullmatch(rf"{postgres.NAME}_\d{{8}}_\d{{6}}_before", told["kept"])
    stack.up(say=quiet)
    assert_whole(stack, [*SMALL, *YEAR])
    assert sizes(stack) == before


def test_a_topic_that_was_made_anew_is_named_and_written_again(stack: Stack) -> None:
    stopped(stack)
    admin = AdminClient({"bootstrap.servers": stack.kafka_servers[0]})
    admin.delete_topics(["vacancies.v1"])["vacancies.v1"].result()
    while "vacancies.v1" not in ensure_internal_topics(stack.kafka_servers):
        pass  # the broker is still deleting it

    assert "ahead of its topics, which were emptied or made anew: vacancies.v1 " in why_not_ready(stack, "quota")

    would = trappetrin(stack, "reground", "--why", "to see", "--topic", "offers.v1", "--dry-run", "--json")
    told = trappetrin(stack, "reground", "--why", "vacancies.v1 was deleted", "--json")

    assert set(would["records"]) == {"vacancies.v1", "offers.v1"}
    assert would["records"]["vacancies.v1"] == told["records"]["vacancies.v1"]

    assert set(told["records"]) == {"vacancies.v1"}
    stack.up(say=quiet)
    assert_whole(stack, [*SMALL, *YEAR])


def test_a_broker_whose_data_is_gone_gets_what_the_databases_hold(stack: Stack) -> None:
    whole = live(stack)
    lose_the_broker(stack)

    assert "ahead of its topics, which were emptied or made anew: " in why_not_ready(stack, "matching")

    trappetrin(stack, "reground", "--all", "--why", "the broker's disk died")
    stack.up(say=quiet)

    assert live(stack) == whole
    assert_ledger_is_whole(stack)
    assert_all_verifies(stack)
    published(stack, SMALL)  # a sender who sends again changes nothing
    assert live(stack) == whole
    stopped(stack)
    for service in SERVICES:
        assert trappetrin(stack, "rebuild", service, "--dry-run", "--json")["differing"] == []


def test_what_is_left_when_topics_and_database_are_lost_is_the_backup(stack: Stack) -> None:
    folder = str(stack.home / "backup")
    lose_the_broker(stack)

    assert "was made anew" in trappetrin(stack, "restore", folder, "--why", "all is lost", fails=2)

    trappetrin(stack, "restore", folder, "--topics-lost", "--why", "all is lost")
    trappetrin(stack, "reground", "--all", "--why", "all is lost")
    stack.up(say=quiet)

    assert live(stack) == expected([*SMALL, *YEAR[:HALF]])
    published(stack, [*SMALL, *YEAR])  # the senders send again what has no receipt
    assert live(stack) == expected([*SMALL, *YEAR])
    assert_ledger_is_whole(stack)
    assert_all_verifies(stack)
