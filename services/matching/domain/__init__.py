"""matching: offers × vacancies × colours × agreement → a decision on each offered home, and the life of each offer.

gathering (what it rests on) → deciding (what follows, by which reasons) → life (what became of it). Source: the inbound
contract, "Decision"; almenboligloven §§ 59 and 60.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from services.matching.domain.deciding import ENGINE, follows
from services.matching.domain.gathering import Case, Facts, Known, cases
from services.matching.domain.life import life_of, reply_of
from shared.agreement.everyone import OF_AREAS, Everyone
from shared.agreement.registrations import Registrations
from shared.events.internal import Colours, Conclusion, Decision, Inputs, Life
from shared.runtime.contract import EVERYONE, Entity, Ours, Slot


class MatchingDomain:
    """The `Domain` of matching; its parameters are what concerns everyone."""

    ignores = OF_AREAS

    def parameters(self, everyone: Facts) -> Everyone:
        return Everyone(everyone)

    def conclude(self, afdeling: str, known: Entity, parameters: Everyone) -> Iterable[Conclusion]:
        """Nothing while there is no colour, or one of other agreements than those known: a decision must not flap."""
        facts = known.facts
        registrations, told = Registrations(facts), facts.get((Colours.kind, ""))
        colours = told.body if told and isinstance(told.body, Colours) else None
        if not registrations or colours is None or not colours.timeline:
            return
        if colours.agreements != parameters.agreements.version:
            return
        recorded_at = max(f.recorded_at for f in facts.values())
        for case in cases(Known(facts, registrations, colours, parameters.agreements)):
            decision = decided(case, case.inputs, known, recorded_at) if case.inputs else None
            if decision:
                yield decision
            yield life_of(case, decision, facts, registrations, parameters, recorded_at=recorded_at)

    def conclude_everyone(self, parameters: Everyone, ours: Ours) -> Iterable[Conclusion]:
        return ()

    def view(
        self, entity: str, facts: Facts, conclusions: Mapping[Slot, Conclusion], parameters: Everyone
    ) -> dict[str, Any]:
        if entity == EVERYONE and parameters.closed:
            return {"closed_day": str(parameters.closed)}
        if not Registrations(facts):
            return {}
        decisions = [c for c in conclusions.values() if isinstance(c, Decision)]
        lives = [c for c in conclusions.values() if isinstance(c, Life)] if parameters.closed else []
        shown: dict[str, Any] = {
            "decisions": {
                f"{entity[:4]}/{d.offer_id}": {"outcome": d.outcome, "reasons": sorted(r.code for r in d.reasons)}
                for d in decisions
            }
        }
        return shown | ({"offers": {f"{entity[:4]}/{x.offer_id}": life_view(x) for x in lives}} if lives else {})


def life_view(life: Life) -> dict[str, Any]:
    """What is the same for any order in which the facts came: not the findings, which tell of versions."""
    days = {name: str(day) if (day := getattr(life, name)) else None for name in ("since", "deadline")}
    return {"state": life.state, "idle_days": life.idle_days, **days}


def decided(case: Case, inputs: Inputs, known: Entity, recorded_at: datetime) -> Decision:
    """The decision on one offer, with the version that it has or will have."""
    facts, offer = known.facts, case.offer
    reply = reply_of(facts, offer.key())
    decision = Decision(
        recorded_at=recorded_at,
        offer_id=offer.offer_id,
        vacancy_id=offer.vacancy_id,
        afdeling_id=offer.afdeling_id,
        **follows(inputs),
        replied_to_version=reply.decision_version if reply else None,
        inputs=inputs,
        engine=ENGINE,
    )
    before = known.conclusions.get((Decision.kind, offer.offer_id))
    return decision.renewed(before if isinstance(before, Decision) else None)
