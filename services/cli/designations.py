"""`trappetrin designations`: the ministry's published lists and figures (`data/`) as inbound events.

Secondary sources, given per row. A list of which not all areas are known goes in as incomplete: of an area that it does
not name it says nothing. A row of omdannelse counts as parallelsamfund too, since the law builds the one on the other.
"""

import csv
import sys
from collections import defaultdict
from datetime import date
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.invented import everyone
from services.cli.invented.telling import Event, Told, events, instant, line, tell
from shared.agreement.loader import AALBORG, load

DATA = Path(__file__).resolve().parents[2] / "data"
INDICATORS = ("residents", "nonwestern", "out_of_work", "convicted", "basic_education", "income")
LAST_PLACE = Decimal("1e-20")
FIRST_YEAR = 2018


def published(data: Path = DATA) -> list[Event]:
    """Lists, national averages and figures, the oldest first. Raises `OSError`."""
    return events(sorted([*lists(data), *figures(data)], key=lambda told: told.at))


def agreement(since: date, municipality: str = "0851") -> Event:
    """Aalborg's agreement, as if in force since then: without one no designation is computed."""
    document = everyone.agreement_from(load(AALBORG), since, municipality)
    return events([everyone.tell_agreement(municipality, document, since)])[0]


def lists(data: Path) -> list[Told]:
    """One for each year, with all of its designations: also one of which no area is known, and which says nothing."""
    whole = {
        (int(row["list_year"]), row["designation"]): row["complete_in_designations_csv"] == "true"
        for row in rows(data / "official_lists.csv")
    }
    named: dict[tuple[int, str, str], set[str]] = defaultdict(set)
    for row in rows(data / "official_designations.csv"):
        year, designation, on = int(row["list_year"]), row["designation"], row["on_list"] == "true"
        named[year, designation, "areas" if on else "off"].add(row["area"])
        if on and designation == "omdannelse":
            named[year, "parallelsamfund", "areas"].add(row["area"])
    years: dict[int, dict[str, Any]] = defaultdict(dict)
    for year, designation in sorted(whole.keys() | {(y, d) for y, d, _ in named}):
        off = {"off": sorted(known)} if (known := named.get((year, designation, "off"))) else {}
        areas = sorted(named.get((year, designation, "areas"), ()))
        years[year][designation] = {"complete": whole.get((year, designation), False), "areas": areas} | off
    return [says("list.published", year, lists=years[year]) for year in sorted(years)]


def figures(data: Path) -> list[Told]:
    """All six of an area, and the national average that its limit of three times implies.

    With as many decimals as the contract takes, rounded down: a figure that is exactly the limit must meet it.
    """
    told = []
    for row in rows(data / "official_figures.csv"):
        year = int(row["list_year"])
        average = (Decimal(row["convicted_limit_3x"]) / 3).quantize(LAST_PLACE, rounding=ROUND_DOWN)
        told.append(says("reference.published", year, indicator="convicted", national_average=average))
        for indicator in INDICATORS:
            day = date(year, 12, 1)
            fact = tell(
                instant(day), "", "indicator.observed",
                subject={"kind": "area", "id": row["area"]}, source="ministry", indicator=indicator,
                as_of=date(year, 1, 1), effective_from=day, value=row[indicator],
            )  # fmt: skip
            told.append(fact._replace(source="published/ministry"))
    return told


def says(kind: str, year: int, **data: Any) -> Told:
    day = date(year, 12, 1)
    return tell(instant(day), "", kind, list_date=day, **data)._replace(source="published/ministry")


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def designations(
    *,
    agreement_from: Annotated[
        str, typer.Option(help="First day of the agreement that is sent before them, YYYY-MM-DD; empty for none.")
    ] = f"{FIRST_YEAR}-01-01",
    municipality: Annotated[str, typer.Option(help="The municipality whose agreement it is.")] = "0851",
    out: Annotated[Path | None, typer.Option(help="Where to write; the standard output unless given.")] = None,
) -> None:
    """Write the published designations of areas, 2018 to 2024, as inbound events, one a line."""
    try:
        first = [agreement(date.fromisoformat(agreement_from), municipality)] if agreement_from else []
    except ValueError as error:
        raise typer.BadParameter(f"must be a day, YYYY-MM-DD; it is {agreement_from}") from error
    text = "".join(f"{line(one)}\n" for one in (*first, *published())).encode()
    if out:
        out.write_bytes(text)
    else:
        sys.stdout.buffer.write(text)
