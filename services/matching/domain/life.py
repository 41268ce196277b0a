"""The life of an offer: submitted → decided → assigned, returned, lapsed or withdrawn, as a fold over facts and days.

A reply counts when it is dated within the deadline, whenever it arrives: so a late one undoes a lapse. A move that is
not allowed is a finding and moves nothing. What a reply acted on is the decision version that it names; where today's
decision differs from that one, that is a finding too. Source: domain of the agreement, "Life of an offer".
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

from services.matching.domain.gathering import Case, Facts
from services.matching.domain.outcomes import OUTCOMES
from shared.agreement.document import Deadline, Document
from shared.agreement.everyone import Everyone
from shared.agreement.registrations import Registrations
from shared.calendar import after_working_days
from shared.events.inbound import OfferAssigned, OfferReply, OfferResolved, OfferReturned
from shared.events.internal import GOOD, Decision, Finding, Life, LifeState


class Deal(NamedTuple):
    """What one offer's life is made of. `reply`: the newest; `deadline`: the last day on which one counts."""

    case: Case
    decision: Decision | None
    reply: OfferReply | None
    deadline: date | None
    closed: date | None

    @property
    def in_time(self) -> bool:
        return self.reply is not None and (self.deadline is None or self.reply.on <= self.deadline)

    @property
    def state(self) -> LifeState:
        if self.case.withdrawn:
            return "withdrawn"
        if self.decision is None:
            return "submitted"
        if self.reply is not None and self.in_time:
            return "assigned" if isinstance(self.reply, OfferAssigned) else "returned"
        return "lapsed" if self.deadline and self.closed and self.closed >= self.deadline else "decided"


def life_of(
    case: Case,
    decision: Decision | None,
    facts: Facts,
    registrations: Registrations,
    everyone: Everyone,
    *,
    recorded_at: datetime,
) -> Life:
    """By version 0. `decision`: with the version and the outcomes that it will have."""
    offer = case.offer
    deadline = deadline_of(case, decision, registrations, everyone)
    deal = Deal(case, decision, reply_of(facts, offer.key()), deadline, everyone.closed)
    replied = deal.reply.on if deal.reply else None
    since = {"assigned": replied, "returned": replied, "lapsed": deadline}.get(deal.state)
    return Life(
        recorded_at=recorded_at,
        offer_id=offer.offer_id,
        vacancy_id=offer.vacancy_id,
        afdeling_id=offer.afdeling_id,
        state=deal.state,
        outcome=decision.outcome if decision else None,
        submitted_on=offer.submitted_on,
        since=since,
        deadline=deadline,
        decision_version=deal.reply.decision_version if deal.reply else None,
        idle_days=idle(case, since) if since else None,
        findings=list(findings(deal, facts)),
    )


def deadline_of(case: Case, decision: Decision | None, registrations: Registrations, everyone: Everyone) -> date | None:
    """By the agreement in force when it was submitted: for answers to an accepted offer, for the expiry of a referred
    one. None where no answer is due, and of what two people accepted, since a resolution has no day.
    """
    day = case.offer.submitted_on
    agreement = everyone.agreements.on(registrations.municipality_on(day), day)
    if (
        agreement is None
        or decision is None
        or any(r.kind == "refer" for r in decision.reasons) != (decision.outcome == "referred")
    ):
        return None
    terms = deadline_in(agreement.document, decision)
    return after_working_days(day, terms.working_days) if terms else None


def deadline_in(document: Document, decision: Decision) -> Deadline | None:
    if document.deadlines is None:
        return None
    if decision.outcome in GOOD:
        return document.deadlines.municipality_answers
    return document.deadlines.referral_expires if decision.outcome == "referred" else None


def reply_of(facts: Facts, key: str) -> OfferReply | None:
    """Of the sequence of replies the newest."""
    found = (f.body for kind in (OfferAssigned.kind, OfferReturned.kind) if (f := facts.get((kind, key))))
    return max((r for r in found if isinstance(r, OfferReply)), key=lambda r: r.revision, default=None)


def idle(case: Case, until: date) -> int | None:
    """Days on which the home stood empty while its offer waited; None where its vacancy was cancelled."""
    vacancy = case.inputs.vacancy if case.inputs else None
    if vacancy is None:
        return None
    return max(0, (until - max(vacancy.vacant_from, case.offer.submitted_on)).days)


def findings(deal: Deal, facts: Facts) -> Iterator[Finding]:
    reply, decision = deal.reply, deal.decision
    resolution = facts.get((OfferResolved.kind, deal.case.offer.key()))
    if resolution and decision and not any(r.kind == "refer" for r in decision.reasons):
        yield finding("resolved_though_not_referred")
    if reply is None:
        return
    if reply.on < deal.case.offer.submitted_on:
        yield finding("reply_before_offer", on=reply.on, submitted=deal.case.offer.submitted_on)
    if not deal.in_time:
        yield finding("late_reply", on=reply.on, deadline=deal.deadline)
    if deal.state == "withdrawn" and isinstance(reply, OfferAssigned):
        yield finding("assigned_though_withdrawn", on=reply.on)
    yield from pinned(reply, decision)


def pinned(reply: OfferReply, decision: Decision | None) -> Iterator[Finding]:
    """What is to be said of the decision version that the reply names."""
    outcomes = decision.outcomes if decision else []
    if reply.decision_version > len(outcomes):
        yield finding("unknown_version", version=reply.decision_version, last=len(outcomes))
    elif isinstance(reply, OfferAssigned):
        then, now = outcomes[reply.decision_version - 1], outcomes[-1]
        if then not in GOOD:
            yield finding("assigned_though_not_accepted", version=reply.decision_version, then=then)
        if then != now:
            yield finding("decision_differs", version=reply.decision_version, then=then, now=now)


SENTENCES = {
    "late_reply": (
        "Svaret er dateret {on}, efter fristen {deadline}; det ændrer intet.",
        "The reply is dated {on}, after the deadline {deadline}; it changes nothing.",
    ),
    "reply_before_offer": (
        "Svaret er dateret {on}, før boligen blev tilbudt {submitted}.",
        "The reply is dated {on}, before the home was offered on {submitted}.",
    ),
    "assigned_though_withdrawn": (
        "Boligen er meldt anvist den {on}, men tilbuddet er trukket tilbage.",
        "The home is said to be assigned on {on}, but the offer was withdrawn.",
    ),
    "assigned_though_not_accepted": (
        "Der er anvist på afgørelse nr. {version}, som lød: {then}.",
        "The home was assigned on decision no. {version}, which said: {then}.",
    ),
    "decision_differs": (
        "Der er anvist på afgørelse nr. {version} ({then}); i dag ville den lyde: {now}.",
        "The home was assigned on decision no. {version} ({then}); today it would say: {now}.",
    ),
    "unknown_version": (
        "Svaret nævner afgørelse nr. {version}, men den seneste er nr. {last}.",
        "The reply names decision no. {version}, but the last one is no. {last}.",
    ),
    "resolved_though_not_referred": (
        "To personer har taget stilling, men tilbuddet var ikke henvist til nogen.",
        "Two people have resolved it, but the offer was not referred to anyone.",
    ),
}


def finding(code: str, **told: object) -> Finding:
    da, en = ({n: in_words(v, language) for n, v in told.items()} for language in (0, 1))
    danish, english = SENTENCES[code]
    return Finding(code=code, sentence_da=danish.format(**da), sentence_en=english.format(**en))


def in_words(value: object, language: int) -> object:
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}" if language == 0 else str(value)
    return OUTCOMES[value][language] if isinstance(value, str) else value
