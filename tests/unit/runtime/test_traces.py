"""Traces through all services offline, to a collector that takes them by OTLP: what is one trace, what only links."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.evaluate import HEADERS, Offline
from shared import loglines
from shared.agreement.loader import AALBORG, load
from shared.events.cloudevents import TRACEPARENT
from shared.events.topics import SERVICES
from shared.logging import LibraryLines
from shared.runtime.contract import Outgoing, Record
from shared.runtime.traces import Traces
from shared.runtime.tracing import sent_with
from tests.collector import Collector, Seen, collecting

AFDELING = "0123-001"
A, B = "0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "b7ad6b7169203331"
AT = datetime(2026, 1, 2, 8, tzinfo=UTC)
ACTORS = {"proposed_by": "m1", "approved_by": "m2"}
Make = Callable[[], list[Traces]]


def event(kind: str, trace: str | None = None, flags: str = "01", **data: Any) -> bytes:
    told = {"specversion": "1.0", "id": f"e-{kind}", "source": "s", "type": f"dk.trappetrin.{kind}.v1"}
    traced = {TRACEPARENT: f"00-{trace}-{SPAN}-{flags}"} if trace else {}
    return json.dumps({**told, **traced, "data": {"revision": 1, **data}}).encode()


def registered(trace: str | None = None) -> bytes:
    return event(
        "afdeling.registered", trace, afdeling_id=AFDELING, organisation_id="0123", name="n", municipality="0851",
        valid_from="2024-01-01", family_homes=60, area_id=None, flexible_letting=None,
    )  # fmt: skip


def vacancy(name: str, trace: str | None = None, flags: str = "01") -> bytes:
    return event(
        "vacancy.reported", trace, flags, vacancy_id=name, afdeling_id=AFDELING, dwelling="family", reason="external",
        rooms=2, area_m2="60", rent_monthly="4000", vacant_from="2024-08-01",
    )  # fmt: skip


def offer(trace: str | None = None) -> bytes:
    told = {"offer_id": "o1", "vacancy_id": "v1", "afdeling_id": AFDELING, "submitted_on": "2024-07-02"}
    return event("offer.submitted", trace, **told)


GROUND = [
    event("agreement.published", document=load(AALBORG), **ACTORS),
    registered(),
    event(
        "placement.decided", placement_id="p", afdeling_id=AFDELING, colour="green", valid_from="2024-01-01",
        valid_to=None, reason="r", **ACTORS,
    ),
]  # fmt: skip


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as one:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", one.url)
        yield one


@pytest.fixture
def traces(collector: Collector) -> Iterator[Make]:
    """Tracers of all services, for a collector that was named by then."""
    made: list[Traces] = []

    def make() -> list[Traces]:
        some = [Traces(service, f"{service}-1") for service in SERVICES]
        made.extend(some)
        return some

    yield make
    for tracer in made:
        tracer.close()


def run(*lots: list[bytes], tracers: list[Traces] | None = None) -> Offline:
    """Lot after lot, each with all that follows from it; then all spans are with the collector."""
    offline = Offline(clock=lambda: AT)
    for (core, _), tracer in zip(offline.cores, tracers or (), strict=bool(tracers)):
        core.tracer = tracer

    async def told() -> None:
        for lot in lots:
            for number, one in enumerate(lot):
                offline.send("f", number, one, "0851")
            await offline.settle()

    asyncio.run(told())
    for tracer in tracers or ():
        tracer.spans.processor.force_flush()
    return offline


def outbound(offline: Offline) -> Iterator[tuple[str, Outgoing]]:
    for (topic, _), log in offline.broker.logs.items():
        yield from ((topic, record) for record in log if ".in." not in topic)


def parents(offline: Offline, topic: str) -> list[str]:
    """What the records of a topic tell of their traces; empty where they tell nothing."""
    told = (dict(record.headers).get(TRACEPARENT) for name, record in outbound(offline) if name == topic)
    return [(value or b"").decode() for value in told]


def ids(offline: Offline, topic: str) -> list[str]:
    return [told[3:35] for told in parents(offline, topic)]


def one(spans: list[Seen], service: str, name: str, trace: str) -> Seen:
    [span] = [s for s in spans if (s.service, s.name, s.trace) == (service, name, trace)]
    return span


def test_vacancy_quota_offer_and_decision_are_one_trace(collector: Collector, traces: Make) -> None:
    offline = run(GROUND, [vacancy("v1", A)], [offer(A)], tracers=traces())

    assert ids(offline, "vacancies.v1") == ids(offline, "offers.v1") == [A]
    assert ids(offline, "quotas.v1")[-1] == ids(offline, "ledger.v1")[-1] == A
    assert {*ids(offline, "decisions.v1")} == {A}
    assert ids(offline, "org.0123.receipts.v1")[-2:] == [A, A]

    accepted = [s for s in collector.spans if s.name == "process org.*.in.v1" and s.trace == A]
    counted = one(collector.spans, "quota", "process vacancies.v1", A)
    decided = one(collector.spans, "matching", "process offers.v1", A)

    assert [s.parent for s in accepted] == [SPAN, SPAN]
    assert [s.id for s in accepted] == [counted.parent, decided.parent]
    assert f"00-{A}-{counted.id}-01" in parents(offline, "quotas.v1")
    assert {*parents(offline, "decisions.v1")} == {f"00-{A}-{decided.id}-01"}
    assert counted.told["trappetrin.place"].startswith("vacancies.v1/")


def test_what_two_traces_brought_about_together_links_to_both(collector: Collector, traces: Make) -> None:
    offline = run(GROUND, [vacancy("v1", A), vacancy("v2", B)], tracers=traces())
    together = ids(offline, "quotas.v1")[-1]
    batch = one(collector.spans, "quota", "process", together)

    assert ids(offline, "vacancies.v1") == [A, B]
    assert together not in {A, B, ""}
    assert batch.parent == ""
    assert {trace for trace, _ in batch.links} == {A, B}
    assert batch.told["messaging.batch.message_count"] == 2


def test_an_event_that_comes_with_no_trace_begins_one(collector: Collector, traces: Make) -> None:
    offline = run(GROUND, [vacancy("v1")], tracers=traces())
    [trace] = ids(offline, "vacancies.v1")
    roots = [s for s in collector.spans if s.trace == trace and s.parent == ""]

    assert [(s.service, s.name) for s in roots] == [("ingest", "process org.*.in.v1")]
    assert ids(offline, "quotas.v1")[-1] == trace


def test_a_parked_event_goes_on_in_its_own_trace_when_it_is_released(traces: Make) -> None:
    offline = run(GROUND[:1], [vacancy("v1", A)], [registered(B)], GROUND[2:], tracers=traces())

    assert ids(offline, "afdelinger.v1") == [B]
    assert ids(offline, "vacancies.v1") == [A]
    assert ids(offline, "org.0123.receipts.v1") == [A, B, A]


def test_a_re_evaluation_links_to_the_batch_that_began_it(collector: Collector, traces: Make) -> None:
    run(GROUND[1:], GROUND[:1], tracers=traces())
    chunks = [s for s in collector.spans if (s.service, s.name) == ("classifier", "reconsider")]
    batches = {(s.trace, s.id) for s in collector.spans if (s.service, s.name) == ("classifier", "process")}

    assert chunks
    assert {link for s in chunks for link in s.links} <= batches
    assert all(len(s.links) == 1 for s in chunks)


def test_a_refused_event_is_a_span_that_went_wrong_and_its_bytes_stay_as_they_were(
    collector: Collector, traces: Make
) -> None:
    broken = event("vacancy.reported", A, vacancy_id="v1", afdeling_id=AFDELING)
    offline = run(GROUND, [broken], tracers=traces())
    [letter] = offline.broker.logs["ingest.dead-letters.v1", 0]

    assert one(collector.spans, "ingest", "process org.*.in.v1", A).wrong
    assert letter.value == broken
    assert TRACEPARENT not in dict(letter.headers)


@pytest.mark.parametrize("header", [(TRACEPARENT, f"00-{A}-{SPAN}-01".encode()), ("x", b"y")], ids=["came", "begins"])
def test_the_line_of_a_dead_letter_names_its_trace(
    collector: Collector, traces: Make, monkeypatch: pytest.MonkeyPatch, header: tuple[str, bytes]
) -> None:
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr("shared.runtime.core.DEAD_LETTERS", lambda **told: lines.append(told))
    tracers = traces()
    core, _ = Offline().cores[2]
    core.tracer = tracers[2]
    core.relay.spoiled = False
    core.relay.measure()

    async def told() -> None:
        core.assigned(["0"])
        await core.claim()
        await core.handle([Record("vacancies.v1", 0, 0, AFDELING.encode(), b"{", [header])])

    asyncio.run(told())
    tracers[2].spans.processor.force_flush()
    [wrong] = [s for s in collector.spans if s.wrong]

    assert [line["trace_id"] for line in lines] == [wrong.trace]
    assert (wrong.trace == A) == (header[0] == TRACEPARENT)


def test_turned_off_nothing_is_told_and_turned_on_nothing_else(traces: Make) -> None:
    lots = GROUND, [vacancy("v1", A), vacancy("v2", B)], [offer(A)]
    off, on = run(*lots), run(*lots, tracers=traces())

    assert set(parents(off, "quotas.v1")) == {""}
    assert "" not in parents(on, "quotas.v1")
    assert untraced(off) == untraced(on)


def untraced(offline: Offline) -> list[Any]:
    """What went out, to the byte, but for its trace."""
    return [
        (topic, r._replace(headers=[(name, value) for name, value in r.headers if name != TRACEPARENT]))
        for topic, r in outbound(offline)
    ]


def test_who_does_not_want_to_be_traced_is_not(collector: Collector, traces: Make) -> None:
    offline = run(GROUND, [vacancy("v1", A, flags="00")], tracers=traces())

    assert [told[-2:] for told in parents(offline, "vacancies.v1")] == ["00"]
    assert ids(offline, "quotas.v1")[-1] == A
    assert [s for s in collector.spans if s.trace == A] == []


@pytest.mark.parametrize(
    ("sampler", "traced"),
    [("parentbased_traceidratio", {A}), ("traceidratio", set[str]()), ("always_off", set[str]())],
)
def test_how_many_are_traced_is_told_by_the_environment(
    collector: Collector, traces: Make, monkeypatch: pytest.MonkeyPatch, sampler: str, traced: set[str]
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    run(GROUND, [vacancy("v1", A)], tracers=traces())

    assert {s.trace for s in collector.spans} == traced


def test_a_collector_in_need_or_away_hurts_nobody(traces: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr("shared.logging.LIBRARY", lambda **told: lines.append(told))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    root, handlers = logging.getLogger(), logging.getLogger().handlers
    root.handlers = [LibraryLines()]
    with collecting(status=503) as needy:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", needy.url)
        offline = run(GROUND, [vacancy("v1", A)], tracers=traces())
    away = run(GROUND, [vacancy("v1", A)], tracers=traces())  # nobody is at that address any more
    root.handlers = handlers

    assert untraced(offline) == untraced(away) == untraced(run(GROUND, [vacancy("v1", A)]))
    assert needy.requests > 0
    assert {str(line["library"]).partition(".")[0] for line in lines} == {"opentelemetry"}
    assert all(loglines.fits("library", line["library"]) for line in lines)


WELL = f"00-{A}-{SPAN}-01"


@pytest.mark.parametrize(
    ("told", "trace"),
    [
        (WELL, WELL),
        (f"cc-{A}-{SPAN}-01-what will be", f"cc-{A}-{SPAN}-01"),
        (f"cc-{A}-{SPAN}-01", f"cc-{A}-{SPAN}-01"),
        (f"cc-{A}-{SPAN}-01.", None),
        (f"{WELL}-more", None),
        (f"ff-{A}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{A}-{'0' * 16}-01", None),
        (WELL.upper(), None),
        (f"{WELL}\n", None),
        ("", None),
    ],
)
def test_only_what_w3c_has_is_a_trace(told: str, trace: str | None) -> None:
    binary = [Record("t", 0, 0, None, b"{}", [(name, told.encode())]) for name in (TRACEPARENT, f"ce_{TRACEPARENT}")]
    structured = json.dumps({TRACEPARENT: told}).encode()

    assert [sent_with(r) for r in binary] == [trace, trace]
    assert sent_with(Record("t", 0, 0, None, structured, HEADERS)) == trace


def test_the_hop_goes_before_the_origin() -> None:
    headers = [(f"ce_{TRACEPARENT}", f"00-{B}-{SPAN}-01".encode()), (TRACEPARENT, WELL.encode())]

    assert sent_with(Record("t", 0, 0, None, b"{}", headers)) == WELL
    assert sent_with(Record("t", 0, 0, None, b"{}", headers[::-1])) == WELL


@given(
    st.lists(st.tuples(st.sampled_from([TRACEPARENT, f"ce_{TRACEPARENT}"]), st.none() | st.binary(max_size=60))),
    st.sampled_from([b'["traceparent"]', b'{"traceparent": 7}', b'{"traceparent', b'{"traceparent": "\\ud800"}', None])
    | st.binary(max_size=60).map(b'"traceparent"'.__add__),
)
def test_whatever_a_sender_writes_is_a_trace_or_none(
    headers: list[tuple[str, bytes | None]], value: bytes | None
) -> None:
    trace = sent_with(Record("t", 0, 0, None, value, [*HEADERS, *headers]))

    assert trace is None or (len(trace), trace[2]) == (55, "-")


def test_without_traces_opentelemetry_is_not_loaded() -> None:
    heavy = ("opentelemetry.sdk", "opentelemetry.trace", "opentelemetry.exporter", "google.protobuf", "requests")
    code = f"import sys, services.quota.app; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout == "[]\n"
