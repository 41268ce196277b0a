"""The books of the live system as its commands tell them: ledger, statement, supply, and what is published of them."""

import asyncio
import csv
import json
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from deploy.local.stack import Stack
from services.cli.evaluate import lines_of
from services.cli.main import app
from services.cli.settle import wait_until_settled
from services.cli.system import of
from services.cli.watch import KINDS, What
from tests.e2e.checks import assert_ledger_is_whole, assert_versions_are_whole, published

SMALL = Path(__file__).parents[2] / "examples" / "small.ndjson"
AFDELING = "0123-001"
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def run(stack: Stack) -> Run:
    """A command against the stack, once all that follows from the examples is there."""
    published(stack, list(lines_of([SMALL])))
    wait_until_settled(of(stack))
    system = of(stack)
    urls = ",".join(f"{service}={url}" for service, its in system.urls.items() for url in its)
    env = {"TRAPPETRIN_KAFKA": ",".join(system.kafka), "TRAPPETRIN_URLS": urls}
    return lambda *words: CliRunner(env=env).invoke(app, words)


def test_the_ledger_is_whole(stack: Stack, run: Run) -> None:
    assert_ledger_is_whole(stack)
    assert_versions_are_whole(stack)


def test_ledger(run: Run) -> None:
    told, shown = json.loads(run("ledger", AFDELING, "--json").stdout), run("ledger", AFDELING, "--language", "da")
    last = told["lines"][-1]

    assert [last["balance"][n] for n in ("counting", "share", "reported")] == [7, "23/12", 2]
    assert [told["balance"][n] for n in ("due", "reported", "owed", "credit")] == [1, 2, 0, 1]
    assert [line["number"] for line in told["lines"]] == list(range(1, len(told["lines"]) + 1))
    assert "1 skal indmeldes i alt, 2 er indmeldt, 1 til gode" in shown.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("ledger", "0123-999"), 1, "0123-999 has no line"),
        (("ledger", "123"), 2, "must be the organisation's four digits, a hyphen and three digits; it is 123"),
        (("supply", "0123-999"), 1, "Nothing is reported from 0123-999"),
        (("statement", "--year", "2025", "--organisation", "9999"), 1, "Nothing is booked of organisation 9999"),
        (("statement", "--year", "1999"), 1, "Nothing is booked of any afdeling up to the end of 1999"),
        (("statement", "--year", "2025", "--csv", "/no/such/folder/x.csv"), 2, "cannot be written"),
    ],
)
def test_what_is_not_there_is_said(run: Run, words: tuple[str, ...], code: int, why: str) -> None:
    result = run(*words)
    told = " ".join(result.stderr.replace("│", " ").split())

    assert (result.exit_code, why in told) == (code, True), told


def test_statement(run: Run, tmp_path: Path) -> None:
    files = tmp_path / "year.csv", tmp_path / "year.xlsx"
    result = run("statement", "--year", "2025", "--json", "--csv", str(files[0]), "--xlsx", str(files[1]))
    told = json.loads(result.stdout)
    with files[0].open(encoding="utf-8", newline="") as stream:
        rows = {row["afdeling"]: row for row in csv.DictReader(stream)}
    shown = [" ".join(line.split()) for line in run("statement", "--year", "2025").stdout.splitlines()]

    assert {name: int(row["counted"]) for name, row in rows.items()} == {
        name: row["counted"] for name, row in told["afdelinger"].items()
    }
    assert rows[AFDELING]["closing_share"] == told["afdelinger"][AFDELING]["closing_share"] == "5/4"
    assert load_workbook(files[1]).sheetnames == ["Manifest", "Statement", "Lines"]
    assert json.loads((tmp_path / "year.manifest.json").read_text(encoding="utf-8")) == told["manifest"]
    assert "0123-001 – 5 5/4 – 1 – – 1 2 – 1 -3/4" in shown


def test_supply(run: Run) -> None:
    told = json.loads(run("supply", "--organisation", "0123", "--json").stdout)
    one = run("supply", AFDELING)

    assert {name: told["all"][name] for name in ("reported", "relevant", "used")} == {
        "reported": 10,
        "relevant": 5,
        "used": 0,
    }
    assert told["afdelinger"].keys() >= {AFDELING}
    assert one.stdout.startswith(f"Usable supply of {AFDELING}")


@pytest.mark.parametrize("what", ["decisions", "lives", "quotas", "supply", "ledger"])
def test_watch_tells_apart_what_shares_a_topic(run: Run, what: str) -> None:
    told = run("watch", what, "--beginning", "--idle", "1", "--json").stdout.splitlines()
    shown = run("watch", what, "--beginning", "--idle", "1").stdout.splitlines()

    assert {frozenset(json.loads(line)) for line in told} == {
        frozenset(f.alias or name for name, f in KINDS[What(what)].model.model_fields.items())
    }
    assert len(set(told)) == len(told) <= len(shown)


def test_an_altered_byte_is_found_and_named(stack: Stack, run: Run) -> None:
    async def alter(old: str, new: str) -> str:
        connection = await asyncpg.connect(stack.dsn)
        done = await connection.execute(
            "UPDATE quota.journal SET body = replace(body, $1, $2) WHERE entity = $3 AND number = 2", old, new, AFDELING
        )
        await connection.close()
        return str(done)

    first = asyncio.run(alter('"afdeling_id"', '"afdeling_iD"'))
    results = [run("ledger", AFDELING), run("statement", "--year", "2025")]
    second = asyncio.run(alter('"afdeling_iD"', '"afdeling_id"'))

    assert (first, second) == ("UPDATE 1", "UPDATE 1")
    assert [result.exit_code for result in results] == [1, 1]
    assert [str(result.exception) for result in results] == [
        f"line 2 of the ledger of {AFDELING} was altered: its bytes do not have the hash that was written with them"
    ] * 2
    assert_ledger_is_whole(stack)
