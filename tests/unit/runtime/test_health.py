"""Startup, liveness and readiness are three things, each told with its reason."""

import asyncio
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest

from shared.runtime.health import DEAF, Health


@pytest.fixture
def health() -> Any:
    """Of a process that has come up and is well."""
    relay = SimpleNamespace(stuck={}, spoiled=False)
    core = SimpleNamespace(torn=None, missing=set(), tasks={"0": None, "1": None}, halted={}, stopped={}, relay=relay)
    looks = SimpleNamespace(database=None, broker=None)
    well = Health(core, SimpleNamespace(beat=monotonic()), looks)
    well.joined = True
    return well


def test_all_is_well(health: Any) -> None:
    well = {"ok": True, "why": None}
    ready = {**well, "tasks": ["0", "1"], "stopped": {}}

    assert (health.startup(), health.live(), health.ready()) == (well, well, ready)


def test_before_it_has_joined_it_is_alive_and_neither_up_nor_ready(health: Any) -> None:
    health.joined = False

    assert [c()["ok"] for c in (health.startup, health.live, health.ready)] == [False, True, False]
    assert {health.startup()["why"], health.ready()["why"]} == {"the broker does not answer yet"}

    health.looks.database = "the database has no tables: run `trappetrin migrate`"

    assert {health.startup()["why"], health.ready()["why"]} == {"the database has no tables: run `trappetrin migrate`"}


def test_once_it_was_up_a_database_that_goes_away_leaves_it_up_and_alive(health: Any) -> None:
    why = "the database lacks 0002_more.sql: run `trappetrin migrate`"
    health.looks.database = why

    assert health.startup() == {"ok": False, "why": why}

    health.looks.database = None

    assert health.startup()["ok"]

    health.looks.database = "the database does not answer: TimeoutError"

    assert [c()["ok"] for c in (health.startup, health.live, health.ready)] == [True, True, False]
    assert health.ready()["why"] == "the database does not answer: TimeoutError"


@pytest.mark.parametrize(
    ("ill", "why"),
    [
        (lambda h: h.core.halted.update({"1": "500 dead letters in a row"}), "1: 500 dead letters in a row"),
        (lambda h: h.core.relay.stuck.update({"0": "quotas.v1 rejected"}), "0: quotas.v1 rejected"),
        (lambda h: setattr(h.core, "torn", "the group gave"), "the group gave"),
        (lambda h: h.core.missing.add("1"), "not claimed yet: 1"),
        (lambda h: setattr(h.looks, "broker", "the broker does not answer: X"), "the broker does not answer: X"),
        (lambda h: setattr(h.core.relay, "spoiled", True), "the producer is not connected"),
    ],
)
def test_what_is_missing_is_named(health: Any, ill: Any, why: str) -> None:
    ill(health)

    assert (health.ready()["ok"], health.ready()["why"]) == (False, why)
    assert (health.startup()["ok"], health.live()["ok"]) == (True, True)


def test_a_keeper_that_does_not_turn_is_dead(health: Any) -> None:
    health.watch.beat = monotonic() - DEAF - 1

    assert health.live() == {"ok": False, "why": "the keeper's loop has not turned for 61 s"}


async def test_a_loop_that_ended_is_dead(health: Any) -> None:
    health.loops = [asyncio.create_task(asyncio.sleep(0), name="the relay")]
    await health.loops[0]

    assert health.live() == {"ok": False, "why": "the relay ended"}
