"""A whole statement with its manifest: what it was made of, how much of it, and a hash by which it is known again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import groupby
from typing import Any

from services.cli.journal import Ledgers
from services.cli.statement.figures import Figure, Row, row_of, summed
from services.cli.terms import Terms
from shared.events.canonical import digest
from shared.events.internal import LedgerLine
from shared.events.values import zulu
from shared.version import VERSION


@dataclass(frozen=True, slots=True)
class Statement:
    """`rests_on`: all lines up to the end of the year. `closed`: the last day that is over."""

    year: int
    organisation: str | None
    rows: Sequence[Row]
    rests_on: Sequence[LedgerLine]
    closed: date | None

    def organisations(self) -> dict[str, dict[str, Figure]]:
        """The sums of their afdelinger."""
        return {name: summed(its) for name, its in groupby(self.rows, key=lambda row: row.organisation)}

    def content(self) -> dict[str, Any]:
        """As programs read it: whole numbers, and exact shares as text."""
        return {
            "year": self.year,
            "afdelinger": {row.afdeling: of_row(row) for row in self.rows},
            "organisations": {name: told(figures) for name, figures in self.organisations().items()},
        }

    def manifest(self) -> dict[str, Any]:
        """`data_date`: when the newest line that it rests on was recorded. `agreements`: by which its homes are
        classed, and by which it is rounded. The hash is of the canonical content: same figures of the same lines, same
        hash.
        """
        rounding = {row.closing.agreement.version for row in self.rows if row.closing.agreement}
        return {
            "statement": "The 25 % of each afdeling",
            "year": self.year,
            "organisation": self.organisation or "all",
            "afdelinger": len(self.rows),
            "lines": sum(len(row.booked) for row in self.rows),
            "data_date": zulu(max(line.recorded_at for line in self.rests_on)),
            "closed_until": str(self.closed) if self.closed else None,
            "year_is_over": self.closed is not None and self.closed >= date(self.year, 12, 31),
            "agreements": sorted(rounding | {line.agreement for line in standing(self.rests_on) if line.agreement}),
            "content_hash": digest(self.content()),
            "made_by": f"trappetrin {VERSION}",
        }


def statement_of(ledgers: Ledgers, terms: Terms, year: int, organisation: str | None = None) -> Statement | None:
    """Of the afdelinger of which something is booked up to the end of the year; None where there is none."""
    found = (row_of(name, kept, year, terms) for name, kept in sorted(ledgers.items()))
    rows = [row for row in found if row and organisation in (None, row.organisation)]
    rests_on = [k.line for row in rows for k in ledgers[row.afdeling] if k.line.day.year <= year]
    return Statement(year, organisation, rows, rests_on, terms.closed) if rows else None


def standing(lines: Sequence[LedgerLine]) -> Iterator[LedgerLine]:
    """Those that were not taken back."""
    gone = {(line.afdeling_id, line.reverses) for line in lines}
    return (n for n in lines if n.reverses is None and (n.afdeling_id, n.number) not in gone)


def of_row(row: Row) -> dict[str, int | str | None]:
    """Its figures, and what they rest on. Without an agreement in force, what is due is rounded down."""
    agreement = row.closing.agreement
    return {
        **told(row.figures),
        "agreement": agreement.version if agreement else None,
        "rounding": agreement.document.quota.rounding.value if agreement else "floor",
        "lines": len(row.booked),
        "last_hash": row.last_hash,
    }


def told(figures: Mapping[str, Figure]) -> dict[str, int | str | None]:
    return {name: str(figure) if isinstance(figure, Fraction) else figure for name, figure in figures.items()}
