"""What was decided and booked verifies; one byte that is altered in the database, and one record less, are named."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from confluent_kafka import Producer

from deploy.local.stack import Stack
from services.cli.evaluate import HEADERS, lines_of
from services.cli.settle import wait_until_settled
from services.cli.system import of
from shared.events.day import closing
from shared.events.topics import OPERATIONS, anchors
from tests.e2e.checks import live, published

EXAMPLE = Path(__file__).parents[2] / "examples" / "small.ndjson"
DAY = date(2025, 12, 31)
ALTER = """
UPDATE journal SET body = replace(body, '"outcome":"rejected"', '"outcome":"rejectes"') WHERE (entity, kind, number) =
    (SELECT entity, kind, number FROM journal WHERE kind = 'decision' AND body LIKE '%"outcome":"rejected"%'
     ORDER BY entity, number LIMIT 1)
RETURNING entity, number, thing, step
"""
REMOVE = """
DELETE FROM journal WHERE (entity, kind, number) =
    (SELECT entity, kind, max(number) FROM journal WHERE kind = 'ledger.line' GROUP BY entity, kind
     ORDER BY entity DESC LIMIT 1)
RETURNING entity, number
"""


def console(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TRAPPETRIN_HOME": str(stack.home)}
    command = [sys.executable, "-m", "services.cli.main", *words]
    return subprocess.run(command, env=env, check=False, capture_output=True, text=True, timeout=100)


def close(stack: Stack, day: date) -> None:
    producer = Producer({"bootstrap.servers": ",".join(of(stack).kafka)})
    producer.produce(OPERATIONS, value=closing(day, "test"), headers=list(HEADERS))

    assert producer.flush(30) == 0


def scribble(stack: Stack) -> None:
    """Somebody writes into the topics of the services."""
    producer = Producer({"bootstrap.servers": ",".join(of(stack).kafka)})
    for topic in ("decisions.v1", "ledger.v1", anchors("decisions"), anchors("ledger")):
        producer.produce(topic, value=b"no event")

    assert producer.flush(30) == 0


async def tamper(stack: Stack, schema: str, statement: str) -> list[Any]:
    connection = await asyncpg.connect(stack.dsn, server_settings={"search_path": schema})
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


@pytest.mark.timeout(300)
async def test_all_verifies_until_one_byte_is_altered(stack: Stack) -> None:
    published(stack, list(lines_of([EXAMPLE])))
    state = live(stack)
    quotas = [afdeling["quota"] for afdeling in state["afdelinger"].values()]
    close(stack, DAY)
    wait_until_settled(of(stack), limit=120)
    scribble(stack)
    whole = console(stack, "verify", "--all", "--json")
    told = json.loads(whole.stdout)

    assert (whole.returncode, told["faults"]) == (0, []), whole.stderr
    assert told["verified"]["decision"]["entries"] >= len(state["decisions"]) > 0
    assert told["verified"]["ledger.line"]["entries"] >= sum(q["counting"] + q["excluded"] for q in quotas) > 0
    assert {kind["not_recomputable"] for kind in told["verified"].values()} == {0}

    [row] = await tamper(stack, "matching", ALTER)
    offer = f"{row['entity'][:4]}/{row['thing']}"
    found = console(stack, "verify", "--all", "--json")
    [fault] = json.loads(found.stdout)["faults"]
    by_name, explained = (
        console(stack, *w) for w in (["verify", offer], ["explain", offer, "--version", str(row["step"])])
    )
    sentence = f"altered: decision {offer} version {row['step']}, number {row['number']} of afdeling {row['entity']}"

    assert found.returncode == 1
    assert (fault["what"], fault["afdeling"], fault["number"]) == ("altered", row["entity"], row["number"])
    assert (fault["thing"], fault["step"]) == (row["thing"], row["step"])
    assert 'outcome is "rejectes", published was "rejected"' in fault["how"]
    assert by_name.returncode == 1
    assert sentence in by_name.stdout
    assert explained.returncode == 1
    assert f"`trappetrin verify {offer}` tells what was altered" in explained.stderr

    [line] = await tamper(stack, "quota", REMOVE)
    cut = console(stack, "verify", "--ledger")

    assert cut.returncode == 1
    assert f"number {line['number']} of afdeling {line['entity']}" in cut.stdout
    assert f"it was published; the anchor of {DAY} has number {line['number']}" in cut.stdout


def test_an_offer_is_explained(stack: Stack) -> None:
    offers = json.loads(console(stack, "state", "--json").stdout)["decisions"]
    name = min(n for n, told in offers.items() if told["outcome"] == "accepted")
    danish, data = console(stack, "explain", name), console(stack, "explain", name, "--json", "--language", "en")
    told = json.loads(data.stdout)
    unknown, version = console(stack, "explain", "0123/nothing"), console(stack, "explain", name, "--version", "99")

    assert danish.stdout.startswith(f"Tilbud {name}: accepteret"), danish.stderr
    assert "antagelse: " in danish.stdout
    assert told["sections"][0]["title"] == f"Offer {name}: accepted"
    assert told["life"]["state"] == "lapsed"
    assert (unknown.returncode, version.returncode) == (1, 2)
    assert "No decision on 0123/nothing is known here." in unknown.stderr
    assert "it is 99" in version.stderr
