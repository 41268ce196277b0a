"""A real Prometheus beside the real system: every alert fires for its true cause, reaches whom it concerns, clears."""

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from deploy.local.stack import Stack
from services.cli.acts import lift, stops
from services.cli.designations import agreement
from services.cli.invented.telling import line
from services.cli.system import of
from services.ingest.memory import MemoryIngestStore
from tests.edge import Edge
from tests.ops.running import Received, Running, load

pytestmark = pytest.mark.timeout(600)
EVENT = Edge(MemoryIngestStore()).event
TODAY = datetime.now(UTC).date()
VACANT, SUBMITTED = str(TODAY - timedelta(30)), str(TODAY - timedelta(10))
ONE, TWO, LATE = "0123-001", "0123-002", "0123-009"


@contextmanager
def locked(stack: Stack, table: str) -> Iterator[None]:
    """Somebody's session that holds a table."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(stack.dsn))
        try:
            runner.run(connection.execute(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
            yield
        finally:
            runner.run(connection.close())


def limit_of(stack: Stack, topic: str, limit: int) -> None:
    """Somebody changes the largest batch that a topic takes."""
    resource = ConfigResource(ResourceType.TOPIC, topic)
    resource.add_incremental_config(
        ConfigEntry("max.message.bytes", str(limit), incremental_operation=AlterConfigOpType.SET)
    )
    admin = AdminClient({"bootstrap.servers": ",".join(stack.kafka_servers)})
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(30)


def first_of_december(years: int) -> str:
    """The newest 1 December that has been, or so many years before it."""
    newest = date(TODAY.year, 12, 1)
    return str(newest.replace(year=newest.year - (newest > TODAY) - years))


def list_of(day: str) -> bytes:
    return EVENT("list.published", list_date=day, lists={"udsat": {"complete": True, "areas": []}})


def placed(afdeling: str) -> bytes:
    """By two people, so that its colour is known without figures."""
    return EVENT(
        "placement.decided", placement_id=f"p-{afdeling}", afdeling_id=afdeling, colour="green",
        valid_from="2024-01-01",
    )  # fmt: skip


def offered(number: str, **vacancy: Any) -> list[bytes]:
    return [
        EVENT("vacancy.reported", vacancy_id=f"v{number}", vacant_from=VACANT, **vacancy),
        EVENT("offer.submitted", offer_id=f"o{number}", vacancy_id=f"v{number}", submitted_on=SUBMITTED),
    ]


def agreement_signals(running: Running) -> None:
    """What the parties leave undone, and do."""
    running.publish(
        [
            line(agreement(date(2018, 1, 1))).encode(),
            list_of(first_of_december(2)),
            EVENT("afdeling.registered", afdeling_id=ONE),
            placed(ONE),
            *offered("1"),
            *offered("2", rent_monthly=None),
            EVENT("afdeling.registered", afdeling_id=TWO),
            EVENT("vacancy.reported", vacancy_id="v9", afdeling_id=LATE, vacant_from=VACANT),
        ]
    )
    running.fires(
        "TrappetrinListOld",
        "TrappetrinOfferUnanswered",
        "TrappetrinOfferReferred",
        "TrappetrinColoursUnknown",
        "TrappetrinParked",
    )
    running.publish(
        [
            list_of(first_of_december(0)),
            EVENT("offer.assigned", offer_id="o1"),
            EVENT("offer.resolved", offer_id="o2", outcome="rejected"),
            placed(TWO),
            EVENT("afdeling.registered", afdeling_id=LATE),
            placed(LATE),
        ]
    )
    running.clears(
        "TrappetrinListOld",
        "TrappetrinOfferUnanswered",
        "TrappetrinOfferReferred",
        "TrappetrinColoursUnknown",
        "TrappetrinParked",
    )


def owing(running: Running) -> None:
    """Four homes of one afdeling, free for long, and none of them was reported."""
    day = str(TODAY - timedelta(150))
    running.publish([EVENT("vacancy.reported", afdeling_id=TWO, vacancy_id=f"w{n}", vacant_from=day) for n in range(4)])
    running.fires("TrappetrinHomesOwed")
    running.publish(
        [EVENT("offer.submitted", afdeling_id=TWO, offer_id="p1", vacancy_id="w0", submitted_on=str(TODAY))]
    )
    running.clears("TrappetrinHomesOwed")


def broken_records(running: Running) -> None:
    """A sender whose system is broken, and somebody's hand in an internal topic: a few records, then very many."""
    running.produce("vacancies.v1", 0, b"{", b"0123-001")
    running.publish([b'{"specversion": "1.0", "id": "%d"}' % n for n in range(60)])
    running.fires("TrappetrinDeadLetters", "TrappetrinRefusals")
    running.produce("vacancies.v1", 1, b"{", times=700)
    running.fires("TrappetrinTaskHalted", "TrappetrinTasksUnowned")
    system = of(running.stack)
    stopped = {(stop.service, stop.task) for stop in stops(system)}

    assert stopped == {("quota", "1"), ("matching", "1")}

    for service, task in stopped:
        lift(system, service, task, "drift-7", "the hand is gone")
    running.clears("TrappetrinTaskHalted", "TrappetrinTasksUnowned")
    running.clears("TrappetrinDeadLetters", "TrappetrinRefusals")


def contested(running: Running) -> None:
    """Somebody else claims the tasks again and again."""
    with load(running, [placed(ONE), *offered("1")], size=3):
        while "TrappetrinTasksContested" not in running.firing():
            running.statement("UPDATE ingest.task SET version = version + 1")
            time.sleep(0.5)
    running.fires("TrappetrinTasksContested")
    running.clears("TrappetrinTasksContested")


def behind(running: Running) -> None:
    """Somebody's session holds a table that the classifier needs."""
    with locked(running.stack, "classifier.fact"):
        running.publish([placed(ONE).replace(b'"p-', b'"q-')])
        running.fires("TrappetrinLag", "TrappetrinSignalsStale")
    running.clears("TrappetrinLag", "TrappetrinSignalsStale")


def stalled_and_killed(running: Running) -> None:
    """A process is killed, and the one that takes over cannot claim: somebody's session holds the table."""
    with locked(running.stack, "quota.task"):
        running.kill("quota-2")
        running.fires("TrappetrinProcessDown", "TrappetrinLoopStalled")
    running.up()
    running.clears("TrappetrinProcessDown", "TrappetrinLoopStalled")


def killed(running: Running) -> None:
    """All processes of a service are killed."""
    running.kill("matching-1", "matching-2")
    running.fires("TrappetrinServiceDown")
    running.up()
    running.clears("TrappetrinServiceDown")


def rejected(running: Running) -> None:
    """Somebody has made a topic too small for what quota has to say."""
    before = 1_150_000
    limit_of(running.stack, "quotas.v1", 100)
    running.publish([EVENT("vacancy.reported", vacancy_id="v3", vacant_from=VACANT)])
    running.fires("TrappetrinOutboxStuck")
    limit_of(running.stack, "quotas.v1", before)
    running.clears("TrappetrinOutboxStuck")


def frozen(running: Running) -> None:
    """A process is frozen again and again, for longer than its session."""
    while "TrappetrinRebalancing" not in running.firing():
        running.kill("quota-2", number=signal.SIGSTOP)
        time.sleep(2.5)
        running.kill("quota-2", number=signal.SIGCONT)
        time.sleep(1)
    running.fires("TrappetrinRebalancing")
    running.clears("TrappetrinRebalancing")


def away(running: Running) -> None:
    """The database is killed, then the broker."""
    for name, alert in (("postgres", "TrappetrinDatabaseAway"), ("kafka", "TrappetrinBrokerAway")):
        running.kill(name)
        running.fires(alert, "TrappetrinNotReady")
        running.up()
        running.clears(alert, "TrappetrinNotReady")


def test_every_alert_fires_for_its_true_cause_and_clears(running: Running, received: Received) -> None:
    names = alert_names(running)
    for step in (
        agreement_signals, owing, behind, stalled_and_killed, killed, rejected, frozen, contested, broken_records, away,
    ):  # fmt: skip
        before = running.firing()
        began = time.monotonic()
        step(running)
        print(f"{step.__name__}: {time.monotonic() - began:.0f} s, before it {sorted(before)}")  # noqa: T201 - seen by -s
    running.until(lambda: not running.firing(), lambda: f"{running.firing()} do not clear")
    told = received.told
    running.until(lambda: told("resolved") >= names, lambda: f"not told as resolved: {names - told('resolved')}")

    assert told("firing") == told("resolved") == names
    assert {r for r, _ in received.messages["TrappetrinServiceDown"]} == {"on-call"}
    assert {r for r, _ in received.messages["TrappetrinOfferReferred"]} == {"agreement"}
    assert [t for t in received.texts if "<no value>" in t or "{{" in t] == []


def alert_names(running: Running) -> set[str]:
    groups = running.ask("rules", type="alert")["groups"]
    return {rule["name"] for group in groups for rule in group["rules"]}
