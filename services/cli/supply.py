"""`trappetrin supply`: how much of what is reported can be used, and is: by rent band and number of rooms."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.screen import screen
from services.cli.state import Json, as_json
from services.cli.system import find
from services.cli.watch import What, told
from services.cli.whom import AN_AFDELING, Organisation
from shared.events.internal import Shelf, Supply

FIGURES = ("reported", "relevant", "used")
BANDS = {
    "under_3500": "under 3,500 kr.",
    "3500_to_4000": "3,500 to 4,000 kr.",
    "4000_to_4500": "4,000 to 4,500 kr.",
    "above_4500": "above 4,500 kr.",
    "unknown": "rent not told",
}
Supplies = Mapping[str, Supply]
Afdeling = Annotated[str | None, typer.Argument(help="Only of this afdeling.", callback=AN_AFDELING)]


def total(shelves: Iterable[Shelf]) -> dict[str, int]:
    its = list(shelves)
    return {name: sum(getattr(shelf, name) for shelf in its) for name in FIGURES}


def together(supplies: Supplies) -> list[Shelf]:
    """The shelves of all of them, by rent band and number of rooms."""
    sums = Counter[tuple[Any, int, str]]()
    for shelf in (shelf for supply in supplies.values() for shelf in supply.shelves):
        sums.update({(shelf.band, shelf.rooms, name): getattr(shelf, name) for name in FIGURES})
    places = sorted({place[:2] for place in sums}, key=lambda place: (list(BANDS).index(place[0]), place[1]))
    return [Shelf(band=b, rooms=r, **{name: sums[b, r, name] for name in FIGURES}) for b, r in places]


def as_told(supplies: Supplies) -> dict[str, Any]:
    shelves = together(supplies)
    return {
        "afdelinger": {name: of_shelves(supply.shelves) for name, supply in sorted(supplies.items())},
        "all": of_shelves(shelves),
    }


def of_shelves(shelves: Iterable[Shelf]) -> dict[str, Any]:
    its = list(shelves)
    return {**total(its), "shelves": [shelf.model_dump(mode="json") for shelf in its]}


def show(supplies: Supplies, console: Console) -> None:
    """By rent band and rooms; where there are several afdelinger, then each."""
    shelves = together(supplies)
    rows = [(BANDS[s.band], "4 or more" if s.rooms == 4 else str(s.rooms), total([s])) for s in shelves]
    of = next(iter(supplies)) if len(supplies) == 1 else f"{len(supplies)} afdelinger"
    table = Table(title=f"Usable supply of {of}: reported → relevant → used", title_justify="left")
    for heading in ("rent a month", "rooms", *FIGURES):
        table.add_column(heading, justify="right" if heading in FIGURES else "left")
    for band, rooms, figures in (*rows, ("all", "", total(shelves))):
        table.add_row(band, rooms, *map(str, figures.values()))
    console.print(table)
    if len(supplies) > 1:
        each = Table(title="By afdeling", title_justify="left")
        for heading in ("afdeling", *FIGURES):
            each.add_column(heading, justify="right" if heading in FIGURES else "left")
        for name, supply in sorted(supplies.items()):
            each.add_row(name, *map(str, total(supply.shelves).values()))
        console.print(each)


def supply(afdeling: Afdeling = None, organisation: Organisation = None, as_text: Json = False) -> None:
    """Print the usable supply: homes reported, of those relevant, of those used, by rent band and number of rooms."""
    newest = {event.afdeling_id: event for event in told(find(), What.supply) if isinstance(event, Supply)}
    wanted = afdeling or (f"{organisation}-" if organisation else "")
    found = {name: one for name, one in newest.items() if name.startswith(wanted) and one.shelves}
    if not found:
        typer.echo(
            f"Nothing is reported from {wanted.rstrip('-') or 'any afdeling'}: no standing offer is known.", err=True
        )
        raise typer.Exit(1)
    if as_text:
        typer.echo(as_json(as_told(found)))
    else:
        show(found, screen())
