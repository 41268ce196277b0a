"""The state of the running system, in the shape of `evaluate`; each service answers for its own."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.system import System
from shared.events.topics import SERVICES
from shared.runtime.views import State, merge

Json = Annotated[bool, typer.Option("--json", help="Print JSON with sorted keys, to compare as text.")]
COLOURS = {"red": "red", "yellow": "yellow", "green": "green", "unknown": "dim"}


def empty() -> State:
    return {"afdelinger": {}, "areas": {}, "decisions": {}, "refused": 0}


def as_json(told: Any) -> str:
    """For programs: sorted, so that equal is equal as text."""
    return json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True)


def show(state: State, console: Console) -> None:
    """For people: the staircase and the quotas, then the decisions."""
    table = Table(title="Staircase and quotas", title_justify="left")
    for heading in ("afdeling", "colour now", "since"):
        table.add_column(heading, no_wrap=True)
    for heading in ("counting", "due", "reported", "owed", "credit", "next due in"):
        table.add_column(heading, justify="right")
    for name, afdeling in sorted(state["afdelinger"].items()):
        line, quota = afdeling.get("timeline") or [], afdeling.get("quota") or {}
        last: dict[str, Any] = line[-1] if line else {"colour": "unknown", "from": "", "at_least": None}
        colour = last["colour"] + (f" (at least {last['at_least']})" if last["at_least"] else "")
        counts = (quota.get(k) for k in ("counting", "due", "reported", "owed", "credit", "next_due_in"))
        figures = ("–" if c is None else str(c) for c in counts)
        table.add_row(name, Text(colour, COLOURS[last["colour"]]), last["from"], *figures)
    console.print(table)
    if state["areas"]:
        areas = Table(title="Areas, by the newest facts", title_justify="left")
        for heading in ("area", "list year", "udsat", "parallelsamfund", "omdannelse", "forebyggelse"):
            areas.add_column(heading)
        words = {True: "yes", False: "no", None: "unknown"}
        for name, area in sorted(state["areas"].items()):
            marks = (words[area[d]] for d in ("udsat", "parallelsamfund", "omdannelse", "forebyggelse"))
            areas.add_row(name, str(area["list_year"] or "–"), *marks)
        console.print(areas)
    decisions = Table(title="Decisions", title_justify="left")
    for heading in ("offer", "outcome", "reasons"):
        decisions.add_column(heading)
    for name, decision in sorted(state["decisions"].items()):
        decisions.add_row(name, decision["outcome"], ", ".join(decision["reasons"]))
    console.print(decisions)
    console.print(f"Refused at the edge: {state['refused']}")


def current(system: System) -> State:
    """Ask every service and merge. Raises `Unreachable`."""
    whole = empty()
    for service in SERVICES:
        merge(whole, system.ask(service, "/state"))
    return whole
