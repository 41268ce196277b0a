"""The yearly statement from real lines: what lands in which year, who rounds, and what a file must hold."""

import csv
import json
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from services.cli.designations import agreement
from services.cli.evaluate import lines_of
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from services.cli.screen import screen
from services.cli.statement.command import show
from services.cli.statement.figures import REASONS
from services.cli.statement.files import LINE, harmless, write_csv, write_xlsx
from services.cli.statement.made import Statement, statement_of
from shared.events.canonical import digest
from tests.edge import Edge
from tests.statements import Books, assert_statements_add_up

SMALL = Path(__file__).resolve().parents[3] / "examples" / "small.ndjson"
EDGE = Edge()
FIRST, SECOND = "0123-001", "0123-002"


def terms(since: str, rounding: str = "floor") -> bytes:
    event = agreement(date.fromisoformat(since))
    event["data"]["document"]["quota"]["rounding"]["value"] = rounding
    return line(event).encode()


def registered(*afdelinger: str) -> list[bytes]:
    same = {"valid_from": "2020-01-01", "revision": 1}
    return [EDGE.event("afdeling.registered", afdeling_id=a, organisation_id=a[:4], **same) for a in afdelinger]


def vacant(name: str, day: str, revision: int = 1, **data: Any) -> bytes:
    return EDGE.event("vacancy.reported", vacancy_id=name, vacant_from=day, revision=revision, **data)


def vacancies(days: Iterable[str], **data: Any) -> list[bytes]:
    return [vacant(f"{data.get('afdeling_id', FIRST)}/{day}", day, **data) for day in days]


def days(year: int, number: int) -> list[str]:
    return [f"{year}-{month:02}-01" for month in range(1, number + 1)]


@pytest.fixture(scope="module")
def small() -> Books:
    return Books(told for *_, told in lines_of([SMALL]))


# Figures


def test_statements_of_the_examples_add_up(small: Books) -> None:
    assert_statements_add_up(small.ledgers, small.terms, small.quotas)


def test_statements_of_an_invented_year_add_up() -> None:
    books = Books([line(e).encode() for e in simulate(5, 5)], closed=date(2025, 1, 31))

    assert_statements_add_up(books.ledgers, books.terms, books.quotas)


def test_what_one_has_in_credit_settles_nothing_in_another_nor_in_another_organisation() -> None:
    other, third = "0123-003", "0456-001"
    told = [terms("2020-01-01"), *registered(FIRST, other, third)]
    told += [one for a in (FIRST, other, third) for one in vacancies(days(2024, 4), afdeling_id=a)]
    told += [
        EDGE.event("offer.submitted", offer_id=f"o{n}", vacancy_id=f"{FIRST}/{day}", submitted_on=day, revision=1)
        for n, day in enumerate(days(2024, 3))
    ]
    sums = Books(told).statement(2024).organisations()

    assert {name: [f[n] for n in ("due", "reported", "owed", "credit")] for name, f in sums.items()} == {
        "0123": [2, 3, 1, 2],
        "0456": [1, 0, 1, 0],
    }


def test_a_late_correction_lands_in_the_year_that_it_corrects() -> None:
    told = [terms("2020-01-01"), *registered(FIRST), vacant("v", "2024-12-30")]
    before, after = Books(told), Books(told, [vacant("v", "2025-01-02", 2)])

    assert [before.figures(FIRST, y)["counted"] for y in (2024, 2025)] == [1, 0]
    assert [after.figures(FIRST, y)["counted"] for y in (2024, 2025)] == [0, 1]
    assert [len(after.statement(y).rows[0].booked) for y in (2024, 2025)] == [2, 1]
    assert after.figures(FIRST, 2025)["opening_share"] == 0


def test_homes_that_do_not_count_are_told_by_reason_and_taken_back_by_it() -> None:
    told = [terms("2020-01-01"), *registered(FIRST)]
    told += [vacant("v1", "2024-02-01", reason="sale"), vacant("v2", "2024-02-01", reason="sale")]
    told += [vacant("v3", "2024-02-01", dwelling="youth"), vacant("v4", "2019-02-01")]
    books = Books(told, [EDGE.event("vacancy.cancelled", vacancy_id="v2", revision=2)])
    excluded = {y: {r: n for r in REASONS if (n := books.figures(FIRST, y)[f"excluded_{r}"])} for y in (2019, 2024)}

    assert excluded == {2019: {"no_agreement": 1}, 2024: {"sale": 1, "youth": 1}}


def test_a_merger_hands_over_exactly_and_leaves_the_sum_of_the_organisation() -> None:
    told = [terms("2020-01-01"), *registered(FIRST, SECOND), *vacancies(days(2024, 7))]
    told += [
        *vacancies(days(2024, 2), afdeling_id=SECOND),
        EDGE.event("afdeling.succeeded", on="2025-01-01", revision=1),
    ]
    books = Books(told)
    given, taken = (books.figures(a, 2025) for a in (FIRST, SECOND))
    whole = books.statement(2025).organisations()["0123"]

    assert [given[n] for n in ("opening_share", "handed_over_share", "closing_share")] == [Fraction(7, 4)] * 2 + [0]
    assert [taken[n] for n in ("opening_share", "taken_over_share", "closing_share")] == [
        Fraction(1, 2), Fraction(7, 4), Fraction(9, 4),
    ]  # fmt: skip
    assert whole["opening_share"] == whole["closing_share"] == Fraction(9, 4)
    assert_statements_add_up(books.ledgers, books.terms, books.quotas)


def test_each_year_is_rounded_by_the_agreement_at_its_end() -> None:
    told = [terms("2020-01-01"), terms("2025-07-01", "ceil"), *registered(FIRST), *vacancies(days(2024, 5))]
    books = Books([*told, *vacancies(days(2025, 1))], closed=date(2026, 1, 1))
    figures = {year: books.figures(FIRST, year) for year in (2024, 2025)}

    assert [figures[2024][n] for n in ("closing_share", "closing_due", "owed")] == [Fraction(5, 4), 1, 1]
    assert [figures[2025][n] for n in ("closing_share", "closing_due", "owed")] == [Fraction(3, 2), 2, 2]
    assert [figures[2025][n] for n in ("opening_owed", "due")] == [1, 1]


def test_a_year_that_is_not_over_is_rounded_by_the_agreement_of_the_last_day_that_is() -> None:
    told = [terms("2020-01-01"), terms("2025-07-01", "ceil"), *registered(FIRST), *vacancies(days(2025, 5))]
    books = Books(told, closed=date(2025, 6, 30))

    assert books.figures(FIRST, 2025)["closing_due"] == books.quotas[FIRST].due == 1
    assert (books.statement(2025).manifest()["closed_until"], books.statement(2025).manifest()["year_is_over"]) == (
        "2025-06-30",
        False,
    )


def test_only_one_organisation_and_nothing_before_the_first_line(small: Books) -> None:
    assert statement_of(small.ledgers, small.terms, 2025, "9999") is None
    assert statement_of(small.ledgers, small.terms, 1999) is None
    assert small.statement(2025, "0123").manifest()["organisation"] == "0123"


# The manifest


def test_the_manifest_says_what_it_was_made_of(small: Books) -> None:
    statement = small.statement(2025)
    manifest, lines = statement.manifest(), [k.line for book in small.ledgers.values() for k in book]

    assert manifest["afdelinger"] == len(small.ledgers)
    assert manifest["lines"] == sum(n.day.year == 2025 for n in lines)
    assert manifest["agreements"] == [small.quotas[FIRST].agreement] or len(manifest["agreements"]) == 1
    assert manifest["content_hash"] == digest(json.loads(json.dumps(statement.content())))


def test_lines_of_later_years_change_no_statement_and_corrections_do() -> None:
    cancelled = EDGE.event("vacancy.cancelled", vacancy_id=f"{FIRST}/2024-01-01", revision=2)
    told = [terms("2020-01-01"), *registered(FIRST), *vacancies(days(2024, 4))]
    books = Books(told, vacancies(days(2025, 1)), [cancelled])
    book = books.ledgers[FIRST]
    made = [statement_of({FIRST: book[:number]}, books.terms, 2024) for number in (4, 5, 6)]
    first, later, corrected = (one.manifest() for one in made if one)

    assert [kept.line.day.year for kept in book] == [2024, 2024, 2024, 2024, 2025, 2024]
    assert first == later
    assert first["content_hash"] != corrected["content_hash"]
    assert [first["lines"], corrected["lines"]] == [4, 5]
    assert first["data_date"] < corrected["data_date"]


# Files


@pytest.fixture
def hostile() -> Statement:
    """A vacancy whose name is a formula, and a share below zero after the split of a credit."""
    told = [terms("2020-01-01"), *registered(FIRST, SECOND)]
    told += [vacant('=HYPERLINK("x")', "2024-01-01"), vacant("+v", "2024-02-01"), vacant("@v", "2024-03-01")]
    placed = {"colour": "green", "valid_from": "2024-01-01", "valid_to": "2025-01-01"}
    told += [EDGE.event("placement.decided", revision=1, **placed)]
    told += [
        EDGE.event("offer.submitted", offer_id=f"-{v}", vacancy_id=v, submitted_on="2024-04-01", revision=1)
        for v in ('=HYPERLINK("x")', "+v", "@v")
    ]
    told += [EDGE.event("afdeling.succeeded", on="2024-06-01", share="1/2", revision=1)]
    return Books(told).statement(2024)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1/4", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_text_begins_a_formula_in_a_csv(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("cell", ["7/4", "0123-001", "", 4, -4, 0, None])
def test_other_cells_stay_as_they_are(cell: int | str | None) -> None:
    assert harmless(cell) is cell


def test_the_csv_holds_every_afdeling_and_the_manifest_lies_beside_it(hostile: Statement, tmp_path: Path) -> None:
    manifest = write_csv(hostile, tmp_path / "year.csv")
    with (tmp_path / "year.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))

    assert [row["afdeling"] for row in rows] == [FIRST, SECOND]
    assert rows[1]["taken_over_share"] == "'-9/8"
    assert [rows[0][n] for n in ("counted", "counted_share", "reported")] == ["3", "3/4", "3"]
    assert json.loads(manifest.read_text(encoding="utf-8")) == hostile.manifest()
    assert manifest.name == "year.manifest.json"


def test_the_workbook_holds_the_same_and_no_formula(hostile: Statement, tmp_path: Path) -> None:
    file = tmp_path / "year.xlsx"
    write_xlsx(hostile, file)
    book = load_workbook(file)
    sheets = {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book}
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    head, *rows = sheets["Statement"]
    abouts = {row[LINE.index("about")] for row in sheets["Lines"][1:]}

    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert {cell.quotePrefix for cell in cells if str(cell.value)[:1] in "=+-@" and cell.data_type == "s"} == {True}
    assert {'=HYPERLINK("x")', "+v", "@v"} <= abouts
    assert [row[1] for row in rows] == [FIRST, SECOND, "all"]
    assert [row[head.index("taken_over_share")] for row in rows] == ["0", "-9/8", "-9/8"]
    assert dict(sheets["Manifest"])["content_hash"] == hostile.manifest()["content_hash"]
    assert len(sheets["Lines"]) == hostile.manifest()["lines"] + 1
    assert [len(row) for row in sheets["Lines"]] == [len(LINE)] * len(sheets["Lines"])


# The screen


def test_the_screen_shows_each_afdeling_the_sum_the_reasons_and_the_manifest(
    small: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    show(small.statement(2025), screen())
    lines = [" ".join(told.split()) for told in capsys.readouterr().out.splitlines()]

    assert "0123-001 – 5 5/4 – 1 – – 1 2 – 1 -3/4" in lines
    assert "0123 in all – 12 3 2 3 – – 1 8 – 7 -5" in lines
    assert "0123, not counted: 1 youth home, 1 internal move, 1 sale" in lines
    assert "year 2025" in lines
