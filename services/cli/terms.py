"""What a statement needs beside the ledger: which agreement rounds for an afdeling, and which days are over."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

from services.cli.log import Log, kind_of, record_of
from services.cli.system import System
from shared.agreement.everyone import Everyone
from shared.agreement.inforce import Agreement
from shared.agreement.registrations import Registrations
from shared.events.decoding import decode
from shared.events.inbound import AfdelingRegistered, AgreementPublished, DayClosed
from shared.events.topics import CONTROL
from shared.runtime.contract import EVERYONE, Entity, Fact, Slot
from shared.runtime.keyed import fold

TOPICS = frozenset({CONTROL, "afdelinger.v1"})
KINDS = frozenset(f"recorded.{m.kind}" for m in (AfdelingRegistered, AgreementPublished, DayClosed))


class Terms:
    """Of what ingest recorded, by entity."""

    def __init__(self, facts: Mapping[str, Mapping[Slot, Fact]]) -> None:
        self.everyone = Everyone(facts.get(EVERYONE, {}))
        self.registrations = {name: Registrations(its) for name, its in facts.items() if name != EVERYONE}

    @property
    def closed(self) -> date | None:
        """The last day that is over; None while none was closed."""
        return self.everyone.closed

    def end_of(self, year: int) -> date:
        """Its last day, or the last day that is over where that is earlier."""
        last = date(year, 12, 31)
        return min(last, self.closed) if self.closed else last

    def on(self, afdeling: str, day: date) -> Agreement | None:
        """The agreement in force in its municipality; None where there is none, or where it is not registered."""
        its = self.registrations.get(afdeling)
        return self.everyone.agreements.on(its.municipality_on(day), day) if its else None


def terms_of(facts: Iterable[Fact]) -> Terms:
    """Of each slot the highest version stands."""
    known = defaultdict[str, Entity](Entity)
    for fact in facts:
        fold(known[fact.entity], fact)
    return Terms({name: entity.facts for name, entity in known.items()})


def read_terms(system: System) -> Terms:
    """From the topics, as they stand."""
    log = Log(system, TOPICS.__contains__)
    try:
        return terms_of(decode(record_of(message)) for message in log.whole() if kind_of(message) in KINDS)
    finally:
        log.close()
