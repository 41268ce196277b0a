"""What a sender's trace becomes on the real stack: real processes, headers, outbox and database, and a collector that
takes spans by OTLP.
"""

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from services.cli.log import Log, record_of
from services.cli.settle import wait_until_settled
from services.cli.system import of
from shared.agreement.loader import AALBORG, load
from shared.runtime.tracing import sent_with
from tests.collector import Collector, Seen, collecting
from tests.e2e.checks import published

TRACE, LATE, SPAN = "0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736", "b7ad6b7169203331"
WAY = {
    ("ingest", "process org.*.in.v1"),
    ("quota", "process vacancies.v1"),
    ("matching", "process offers.v1"),
    ("quota", "process decisions.v1"),
}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as one:
        yield one


@pytest.fixture(scope="module")
def stack(collector: Collector, folder: Path, say: Callable[[str], None]) -> Iterator[Stack]:
    """Traced, one process of each service."""
    stack = Stack(folder)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TRAPPETRIN_TRACES", "on")
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        try:
            stack.up(1, say=say)
            yield stack
        finally:
            stack.down(delete_data=True, say=say)


def told(kind: str, trace: str | None = None, **data: object) -> tuple[str, int, bytes]:
    event = {"specversion": "1.0", "id": kind, "source": "s", "type": f"dk.trappetrin.{kind}.v1", "data": data}
    traced = {"traceparent": f"00-{trace}-{SPAN}-01"} if trace else {}
    return "f", 1, json.dumps({**event, **traced}, default=str).encode()


def traces(stack: Stack, *topics: str) -> list[str | None]:
    """Of the records of these topics: which trace each tells."""
    log = Log(of(stack), topics.__contains__)
    found = [sent_with(record_of(message)) for message in log.whole()]
    log.close()
    return [trace and trace[3:35] for trace in found]


def of_trace(spans: list[Seen], trace: str) -> list[tuple[str, str]]:
    return [(s.service, s.name) for s in spans if s.trace == trace]


@pytest.mark.timeout(180)
def test_inbound_event_vacancy_quota_offer_and_decision_are_one_trace(stack: Stack, collector: Collector) -> None:
    actors, since, afdeling = {"proposed_by": "m1", "approved_by": "m2"}, date(2024, 1, 1), {"afdeling_id": "0123-001"}
    published(
        stack,
        [
            told("agreement.published", document=load(AALBORG), revision=1, **actors),
            told(
                "afdeling.registered", **afdeling, organisation_id="0123", name="n", municipality="0851",
                valid_from=since, family_homes=60, area_id=None, flexible_letting=None, revision=1,
            ),
            told(
                "placement.decided", placement_id="p", **afdeling, colour="green", valid_from=since, valid_to=None,
                reason="r", revision=1, **actors,
            ),
        ],
    )  # fmt: skip
    wait_until_settled(of(stack), limit=60)
    home = {"dwelling": "family", "reason": "external", "rooms": 2, "area_m2": "60", "rent_monthly": "4000"}
    published(
        stack, [told("vacancy.reported", TRACE, vacancy_id="b1", **afdeling, **home, vacant_from=since, revision=1)]
    )
    wait_until_settled(of(stack), limit=60)
    published(
        stack,
        [told("offer.submitted", TRACE, offer_id="t1", **afdeling, vacancy_id="b1", submitted_on=since, revision=1)],
    )
    wait_until_settled(of(stack), limit=60)
    spans = collector.until(lambda spans: set(of_trace(spans, TRACE)) >= WAY)
    way = {s.id: s for s in spans if s.trace == TRACE}

    assert set(of_trace(spans, TRACE)) == WAY
    assert {s.parent for s in way.values()} - way.keys() == {SPAN}
    assert chains(way, "quota", "process decisions.v1") == {("decisions.v1", "offers.v1", "org.0123.in.v1")}
    assert chains(way, "quota", "process vacancies.v1") == {("vacancies.v1", "org.0123.in.v1")}
    assert traces(stack, "vacancies.v1", "offers.v1") == [TRACE, TRACE]
    assert set(traces(stack, "decisions.v1")) == {TRACE}
    assert traces(stack, "quotas.v1")[-2:] == [TRACE, TRACE]
    assert all(0 <= s.told["trappetrin.waited_seconds"] < 60 for s in way.values())
    assert {s.told.get("messaging.message.id") is None for s in way.values() if s.service != "ingest"} == {False}
    # Its batches are no part of it, and link to it.
    assert {link for s in spans if s.name == "process" for link in s.links} >= {(TRACE, SPAN)}


def chains(way: dict[str, Seen], service: str, name: str) -> set[tuple[str, ...]]:
    """The topics by which spans of that name came about, their own first."""
    found = set()
    for span in (s for s in way.values() if (s.service, s.name) == (service, name)):
        chain = [span]
        while chain[-1].parent in way:
            chain.append(way[chain[-1].parent])
        found.add(tuple(s.told["trappetrin.place"].partition("/")[0] for s in chain))
    return found


@pytest.mark.timeout(180)
def test_a_parked_event_goes_on_in_its_trace_from_the_database(stack: Stack, collector: Collector) -> None:
    late, since = {"afdeling_id": "0123-002"}, date(2024, 1, 1)
    home = {"dwelling": "family", "reason": "external", "rooms": 2, "area_m2": "60", "rent_monthly": "4000"}
    published(stack, [told("vacancy.reported", LATE, vacancy_id="b2", **late, **home, vacant_from=since, revision=1)])
    wait_until_settled(of(stack), limit=60)
    parked = of_trace(collector.until(lambda spans: LATE in {s.trace for s in spans}), LATE)
    published(
        stack,
        [
            told(
                "afdeling.registered", **late, organisation_id="0123", name="n", municipality="0851", valid_from=since,
                family_homes=60, area_id=None, flexible_letting=None, revision=1,
            )
        ],
    )  # fmt: skip
    wait_until_settled(of(stack), limit=60)

    assert parked == [("ingest", "process org.*.in.v1")]
    assert traces(stack, "vacancies.v1").count(LATE) == 1
    assert traces(stack, "org.0123.receipts.v1").count(LATE) == 2
