"""The invented municipality: the same bytes for a seed, valid events, believable figures, and every kind of trouble."""

import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from services.cli.invented import municipality
from services.cli.invented.municipality import Home, Municipality, invent
from services.cli.invented.story import organisation_year
from services.cli.invented.telling import Event, line
from services.cli.invented.year import simulate
from services.cli.simulate import simulate as command
from services.ingest.domain import Known, Refusal, admit
from shared.agreement.loader import AALBORG
from shared.events.cloudevents import Invalid
from shared.events.decoding import content_hash, of_line, route
from shared.events.inbound import KINDS, MODELS
from shared.events.topics import sender_of

YEAR = 2024


@pytest.fixture(scope="module")
def whole() -> Municipality:
    return invent(1, 250, YEAR, "0851")


@pytest.fixture(scope="module")
def year() -> list[Event]:
    return list(simulate(1, 250, YEAR))


def kind(event: Event) -> str:
    return str(event["type"]).removeprefix("dk.trappetrin.").removesuffix(".v1")


def judged(events: list[Event]) -> dict[str, list[tuple[Event, str]]]:
    """The events by fate, with the rule that refuses them: the edge's own judgement."""
    known, fates = Known(), defaultdict[str, list[tuple[Event, str]]](list)
    for event in events:
        told = line(event).encode()
        try:
            fact = of_line(told)
        except Invalid as error:
            fates["refused"].append((event, f"{error.field} {error.rule}"))
            continue
        content = content_hash(fact)
        fate = admit(fact, content, event["type"], sender_of(route(told)[0]), known)
        if isinstance(fate, Refusal):
            fates["refused"].append((event, f"{fate.field} {re.sub('[0-9]+', '', fate.rule)}"))
            continue
        fates[fate].append((event, ""))
        if fate != "duplicate":
            known.learn(fact, content)
    return fates


def of(events: list[Event], name: str) -> list[dict[str, Any]]:
    return [e["data"] for e in events if kind(e) == name]


def text(events: Iterator[Event]) -> str:
    return "\n".join(line(e) for e in events)


def homes(whole: Municipality, *dwellings: str) -> list[Home]:
    return [h for a in whole.afdelinger for h in a.homes if not dwellings or h.dwelling in dwellings]


def vacancies(year: list[Event]) -> list[dict[str, Any]]:
    """As they were first told."""
    return list({v["vacancy_id"]: v for v in of(year, "vacancy.reported") if v["revision"] == 1}.values())


def outside(year: list[Event], dwelling: str) -> list[dict[str, Any]]:
    return [v for v in vacancies(year) if v["dwelling"] == dwelling and v["reason"] == "external"]


# Determinism


def test_same_seed_gives_the_same_bytes_in_another_process() -> None:
    code = "from services.cli.simulate import simulate as s; s(seed=7, afdelinger=12, broken=0.1)"
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment).stdout

    assert printed.decode() == text(simulate(7, 12, broken=0.1)) + "\n"


def test_other_seed_gives_another_year() -> None:
    assert text(simulate(7, 12)) != text(simulate(8, 12))


# The contract


def test_the_edge_refuses_nothing() -> None:
    fates = judged(list(simulate(1, 80, YEAR)))

    assert fates["refused"] == []
    assert min(len(fates[f]) for f in ("accepted", "parked", "duplicate")) > 0


def test_every_type_occurs_but_succession(year: list[Event]) -> None:
    assert {kind(e) for e in year} == KINDS - {"afdeling.succeeded", "day.closed"}


def test_every_retraction_occurs(year: list[Event]) -> None:
    assert {kind(e) for e in year if "retracted" in e["data"]} == {k for k, retraction in MODELS if retraction}


def test_what_is_invented_says_so(year: list[Event]) -> None:
    names = [d["name"] for n in ("organisation.registered", "afdeling.registered") for d in of(year, n) if "name" in d]
    areas = {d["area_id"] for d in of(year, "afdeling.registered") if d.get("area_id")}

    assert {e["source"].split("/")[0] for e in year} == {"invented"}
    assert [n for n in (*names, *areas) if not n.startswith("Opdigtet")] == []


def test_an_id_names_one_statement(year: list[Event]) -> None:
    assert len({e["id"] for e in year}) == len({line(e) for e in year})


# Believable figures


def test_size(whole: Municipality, year: list[Event]) -> None:
    assert len(whole.organisations) == 20
    assert 30_000 <= len(homes(whole)) <= 35_000
    assert 10_000 <= len(year) <= 20_000


def test_area_and_rent(whole: Municipality) -> None:
    built = {h: a.built for a in whole.afdelinger for h in a.homes}
    new, old = ([h for h in built if (built[h] >= 2000) is later] for later in (True, False))

    def per_m2(some: list[Home]) -> Decimal:
        return 12 * sum(h.rent_monthly for h in some) / sum(h.area_m2 for h in some)

    assert sum(h.area_m2 for h in homes(whole)) / len(homes(whole)) == pytest.approx(79, abs=1.5)
    assert 835 <= per_m2(homes(whole)) <= 899
    assert per_m2(new) > per_m2(old) + 50


def test_about_eight_percent_of_family_homes_lie_under_3500(whole: Municipality) -> None:
    family = homes(whole, "family")

    assert sum(h.rent_monthly < 3500 for h in family) / len(family) == pytest.approx(0.08, abs=0.01)


def test_area_grows_with_the_rooms(whole: Municipality) -> None:
    means = []
    for rooms in (1, 2, 3, 4, 5):
        some = [h.area_m2 for h in homes(whole, "family") if h.rooms == rooms]
        means.append(sum(some) / len(some))

    assert means == sorted(means)


def test_residents_of_a_home(whole: Municipality) -> None:
    assert sum(a.residents for a in whole.afdelinger) / len(homes(whole)) == pytest.approx(1.7, abs=0.01)


@pytest.mark.parametrize(("dwelling", "share", "tolerance"), [("family", 0.104, 0.006), ("youth", 0.399, 0.04)])
def test_moves_to_the_outside(
    whole: Municipality, year: list[Event], dwelling: str, share: float, tolerance: float
) -> None:
    assert len(outside(year, dwelling)) / len(homes(whole, dwelling)) == pytest.approx(share, abs=tolerance)


def test_a_tenth_of_the_lettings_is_internal(year: list[Event]) -> None:
    internal = [v for v in vacancies(year) if v["reason"] == "internal_move"]

    assert len(internal) / len(vacancies(year)) == pytest.approx(0.1, abs=0.015)


def test_most_move_in_july(year: list[Event]) -> None:
    months = Counter(v["vacant_from"][:7] for v in vacancies(year))

    assert months.most_common(1)[0][0] == f"{YEAR}-07"
    assert len(months) == 12


def test_a_quarter_and_more_of_what_counts_is_offered(year: list[Event]) -> None:
    offered = {o["vacancy_id"] for o in of(year, "offer.submitted")}
    countable = outside(year, "family")

    assert 0.25 <= sum(v["vacancy_id"] in offered for v in countable) / len(countable) <= 0.4


def test_some_figures_are_missing_and_some_lists_incomplete(year: list[Event]) -> None:
    figures = of(year, "indicator.observed")
    lists = [d for told in of(year, "list.published") for d in told.get("lists", {}).values()]

    assert {f["missing"] for f in figures if f.get("missing")} == {"suppressed", "not_collected"}
    assert {d["complete"] for d in lists} == {True, False}


def test_three_years_of_figures_for_each_afdeling(whole: Municipality, year: list[Event]) -> None:
    told = {(f["subject"]["id"], f["indicator"], f["as_of"]) for f in of(year, "indicator.observed")}
    expected = {(a.id, "income", f"{y}-01-01") for a in whole.afdelinger for y in (YEAR - 2, YEAR - 1, YEAR)}

    assert expected - told == set()


def test_areas_have_the_residents_that_the_law_asks_for(whole: Municipality) -> None:
    assert [a.id for a in whole.areas if a.residents < 1000] == []
    assert {a.profile for a in whole.areas} >= {"none", "forebyggelse", "udsat", "parallelsamfund", "omdannelse"}


def test_an_agreement_of_an_earlier_year_and_a_new_one_in_the_middle(year: list[Event]) -> None:
    documents = {e["document"]["effective_from"]: e["document"] for e in of(year, "agreement.published")}
    ceilings = [documents[d]["relevance"]["rent_monthly_max"]["2"] for d in sorted(documents)]

    assert sorted(documents) == ["2018-01-01", "2024-07-01"]
    assert ceilings == [4500, 4750]


def test_some_afdelinger_are_registered_anew(year: list[Event]) -> None:
    registered = {(r["afdeling_id"], r["valid_from"]) for r in of(year, "afdeling.registered") if "retracted" not in r}

    assert 10 <= sum(day > f"{YEAR}-01-01" for _, day in registered) <= 40


def test_referred_offers_are_resolved_by_two_people(year: list[Event]) -> None:
    resolved = of(year, "offer.resolved")

    assert {c for r in resolved for c in r["resolves"]} == {"colour_unknown", "rent_missing"}
    assert {r["outcome"] for r in resolved} == {"accepted", "rejected"}


# Late, repeated, corrected, cancelled, out of order


def test_some_arrive_late(year: list[Event]) -> None:
    latest, late = "", 0
    for event in year:
        latest = max(latest, event["time"])
        late += (date.fromisoformat(latest[:10]) - date.fromisoformat(event["time"][:10])).days > 3

    assert 0.01 <= late / len(year) <= 0.08


def test_some_arrive_twice_byte_for_byte(year: list[Event]) -> None:
    repeated = sum(n - 1 for n in Counter(line(e) for e in year).values())

    assert 0.02 <= repeated / len(year) <= 0.04


@pytest.mark.parametrize(("names", "key"), [
    (("vacancy.reported", "vacancy.cancelled"), "vacancy_id"),
    (("offer.submitted", "offer.withdrawn"), "offer_id"),
])  # fmt: skip
def test_some_are_overtaken_by_a_later_revision(year: list[Event], names: tuple[str, ...], key: str) -> None:
    newest, overtaken = dict[str, int](), 0
    for data in (e["data"] for e in year if kind(e) in names):
        overtaken += data["revision"] < newest.get(data[key], 0)
        newest[data[key]] = max(newest.get(data[key], 0), data["revision"])

    assert overtaken > 0


@pytest.mark.parametrize(
    ("name", "revision"),
    [
        ("vacancy.reported", 2),
        ("vacancy.reported", 3),
        ("vacancy.cancelled", 2),
        ("offer.submitted", 3),
        ("offer.withdrawn", 2),
        ("offer.returned", 2),
        ("offer.resolved", 2),
        ("indicator.observed", 2),
        ("twins.compared", 2),
        ("placement.decided", 2),
        ("list.published", 2),
        ("afdeling.registered", 2),
    ],
)
def test_some_are_corrected_cancelled_or_told_anew(year: list[Event], name: str, revision: int) -> None:
    assert [d for d in of(year, name) if d["revision"] == revision and "retracted" not in d]


# Options


@pytest.mark.parametrize("number", [1, 40, 700])
def test_events_are_exactly_as_many_as_asked_for(number: int) -> None:
    assert len(list(simulate(3, events=number))) == number
    assert len(list(simulate(3, afdelinger=4, events=number, broken=0.2))) == number


def test_broken_ones_are_among_as_many_good_ones() -> None:
    events = list(simulate(3, afdelinger=20, broken=0.1))
    broken = [e for e in events if e["source"] == "invented/broken"]

    assert [e for e in events if e["source"] != "invented/broken"] == list(simulate(3, afdelinger=20))
    assert len(broken) / len(events) == pytest.approx(0.1, abs=0.001)
    assert len({e["id"] for e in broken}) == len(broken)


def test_the_edge_refuses_the_broken_ones_and_no_other() -> None:
    events = list(simulate(3, afdelinger=20, broken=0.1))
    fates = judged(events)

    assert [e for e, _ in fates["refused"]] == [e for e in events if e["source"] == "invented/broken"]
    assert len({rule.split(" of this ")[-1] for _, rule in fates["refused"]}) >= 12


def test_the_command_writes_the_events_of_the_options(tmp_path: Any) -> None:
    app, out = typer.Typer(), tmp_path / "year.ndjson"
    app.command()(command)
    options = ["--seed", "5", "--year", "2023", "--municipality", "0999", "--events", "300", "--out", str(out)]
    result = CliRunner().invoke(app, options)
    written = [json.loads(told) for told in out.read_text("utf-8").splitlines()]

    assert result.exit_code == 0
    assert written == list(simulate(5, year=2023, municipality="0999", events=300))
    assert {d["municipality"] for d in of(written, "afdeling.registered") if "municipality" in d} == {"0999"}


def test_the_command_names_what_is_wrong_with_an_agreement(tmp_path: Any) -> None:
    app, file = typer.Typer(), tmp_path / "agreement.yaml"
    app.command()(command)
    file.write_text(AALBORG.read_text("utf-8").replace("value: floor", "value: nearest"), "utf-8")
    result = CliRunner(env={"COLUMNS": "400"}).invoke(app, ["--agreement", str(file)])

    assert result.exit_code == 2
    assert "quota.rounding.value" in result.output
    assert "nearest" in result.output


# The story


def test_the_edge_refuses_nothing_of_the_story() -> None:
    fates = judged([e for _, events in organisation_year() for e in events])

    assert (fates["refused"], fates["parked"]) == ([], [])


def test_the_story_tells_again_only_what_it_has_told() -> None:
    *chapters, (_, again) = organisation_year()
    told = [e for _, events in chapters for e in events]

    assert [e for e in again if e not in told] == []
    assert len({e["id"] for e in told}) == len(told)


def test_the_story_is_marked_as_invented() -> None:
    told = [e for _, events in organisation_year() for e in events]

    assert {e["source"].split("/")[0] for e in told} == {"invented"}
    assert [d["name"] for d in of(told, "afdeling.registered") if not d["name"].startswith("Opdigtet")] == []


def test_there_are_no_more_organisations_than_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(municipality, "MOST", 3)

    assert [o.id for o in invent(1, 250, YEAR, "0851").organisations] == ["9001", "9002", "9003"]
