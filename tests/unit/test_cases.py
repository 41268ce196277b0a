"""The rules of the agreement as cases in Danish (`cases/*.yaml`): what is given, what follows, by which paragraph.

Every case has the afdeling 0123-001, registered from 1 January 2024, and one agreement in force, unless it says
`aftale: ingen`. Each is told in its order and in the reverse.
"""

import asyncio
import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.cli.evaluate import fold
from shared.agreement.loader import AALBORG, load
from shared.runtime.views import State

CASES = [
    pytest.param(case, id=f"{file.stem}: {case['sag']}")
    for file in sorted((Path(__file__).parent / "cases").glob("*.yaml"))
    for case in yaml.safe_load(file.read_text(encoding="utf-8"))
]
AFDELING, DOCUMENT = "0123-001", load(AALBORG)
ACTORS = {"proposed_by": "m1", "approved_by": "m2"}
Told = tuple[str, dict[str, Any]]


def given(case: dict[str, Any]) -> Iterator[Told]:
    if (changes := case.get("aftale", {})) != "ingen":
        yield "agreement.published", {"document": changed(changes), **ACTORS}
    yield from registered({"nr": AFDELING, "område": case.get("område"), "vilkår": case.get("vilkår")})
    for fact in case["givet"]:
        [(kind, data)] = fact.items()
        yield from TELL[kind](data)


def registered(data: dict[str, Any]) -> Iterator[Told]:
    terms = data.get("vilkår")
    yield (
        "afdeling.registered",
        {
            "afdeling_id": data["nr"], "organisation_id": "0123", "name": "Prøven", "municipality": "0851",
            "valid_from": data.get("fra", "2024-01-01"), "family_homes": 100, "area_id": data.get("område"),
            "flexible_letting": {"criteria": terms} if terms else None,
        },
    )  # fmt: skip


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    """Aalborg's agreement, with other values at these paths."""
    document = deepcopy(DOCUMENT)
    for path, value in changes.items():
        *steps, last = path.split(".")
        inside = document
        for step in steps:
            inside = inside[step]
        inside[last] = value
    return document


def figures(data: dict[str, Any]) -> Iterator[Told]:
    area, as_of, since = (data.get(k) for k in ("område", "pr", "fra"))
    for indicator, told in data.items():
        if indicator not in ("område", "pr", "fra"):
            value, *parts = told if isinstance(told, list) else [told]
            yield (
                "indicator.observed",
                {
                    "subject": {"kind": "area", "id": area} if area else {"kind": "afdeling", "id": AFDELING},
                    "source": "ministry" if area else "lbf",
                    "indicator": indicator,
                    "as_of": as_of or "2024-01-01",
                    "effective_from": since or "2024-05-01",
                    "value": value,
                    **({} if value else {"missing": "suppressed"}),
                    **dict(zip(("numerator", "denominator"), parts, strict=False)),
                },
            )


def average(data: dict[str, Any]) -> Iterator[Told]:
    told = {"indicator": "convicted", "list_date": data["dato"], "national_average": data["convicted"]}
    yield "reference.published", told


def listed(data: dict[str, Any]) -> Iterator[Told]:
    lists = {k: v for k, v in data.items() if k != "år"}
    yield "list.published", {"list_date": f"{data['år']}-12-01", "lists": lists}


def placed(data: dict[str, Any]) -> Iterator[Told]:
    yield (
        "placement.decided",
        {
            "placement_id": data.get("id", "p"), "afdeling_id": data.get("nr", AFDELING), "colour": data["farve"],
            "valid_from": data["fra"], "valid_to": data["til"], "reason": "prøve", **ACTORS,
        },
    )  # fmt: skip


def twins(data: dict[str, Any]) -> Iterator[Told]:
    comparisons = [{"indicator": k, "own": v[0], "twin_mean": v[1]} for k, v in data.items() if k != "fra"]
    yield (
        "twins.compared",
        {
            "afdeling_id": AFDELING, "as_of": "2024-01-01", "effective_from": data["fra"], "comparisons": comparisons,
            "twins": ["0123-002"],
        },
    )  # fmt: skip


def vacant(data: dict[str, Any]) -> Iterator[Told]:
    first = data.get("første", 1)
    basis = {
        "afdeling_id": data.get("nr", AFDELING), "dwelling": "family", "reason": "external", "rooms": 2,
        "area_m2": "60", "rent_monthly": "4000", "vacant_from": data.get("ledig", "2024-08-01"),
    }  # fmt: skip
    other = {k: v for k, v in data.items() if k not in ("antal", "første", "ledig", "nr")}
    for number in range(first, first + data["antal"]):
        yield "vacancy.reported", {**basis, "vacancy_id": f"b{number}", **other}


def offered(vacancies: list[str]) -> Iterator[Told]:
    for name in vacancies:
        told = {"offer_id": f"t-{name}", "vacancy_id": name, "afdeling_id": AFDELING, "submitted_on": "2024-08-02"}
        yield "offer.submitted", told


def resolved(data: dict[str, Any]) -> Iterator[Told]:
    yield "offer.resolved", {"afdeling_id": AFDELING, "reason": "prøve", **ACTORS, **data}


def answered(data: dict[str, Any]) -> Iterator[Told]:
    kind = {"anvist": "assigned", "returneret": "returned"}[data["svar"]]
    told = {"offer_id": f"t-{data['på']}", "afdeling_id": AFDELING, "on": data["den"], "decision_version": 1}
    yield f"offer.{kind}", told


def withdrawn(name: str) -> Iterator[Told]:
    yield "offer.withdrawn", {"offer_id": f"t-{name}", "afdeling_id": AFDELING, "revision": 2}


def succeeded(data: dict[str, Any]) -> Iterator[Told]:
    share = {"share": data["andel"]} if "andel" in data else {}
    yield "afdeling.succeeded", {"from": data["af"], "to": data["til"], "on": data["den"], **share}


TELL = {
    "registreret": registered,
    "svar": answered,
    "trukket": withdrawn,
    "efterfulgt": succeeded,
    "tal": figures,
    "landstal": average,
    "liste": listed,
    "placering": placed,
    "tvillinger": twins,
    "ledige": vacant,
    "tilbud": offered,
    "løst": resolved,
    "fakta": lambda data: iter(data.items()),
}


def plain(value: Any) -> Any:
    """YAML reads a day as one."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return str(value) if isinstance(value, date) else value


def ends(told: list[Told], closed: date | None) -> State:
    lines = [
        json.dumps(
            {
                "specversion": "1.0", "id": str(n), "source": "s", "type": f"dk.trappetrin.{kind}.v1",
                "data": {"revision": 1, **plain(data)},
            }
        ).encode()
        for n, (kind, data) in enumerate(told)
    ]  # fmt: skip
    state, refused, _ = asyncio.run(fold((("f", n, line) for n, line in enumerate(lines)), on=closed))

    assert refused == []
    return state


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any]) -> None:
    told = list(given(case))
    state = ends(told, case.get("lukket"))
    afdeling = state["afdelinger"][AFDELING]
    found = {
        "farver": colours(afdeling),
        "andres farver": {name: colours(other) for name, other in state["afdelinger"].items() if name != AFDELING},
        "andres kvoter": {name: a["quota"] for name, a in state["afdelinger"].items() if name != AFDELING},
        "liv": {n.partition("/")[2]: [x["state"], x["deadline"]] for n, x in state.get("offers", {}).items()},
        "kvote": afdeling["quota"],
        "område": state["areas"],
        "afgørelser": {n.partition("/")[2]: [d["outcome"], d["reasons"]] for n, d in state["decisions"].items()},
    }

    assert {name: found[name] for name in case["så"]} == plain(case["så"])
    assert ends(told[::-1], case.get("lukket")) == state


def colours(afdeling: dict[str, Any]) -> list[list[str | None]]:
    return [[s["from"], s["colour"], s["at_least"]] for s in afdeling["timeline"]]
