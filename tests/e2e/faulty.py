"""`python -m tests.e2e.faulty SERVICE ORGANISATION`: a release with a fault for all of one organisation.

ingest cannot read its records; quota's step raises for its afdelinger. Everything else is the real thing.
"""

import sys
from collections.abc import Iterable

from services.ingest import app as ingest
from services.ingest import service
from services.ingest.contract import Origin
from services.quota.domain import QuotaDomain
from services.quota.signals import QuotaSignals
from shared.agreement.everyone import Everyone
from shared.events.cloudevents import Invalid
from shared.events.inbound import Inbound
from shared.events.internal import Conclusion
from shared.runtime.app import serve_keyed
from shared.runtime.contract import Entity, Record

SERVICE, SICK = sys.argv[1:]
sound = service.read


def read(record: Record) -> tuple[Origin, Inbound | Invalid]:
    origin, fact = sound(record)
    if record.topic == f"org.{SICK}.in.v1" and isinstance(fact, Inbound):
        return origin, Invalid("data", "must be what this release takes it for", None, (origin.event_id, None))
    return origin, fact


class Sick(QuotaDomain):
    def conclude(self, afdeling: str, known: Entity, parameters: Everyone) -> Iterable[Conclusion]:
        if afdeling.startswith(SICK):
            raise ArithmeticError("this release cannot count")
        return super().conclude(afdeling, known, parameters)


if SERVICE == "ingest":
    service.read = read
    ingest.main()
else:
    serve_keyed("quota", Sick(), QuotaSignals)
