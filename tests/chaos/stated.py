"""What must stand when all is settled: the facts, and what follows from them alone, however they came.

The fold's own conclusions lie on one way to the end, and a run's on another. So what a service must have concluded is
asked of its domain anew, as if nothing had been said before; what was said on the way and says nothing any longer may
stand besides.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.classifier.domain.parameters import Parameters
from services.cli.evaluate import Offline
from shared.agreement.registrations import Registrations
from shared.events.decoding import decode, restore
from shared.events.internal import (
    Amounts,
    Anchor,
    Area,
    AreaNamed,
    Colours,
    Conclusion,
    Decision,
    Handover,
    Life,
    Position,
    Quota,
    Relative,
    Supply,
)
from shared.events.partitioning import partition_of
from shared.events.topics import CONTROL
from shared.runtime.contract import EVERYONE, Entity, Record
from shared.runtime.keyed import Domain, slot_of
from shared.runtime.memory import MemoryStore
from tests.chaos.findings import Findings
from tests.chaos.seen import KEYED, Row

Slot = tuple[str, str, str]
"""Entity, kind, key."""
Stored = Mapping[Slot, Conclusion]
"""The conclusions of a service as they lie in its database."""
STAYS = {Decision.kind, Life.kind, Quota.kind}
"""Kinds of what stands of an afdeling that no longer is registered: its quota is of nothing, as its ledger shows."""


def facts(found: Findings, service: str, offline: Offline, rows: Iterable[Row]) -> None:
    _, store = offline.services[KEYED.index(service)]
    expected = {
        (entity, *slot): contents(f.body, f.version)
        for (_, entity), e in store.entities.items()
        for slot, f in e.facts.items()
    }
    stored = {slot_in(r): contents(restore(r["kind"], r["body"]), r["version"]) for r in rows}
    found.compare(f"{service}'s facts", saying(expected), saying(stored))


def conclusions(found: Findings, service: str, offline: Offline, concluded: Stored) -> None:
    """Decisions of an afdeling that no longer is registered stay, and an area of which all was taken back."""
    domain, store = offline.services[KEYED.index(service)]
    expected = {slot: contents(body) for slot, body in follows(domain, store)}
    stored = {slot: contents(body) for slot, body in concluded.items()}
    unregistered = {n for (_, n), e in store.entities.items() if n != EVERYONE and not Registrations(e.facts)}
    areas = {(EVERYONE, Area.kind, name) for name in named(offline)}
    may = {
        s for s, body in stored.items() if body is None or s in areas or (s[0] in unregistered and s[1] in STAYS)
    } - expected.keys()
    found.compare(f"{service}'s conclusions", expected, {s: body for s, body in stored.items() if s not in may})


def named(offline: Offline) -> set[str]:
    """All areas that anybody ever told anything of."""
    told = (decode(Record(CONTROL, 0, 0, *record[1:])) for record in offline.broker.logs[CONTROL, 0])
    return {name for fact in told for name in Parameters({fact.slot: fact}).names()}


def follows(domain: Domain[Any], store: MemoryStore) -> Iterator[tuple[Slot, Conclusion]]:
    for task in store.tasks:
        everyone = store.entities.get((task, EVERYONE)) or Entity()
        parameters = domain.parameters(everyone.facts)
        for (home, name), entity in store.entities.items():
            if home != task or not entity.facts:
                continue
            if name == EVERYONE:
                told = domain.conclude_everyone(parameters, lambda e, task=task: str(partition_of(e)) == task)
            else:
                told = domain.conclude(name, Entity(dict(entity.facts)), parameters)
            yield from (((name, *slot_of(c, name)), c) for c in told if c.stated)


def restored(rows: Iterable[Row]) -> dict[Slot, Conclusion]:
    return {slot_in(row): body for row in rows if isinstance(body := restore(row["kind"], row["body"]), Conclusion)}


def slot_in(row: Row) -> Slot:
    return row["entity"], row["kind"], row["key"]


def saying(bodies: Mapping[Slot, Any]) -> dict[Slot, Any]:
    return {slot: body for slot, body in bodies.items() if body is not None}


def contents(body: Any, version: int = 0) -> Any:
    """What must be equal: of a fact all, of a conclusion what it says and not how it came to; None where it says
    nothing any longer.
    """
    match body:
        case Life():
            return {n: v for n, v in body.content().items() if n != "findings"}  # they tell of versions
        case Position():
            return None if body.line is None else (body.what, body.effect, body.basis.day)
        case Handover():
            return None if body.amounts == Amounts() else body.content()
        case Colours(timeline=[]) | Relative(timeline=[]) | Supply(shelves=[]):
            return None
        case Anchor():  # they tell of lines and their numbers
            return None
        case Conclusion():
            return body.content()
        case AreaNamed():
            return body.area_id
    return version, body
