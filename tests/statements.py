"""Yearly statements against the lines that they are made of, and against what quota says."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from itertools import pairwise

from services.cli.evaluate import Offline
from services.cli.journal import Ledgers, ledgers
from services.cli.statement.figures import Figure
from services.cli.statement.made import Statement, statement_of
from services.cli.terms import Terms
from services.quota.domain import QuotaDomain
from shared.events.internal import Amounts, Quota, Supply
from shared.runtime.contract import Written

CARRIED = {"homes": "counting", "share": "share", "reported": "reported"}


def balance_of(quota: Quota) -> Amounts:
    """The exact balance that a quota states."""
    same = {name: getattr(quota, name) for name in ("counting", "provisional", "suspended", "excluded", "reported")}
    return Amounts(share=Fraction(quota.due_exact), **same)


def assert_statements_add_up(books: Ledgers, terms: Terms, quotas: Mapping[str, Quota]) -> None:
    """Of every year from the first line to the last: figures and sums are those of the lines; each year closes where
    the next one opens, and the last where quota stands.
    """
    years = sorted({k.line.day.year for book in books.values() for k in book})
    made = [s for year in range(years[0], years[-1] + 1) if (s := statement_of(books, terms, year))]

    assert [s.year for s in made] == list(range(years[0], years[-1] + 1))
    for statement in made:
        assert_sums(statement, books)
    for before, after in pairwise(made):
        opens = {row.afdeling: row.figures for row in after.rows}
        closes = {row.afdeling: row.figures for row in before.rows}

        assert {n: carried(f, "opening", "opening_") for n, f in opens.items() if n in closes} == {
            n: carried(f, "closing", "") for n, f in closes.items()
        }

    last = {row.afdeling: row.figures for row in made[-1].rows}

    assert {n: [f["closing_due"], f["closing_reported"], f["owed"], f["credit"]] for n, f in last.items()} == {
        n: [quotas[n].due, quotas[n].reported, quotas[n].owed, quotas[n].credit] for n in books
    }


def assert_sums(statement: Statement, books: Ledgers) -> None:
    """Straight from the lines: what an organisation's year changed, and where it ends."""
    for name, figures in statement.organisations().items():
        lines = [k.line for n, book in books.items() if n.startswith(f"{name}-") for k in book]
        until = [line for line in lines if line.day.year <= statement.year]
        booked = [line for line in until if line.day.year == statement.year]
        changed = {c: sum(getattr(line.effect, field) for line in booked) for c, field in CARRIED.items()}
        ended = {c: sum(getattr(line.effect, field) for line in until) for c, field in CARRIED.items()}

        assert {c: figures[f"closing_{c}"] - figures[f"opening_{c}"] for c in CARRIED} == changed
        assert {c: figures[f"closing_{c}"] for c in CARRIED} == ended
        assert added(figures) == changed
        assert [figures["suspended"], figures["excluded"]] == [
            sum(getattr(line.effect, field) for line in booked if line.account == "vacancy")
            for field in ("suspended", "excluded")
        ]
        assert figures["excluded"] == sum(f for n, f in figures.items() if n.startswith("excluded_"))
        assert figures["owed"] == sum(row.figures["owed"] for row in statement.rows if row.organisation == name)


def added(figures: Mapping[str, Figure]) -> dict[str, Figure]:
    """What the columns of the year say that it changed."""
    own = {"homes": figures["counted"], "share": figures["counted_share"], "reported": figures["reported"]}
    return {c: own[c] + figures[f"taken_over_{c}"] - figures[f"handed_over_{c}"] for c in CARRIED}


def carried(figures: Mapping[str, Figure], when: str, prefix: str) -> list[Figure]:
    """What one year hands to the next."""
    return [*(figures[f"{when}_{c}"] for c in CARRIED), *(figures[f"{prefix}{c}"] for c in ("owed", "credit"))]


class Books:
    """All services offline over these lots of lines, one after the other, and what quota keeps then."""

    def __init__(self, *lots: Iterable[bytes], closed: date | None = None) -> None:
        self.offline = Offline()
        asyncio.run(self.run(lots, closed))
        _, store = next(pair for pair in self.offline.services if isinstance(pair[0], QuotaDomain))
        self.written: list[Written] = asyncio.run(store.journal("ledger.line", "", 10**6))
        self.ledgers = ledgers(self.written)
        self.terms = Terms({name: entity.facts for (_, name), entity in store.entities.items()})
        concluded = [c for entity in store.entities.values() for c in entity.conclusions.values()]
        self.quotas = {c.afdeling_id: c for c in concluded if isinstance(c, Quota)}
        self.supplies = {c.afdeling_id: c for c in concluded if isinstance(c, Supply)}

    async def run(self, lots: Iterable[Iterable[bytes]], closed: date | None) -> None:
        if closed:
            self.offline.close(closed)
        for lot in lots:
            for number, line in enumerate(lot, 1):
                self.offline.send("told", number, line, "0851")
            await self.offline.settle()

    def statement(self, year: int, organisation: str | None = None) -> Statement:
        made = statement_of(self.ledgers, self.terms, year, organisation)
        assert made is not None
        return made

    def figures(self, afdeling: str, year: int) -> Mapping[str, Figure]:
        return next(row.figures for row in self.statement(year).rows if row.afdeling == afdeling)
