"""The ministry's published lists and figures, through the services: `data/` and what must follow from it."""

import asyncio
from datetime import date

import pytest
from typer import Typer
from typer.testing import CliRunner

from services.cli.designations import DATA, agreement, designations, published, rows
from services.cli.evaluate import Offline
from services.cli.invented.telling import Event, events, instant, line, tell
from shared.events.internal import Area, Colours, Conclusion
from shared.events.values import Designation

ROWS = rows(DATA / "official_designations.csv")
COMPLETE = {2018: 29, 2019: 28, 2020: 15}
SINCE = date(2018, 1, 1)


def named(year: int, *designations: str, on: bool = True) -> set[str]:
    return {
        r["area"]
        for r in ROWS
        if int(r["list_year"]) == year and r["designation"] in designations and (r["on_list"] == "true") == on
    }


async def concluded(told: list[Event]) -> list[Conclusion]:
    offline = Offline()
    for n, event in enumerate(told):
        offline.send("f", n, line(event).encode(), "0851")
    await offline.settle()
    stores = [store for _, store in offline.services]
    assert offline.refused() == []
    return [c for store in stores for e in store.entities.values() for c in e.conclusions.values()]


def areas(told: list[Event]) -> dict[str, Area]:
    return {c.area_id: c for c in asyncio.run(concluded(told)) if isinstance(c, Area)}


@pytest.fixture(scope="module")
def by_lists() -> dict[str, Area]:
    return areas([agreement(SINCE), *published()])


def result(area: Area, year: int, name: Designation) -> bool | None:
    return next((y.designations[name].result for y in area.years if y.year == year), None)


@pytest.mark.parametrize("year", COMPLETE)
def test_the_named_are_parallelsamfund_and_nobody_else(by_lists: dict[str, Area], year: int) -> None:
    found = {name for name, area in by_lists.items() if result(area, year, "parallelsamfund")}

    assert found == named(year, "parallelsamfund", "omdannelse")
    assert len(found) == COMPLETE[year]


@pytest.mark.parametrize("year", [2018, 2019, 2021, 2022])
def test_those_named_so_are_omdannelse(by_lists: dict[str, Area], year: int) -> None:
    found = {name for name, area in by_lists.items() if result(area, year, "omdannelse")}

    assert named(year, "omdannelse")
    assert named(year, "omdannelse") <= found


@pytest.mark.parametrize("year", [2019, 2020, 2022, 2024])
def test_one_that_left_is_not_parallelsamfund(by_lists: dict[str, Area], year: int) -> None:
    left = named(year, "parallelsamfund", on=False)

    assert left
    assert {name for name in left if result(by_lists[name], year, "parallelsamfund") is not False} == set()


def test_a_list_of_which_not_all_is_known_says_nothing_of_the_others(by_lists: dict[str, Area]) -> None:
    assert result(by_lists["Ringparken"], 2021, "parallelsamfund") in (None, True)
    assert result(by_lists["Bispehaven"], 2023, "udsat") is None


def test_an_afdeling_in_a_named_area_is_red_and_one_beside_it_is_not() -> None:
    told = [
        tell(
            instant(SINCE), "org/9900", "afdeling.registered",
            afdeling_id=name, organisation_id="9900", name="Opdigtet", municipality="0851", valid_from=SINCE,
            family_homes=60, area_id=area, flexible_letting=None,
        )
        for name, area in (("9900-001", "Gellerupparken/Toveshøj"), ("9900-002", None))
    ]  # fmt: skip
    found = asyncio.run(concluded([agreement(SINCE), *events(told), *published()]))
    lines = {c.afdeling_id: [(str(s.from_), s.colour) for s in c.timeline] for c in found if isinstance(c, Colours)}

    assert lines["9900-001"] == [("2018-01-01", "unknown"), ("2018-12-01", "red")]
    assert {colour for _, colour in lines["9900-002"]} == {"unknown"}


def test_the_figures_alone_give_what_the_ministry_found() -> None:
    """Ringparken 2019 and Parkvej about 2023, computed, the lists left out."""
    told = [e for e in published() if ".list." not in e["type"]]
    found = areas([agreement(SINCE), *told])
    ringparken, parkvej = found["Ringparken"], found["Parkvej"]

    assert (result(ringparken, 2019, "udsat"), result(ringparken, 2019, "parallelsamfund")) == (True, True)
    assert result(ringparken, 2019, "omdannelse") is None
    assert (result(parkvej, 2023, "udsat"), result(parkvej, 2023, "parallelsamfund")) == (False, False)
    assert result(parkvej, 2023, "forebyggelse") is True


def test_the_command_writes_the_same_bytes_again() -> None:
    app = Typer()
    app.command()(designations)
    once, again = CliRunner().invoke(app, []), CliRunner().invoke(app, [])

    assert once.stdout == again.stdout
    assert len(once.stdout.splitlines()) == 1 + len(published())
    assert CliRunner().invoke(app, ["--agreement-from", ""]).stdout.count("agreement.published") == 0
    assert CliRunner().invoke(app, ["--agreement-from", "yesterday"]).exit_code == 2
