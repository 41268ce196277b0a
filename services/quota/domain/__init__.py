"""quota: vacancies × colours × decisions × agreement → the 25 % of an afdeling, and its ledger.

counting (how each home counts) → handover (what comes from predecessors and goes to successors) → balance (due, owed) →
ledger (the lines by which what was said before becomes what is said now). Source: the inbound contract, "Quota".
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from services.quota.domain.balance import quota_of
from services.quota.domain.counting import colours_of, homes
from services.quota.domain.handover import handed, taken, withdrawn
from services.quota.domain.ledger import cause_of, entries, wanted
from services.quota.domain.supply import supply_of
from shared.agreement.everyone import OF_AREAS, Everyone
from shared.agreement.registrations import Registrations
from shared.events.inbound import RegistrationRetracted
from shared.events.internal import Conclusion, Quota, Supply
from shared.runtime.contract import Entity, Fact, Ours, Slot

SHOWN = ("counting", "suspended", "excluded", "due", "reported", "owed", "credit", "next_due_in")


class QuotaDomain:
    """The `Domain` of quota; its parameters are what concerns everyone."""

    ignores = OF_AREAS

    def parameters(self, everyone: Mapping[Slot, Fact]) -> Everyone:
        return Everyone(everyone)

    def conclude(self, afdeling: str, known: Entity, parameters: Everyone) -> Iterable[Conclusion]:
        """Of an afdeling that is registered; of one that no longer is, that nothing of it counts."""
        recorded_at = max(f.recorded_at for f in known.facts.values())
        if registrations := Registrations(known.facts):
            yield from concluded(afdeling, registrations, known, parameters, recorded_at)
        elif (Quota.kind, "") in known.conclusions and (retraction := retraction_of(known.facts)):
            yield from emptied(afdeling, known, retraction, recorded_at)

    def conclude_everyone(self, parameters: Everyone, ours: Ours) -> Iterable[Conclusion]:
        return ()

    def view(
        self, entity: str, facts: Mapping[Slot, Fact], conclusions: Mapping[Slot, Conclusion], parameters: Everyone
    ) -> dict[str, Any]:
        quota = conclusions.get((Quota.kind, ""))
        if not isinstance(quota, Quota) or not Registrations(facts):
            return {}
        shown: dict[str, Any] = {name: getattr(quota, name) for name in SHOWN}
        if parameters.closed:
            since = quota.owed_since
            shown |= {
                "owed_since": str(since) if since else None,
                "next_must_be_reported": quota.next_must_be_reported,
            }
        return {"afdelinger": {entity: {"quota": shown}}}


def concluded(
    afdeling: str, registrations: Registrations, known: Entity, parameters: Everyone, recorded_at: datetime
) -> Iterator[Conclusion]:
    facts, colours = known.facts, colours_of(known.facts)
    counted = list(homes(facts, registrations, colours, parameters.agreements))
    received = taken(facts)
    given = handed(afdeling, counted, received, known, parameters)
    things = wanted(counted, received, given)
    last = colours.timeline[-1].colour if colours and colours.timeline else "unknown"
    current = parameters.current(registrations.last.municipality)
    yield quota_of(afdeling, things.values(), last, current, recorded_at)
    if (supply := supply_of(afdeling, facts, recorded_at)).shelves or (Supply.kind, "") in known.conclusions:
        yield supply
    yield from (told.conclusion(recorded_at) for told in given)
    yield from entries(afdeling, things, known, recorded_at)


def emptied(afdeling: str, known: Entity, retraction: Fact, recorded_at: datetime) -> Iterator[Conclusion]:
    """As if it had never been registered: nothing counts, and nothing is taken over, handed over or supplied."""
    yield quota_of(afdeling, (), "unknown", None, recorded_at)
    if (Supply.kind, "") in known.conclusions:
        yield Supply(recorded_at=recorded_at, afdeling_id=afdeling, shelves=[])
    yield from (told.conclusion(recorded_at) for told in withdrawn(known, set()))
    yield from entries(afdeling, {}, known, recorded_at, ("registration_retracted", cause_of(retraction)))


def retraction_of(facts: Mapping[Slot, Fact]) -> Fact | None:
    """The last one of a registration."""
    found = (f for f in facts.values() if isinstance(f.body, RegistrationRetracted))
    return max(found, key=lambda f: (f.recorded_at, f.key), default=None)
