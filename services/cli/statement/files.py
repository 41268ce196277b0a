"""A statement as CSV and XLSX. No text becomes a formula, whoever chose it; exact shares are text.

A spreadsheet takes a text that begins with one of `FORMULA` for a formula, in a CSV whatever its quotes. There such a
text gets an apostrophe in front; in XLSX the cell itself says that it is text.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from services.cli.journal import Kept
from services.cli.statement.made import Statement, of_row, told

Cell = int | str | None
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_csv(statement: Statement, file: Path) -> Path:
    """One line an afdeling; the manifest beside it, whose name is returned. Raises `OSError`."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([harmless(cell) for cell in row] for row in afdelinger(statement))
    manifest = file.with_suffix(".manifest.json")
    manifest.write_text(json.dumps(statement.manifest(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return manifest


def harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def write_xlsx(statement: Statement, file: Path) -> None:
    """Manifest, statement with the sums of the organisations, and the lines of the year. Raises `OSError`."""
    book = Workbook(write_only=True)
    head, *rows = afdelinger(statement)
    sums = ([name, "all", *told(figures).values()] for name, figures in statement.organisations().items())
    fill(book.create_sheet("Manifest"), ("what", "value"), manifest_rows(statement))
    fill(book.create_sheet("Statement"), head, [*rows, *sums])
    fill(book.create_sheet("Lines"), LINE, (of_line(kept) for row in statement.rows for kept in row.booked))
    book.save(file)


def afdelinger(statement: Statement) -> Iterator[Sequence[Cell]]:
    """The headings, then one row each."""
    rows = [{"organisation": r.organisation, "afdeling": r.afdeling, **of_row(r)} for r in statement.rows]
    yield list(rows[0])
    yield from (list(row.values()) for row in rows)


def manifest_rows(statement: Statement) -> Iterator[Sequence[Cell]]:
    """One value each; of several, each in a row of its own."""
    return ((name, one) for name, value in statement.manifest().items() for one in of_manifest(value))


def of_manifest(value: Any) -> list[str]:
    """As people read it."""
    if value is None or isinstance(value, bool):
        return ["none" if value is None else "yes" if value else "no"]
    return [str(one) for one in (value if isinstance(value, list) else [value])]


LINE = (
    "afdeling", "number", "day", "recorded_at", "what", "why", "account", "about", "offer", "takes_back", "colour",
    "agreement", "cause_type", "cause_id", "cause_version", "counting", "provisional", "suspended", "excluded", "share",
    "reported", "balance_counting", "balance_provisional", "balance_suspended", "balance_excluded", "balance_share",
    "balance_reported", "hash",
)  # fmt: skip


def of_line(kept: Kept) -> list[Cell]:
    line = kept.line
    says: dict[str, Any] = line.model_dump(mode="json")
    names = ("what", "why", "account", "about", "offer_id", "reverses", "colour", "agreement")
    return [
        *(says[name] for name in ("afdeling_id", "number", "day", "recorded_at", *names)),
        *(says["cause"][name] for name in ("type", "id", "version")),
        *says["effect"].values(),
        *says["balance"].values(),
        kept.hash,
    ]


def fill(sheet: Any, head: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> None:
    sheet.freeze_panes = "A2"
    for number, name in enumerate(head, 1):
        sheet.column_dimensions[get_column_letter(number)].width = max(12, len(str(name)) + 2)
    sheet.append([cell_of(sheet, name, bold=True) for name in head])
    for row in rows:
        sheet.append([cell_of(sheet, cell) for cell in row])


def cell_of(sheet: Any, value: Cell, *, bold: bool = False) -> Any:
    """A number, or a text that stays one also when somebody edits the cell."""
    cell = WriteOnlyCell(sheet, value=value)
    if isinstance(value, str):
        cell.data_type, cell.number_format, cell.quotePrefix = "s", "@", value.startswith(FORMULA)
    if bold:
        cell.font = Font(bold=True)
    return cell
