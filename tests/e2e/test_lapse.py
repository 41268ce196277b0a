"""A lapse that falls due while everything is stopped is published once after the start; a late reply undoes it."""

import json
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from deploy.local.stack import Stack
from services.cli.day import close_day
from services.cli.log import Log, record_of
from services.cli.settle import wait_until_settled
from services.cli.state import current
from services.cli.system import of
from services.ingest.days import yesterday
from shared.agreement.loader import AALBORG, load
from shared.calendar import after_working_days
from shared.clock import utc_now
from shared.events.decoding import decode
from shared.events.internal import Life
from tests.e2e.checks import assert_versions_are_whole, published

LAST = yesterday(utc_now())
SUBMITTED = LAST - timedelta(days=30)
DEADLINE = after_working_days(SUBMITTED, 5)
OFFER = {"offer_id": "t1", "afdeling_id": "0123-001"}


def told(kind: str, **data: object) -> tuple[str, int, bytes]:
    event = {"specversion": "1.0", "id": kind, "source": "s", "type": f"dk.trappetrin.{kind}.v1", "data": data}
    return "f", 1, json.dumps(event, default=str).encode()


def lives(stack: Stack) -> Iterator[Life]:
    log = Log(of(stack), "decisions.v1".__eq__)
    for message in log.whole():
        body = decode(record_of(message)).body
        if isinstance(body, Life):
            yield body
    log.close()


def state(stack: Stack) -> str:
    wait_until_settled(of(stack), limit=120)
    found: str = current(of(stack))["offers"]["0123/t1"]["state"]
    return found


@pytest.mark.timeout(240)
def test_a_lapse_of_the_time_when_all_was_stopped_is_published_once(
    stack: Stack, facts: list[tuple[str, int, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    published(stack, facts)
    close_day(of(stack), DEADLINE - timedelta(days=1))

    assert state(stack) == "decided"

    stack.down(say=lambda _line: None)
    monkeypatch.setenv("TRAPPETRIN_CLOSE_DAYS", "clock")
    stack.up(2, say=lambda _line: None)
    log = Log(of(stack), "decisions.v1".__eq__)
    for messages in log.tail(beginning=True):
        if any(isinstance(b := decode(record_of(m)).body, Life) and b.state == "lapsed" for m in messages):
            break
    log.close()

    assert state(stack) == "lapsed"
    assert current(of(stack))["closed_day"] == str(LAST)

    published(stack, [told("offer.assigned", **OFFER, on=DEADLINE, decision_version=1, revision=1)])

    assert state(stack) == "assigned"
    told_of = sorted(set_of(lives(stack)), key=lambda x: x.version)
    assert [(x.state, x.since) for x in told_of if x.state not in ("submitted", "decided")] == [
        ("lapsed", DEADLINE),
        ("assigned", DEADLINE),
    ]
    assert_versions_are_whole(stack)


def set_of(found: Iterator[Life]) -> list[Life]:
    """Each version once: a repeated publish is the same event."""
    return list({x.version: x for x in found}.values())


@pytest.fixture
def facts() -> list[tuple[str, int, bytes]]:
    """A green afdeling, a home, and an offer that nobody answers."""
    actors, since = {"proposed_by": "m1", "approved_by": "m2"}, date(2024, 1, 1)
    return [
        told("agreement.published", document=load(AALBORG), revision=1, **actors),
        told(
            "afdeling.registered", afdeling_id="0123-001", organisation_id="0123", name="n", municipality="0851",
            valid_from=since, family_homes=60, area_id=None, flexible_letting=None, revision=1,
        ),
        told(
            "placement.decided", placement_id="p", afdeling_id="0123-001", colour="green", valid_from=since,
            valid_to=None, reason="r", revision=1, **actors,
        ),
        told(
            "vacancy.reported", vacancy_id="b1", afdeling_id="0123-001", dwelling="family", reason="external", rooms=2,
            area_m2="60", rent_monthly="4000", vacant_from=SUBMITTED + timedelta(days=10), revision=1,
        ),
        told("offer.submitted", **OFFER, vacancy_id="b1", submitted_on=SUBMITTED, revision=1),
    ]  # fmt: skip
