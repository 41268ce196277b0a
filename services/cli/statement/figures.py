"""The figures of a year, from ledger lines alone, each by the day on which it is booked.

A reversal is booked on the day of the line that it takes back, so a late correction changes the year that it corrects.
Shares are exact; what is due is rounded once, at the end of a year, by the agreement in force on that day. Homes,
shares and reported homes each close at what they opened at, and what the year added, took over and handed over.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple, get_args

from services.cli.journal import Kept
from services.cli.terms import Terms
from services.quota.domain.balance import rounded
from shared.agreement.inforce import Agreement
from shared.events.internal import Amounts, LedgerLine
from shared.events.values import Dwelling, VacancyReason

Figure = int | Fraction
REASONS = (*get_args(Dwelling), *get_args(VacancyReason), "no_agreement")


class Stand(NamedTuple):
    """The balance of an afdeling at the end of a day, and the agreement that rounds it."""

    has: Amounts
    agreement: Agreement | None

    @property
    def due(self) -> int:
        return rounded(self.has.share, self.agreement.document if self.agreement else None)

    @property
    def owed(self) -> int:
        return max(0, self.due - self.has.reported)

    @property
    def credit(self) -> int:
        return max(0, self.has.reported - self.due)


class Row(NamedTuple):
    """One afdeling's year. `booked`: the lines of the year. `last_hash`: of the last line that it rests on; each line
    names the hash of the one before it.
    """

    afdeling: str
    figures: Mapping[str, Figure]
    closing: Stand
    booked: Sequence[Kept]
    last_hash: str

    @property
    def organisation(self) -> str:
        return self.afdeling.partition("-")[0]


def row_of(afdeling: str, kept: Sequence[Kept], year: int, terms: Terms) -> Row | None:
    """None where nothing is booked up to the end of the year."""
    until = [k for k in kept if k.line.day <= date(year, 12, 31)]
    booked = [k for k in until if k.line.day >= date(year, 1, 1)]
    if not until:
        return None
    opening, closing = (
        Stand(total(k.line for k in lines), terms.on(afdeling, terms.end_of(ended)))
        for lines, ended in (([k for k in until if k.line.day < date(year, 1, 1)], year - 1), (until, year))
    )
    figures = figures_of(opening, closing, [k.line for k in booked], {k.line.number: k.line for k in kept})
    return Row(afdeling, figures, closing, booked, until[-1].hash)


def figures_of(
    opening: Stand, closing: Stand, booked: Sequence[LedgerLine], lines: Mapping[int, LedgerLine]
) -> dict[str, Figure]:
    """By the name of the column. `due`: what became due in the year; `closing_due`: since the beginning."""
    entries = [(line, lines[line.reverses] if line.reverses else line) for line in booked]

    def of(what: str, why: str | None = None) -> Amounts:
        return total(line for line, entry in entries if entry.what == what and why in (None, entry.why))

    counted, excluded = of("vacancy_counted"), of("vacancy_excluded")
    return {
        **carried("opening", opening.has),
        "opening_owed": opening.owed,
        "opening_credit": opening.credit,
        "counted": counted.counting,
        "counted_share": counted.share,
        "provisional": counted.provisional,
        "suspended": of("vacancy_suspended").suspended,
        "excluded": excluded.excluded,
        **{f"excluded_{why}": of("vacancy_excluded", why).excluded for why in REASONS},
        **carried("taken_over", of("taken_over")),
        **carried("handed_over", -of("handed_over")),
        "due": closing.due - opening.due,
        "reported": of("home_reported").reported,
        "owed": closing.owed,
        "credit": closing.credit,
        **carried("closing", closing.has),
        "closing_due": closing.due,
    }


def carried(name: str, has: Amounts) -> dict[str, Figure]:
    return {f"{name}_homes": has.counting, f"{name}_share": has.share, f"{name}_reported": has.reported}


def total(lines: Iterable[LedgerLine]) -> Amounts:
    return sum((line.effect for line in lines), Amounts())


def summed(rows: Iterable[Row]) -> dict[str, Figure]:
    """Each figure is the sum of the afdelinger's: what one has in credit settles nothing in another."""
    found: dict[str, Figure] = {}
    for row in rows:
        for name, figure in row.figures.items():
            found[name] = found[name] + figure if name in found else figure
    return found
