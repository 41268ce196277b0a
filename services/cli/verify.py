"""`trappetrin verify`: whether decisions and ledger lines are what was decided and booked then, from the records alone.

An offer is verified with the whole journal that it lies in, since a record is held by its neighbours.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Annotated, Any, NamedTuple

import typer
from rich.status import Status

from services.cli.checking import DECISIONS, LINES, Checked, Fault, Kind, Published, checked
from services.cli.evidence import Topic, anchored
from services.cli.records import Name, offer_in, written
from services.cli.screen import screen
from services.cli.state import Json, as_json
from services.cli.system import System, find
from shared.runtime.contract import Written

Wanted = Annotated[
    list[str] | None, typer.Argument(help="Offers, as 0123/offer-1: all decisions on each, and their journals.")
]


class Result(NamedTuple):
    """What was checked of one kind, by afdeling; `found`: the offers that are known."""

    kind: Kind
    journals: dict[str, Checked]
    found: set[Name]

    @property
    def faults(self) -> list[Fault]:
        return [fault for _, one in sorted(self.journals.items()) for fault in one.faults]

    @property
    def entries(self) -> int:
        return sum(one.entries for one in self.journals.values())

    @property
    def foreign(self) -> int:
        return sum(one.foreign for one in self.journals.values())

    def __str__(self) -> str:
        many, wrong = f"{self.kind.word}{'' if self.entries == 1 else 's'}", len(self.faults)
        afdelinger = f"{len(self.journals):,} afdeling{'' if len(self.journals) == 1 else 'er'}"
        what = f"{self.entries:,} {many} of {afdelinger}"
        told = f"{what} checked: {wrong:,} not as they were written" if wrong else f"{what} verified"
        return (
            f"{told}; {self.foreign:,} made by other rules, which cannot be recomputed here" if self.foreign else told
        )


def verified(system: System, kind: Kind, names: Sequence[Name], status: Status) -> Result:
    """The journals in which these offers lie, or all where none is named. The topics are read before the journals, so
    that what is published while this runs is not taken for removed.
    """
    status.update(f"reading {kind.topic}.v1 and its anchors")
    topic, heads, result = Topic(system, kind), anchored(system, kind), Result(kind, {}, set())
    seen = set[str]()

    def check(afdeling: str, journal: Sequence[Written]) -> None:
        status.update(f"verifying: {result.entries:,} {kind.word}s of {len(result.journals):,} afdelinger")
        seen.add(afdeling)
        published = topic.of(afdeling, [e.number for e in journal])
        here = lying(names, afdeling, journal, published)
        if here or not names:
            result.journals[afdeling] = checked(kind, afdeling, journal, published, heads.get(afdeling, ()))
            result.found.update(here)

    for prefix in prefixes(names):
        entries = written(system, kind.service, kind.model.kind, prefix)
        for afdeling, its in groupby(entries, key=lambda entry: entry.entity):
            check(afdeling, list(its))
    for afdeling in sorted((topic.found.keys() | heads.keys()) - seen):
        check(afdeling, ())
    return result


def prefixes(names: Sequence[Name]) -> list[str]:
    """Of the afdelinger to read; all where an organisation was left out."""
    found = sorted({name.prefix for name in names})
    return [""] if not found or "" in found else found


def lying(
    names: Sequence[Name], afdeling: str, journal: Sequence[Written], published: Mapping[int, Published]
) -> set[Name]:
    """Which of the offers lie there, by its journal or by what was published of it."""
    things = {told.thing for told in published.values()} | {offer_in(entry) for entry in journal}
    return {name for name in names if name.offer in things and name.organisation in (None, afdeling[:4])}


def sentence(fault: Fault) -> str:
    """The entry at fault, and what is wrong with it."""
    where = f"number {fault.number} of afdeling {fault.afdeling}"
    if fault.thing:
        name = f"{fault.afdeling[:4]}/{fault.thing} version" if fault.kind == DECISIONS.word else f"{fault.thing} step"
        where = f"{name} {fault.step}, {where}"
    return f"{fault.what}: {fault.kind} {where}: {'; '.join(fault.how)}"


def as_data(results: Sequence[Result]) -> dict[str, Any]:
    return {
        "verified": {
            r.kind.model.kind: {"entries": r.entries, "afdelinger": len(r.journals), "not_recomputable": r.foreign}
            for r in results
        },
        "faults": [fault._asdict() for r in results for fault in r.faults],
    }


def verify(
    decisions: Wanted = None,
    *,
    whole: Annotated[bool, typer.Option("--all", help="Every decision and every ledger line.")] = False,
    ledger: Annotated[bool, typer.Option("--ledger", help="Every ledger line.")] = False,
    as_text: Json = False,
) -> None:
    """Recompute decisions from their records and compare bytes, chain, anchors and topic. Exit code 1 on a fault.

    An entry that was altered, removed or added is named, and what of it differs.
    """
    names = [Name.of(text) for text in decisions or ()]
    if not (names or whole or ledger):
        raise typer.BadParameter("must be given, or --all, or --ledger", param_hint="DECISION")
    if names and whole:
        raise typer.BadParameter("must not be given together with --all", param_hint="DECISION")
    system, errors, results = find(), screen(stderr=True), list[Result]()
    with errors.status("reading") as status:
        if names or whole:
            results.append(verified(system, DECISIONS, names, status))
        if ledger or whole:
            results.append(verified(system, LINES, (), status))
    if lost := set(names) - {name for result in results for name in result.found}:
        errors.print(f"No decision on {', '.join(sorted(map(str, lost)))} is known here.")
        raise typer.Exit(1)
    if as_text:
        typer.echo(as_json(as_data(results)))
    else:
        console = screen()
        for result in results:
            for fault in result.faults:
                console.print(sentence(fault), style="red")
            console.print(str(result))
    if any(result.faults for result in results):
        raise typer.Exit(1)
