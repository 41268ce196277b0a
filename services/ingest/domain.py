"""Admission, pure: what becomes of an event's fact, given its sender and what is known of its key.

Accepted, parked (its afdeling is not registered yet), a duplicate, or refused with the field's path, the rule and the
value. Refused is only what is in the event itself or its sender. Order matters in two places and nowhere else: of two
contents of one revision the first stands, and what a vacancy, an offer or a placement is about never changes.
Source: the inbound contract; the edge, in the contracts of events.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from shared.events.inbound import Door, Inbound
from shared.events.topics import Sender

Subject = tuple[str, str]
"""Sequence and key: what the revisions of one sequence are revisions of."""
FactId = tuple[str, str, int]
"""Sequence, key and revision."""
Fate = Literal["accepted", "parked", "duplicate"]

RefusalKind = Literal["invalid", "sender", "moved", "conflict", "size", "fault"]

NEVER_CHANGES: dict[str, tuple[str, ...]] = {
    "vacancy": ("afdeling_id",),
    "offer": ("afdeling_id", "vacancy_id"),
    "placement": ("afdeling_id",),
}
TAKES: dict[Door, str] = {
    "organisation": "registrations of afdelinger, vacancies, and offers submitted or withdrawn",
    "facts": "agreements, lists, averages, figures, twins, placements, organisations and successions",
    "replies": "offers assigned, returned or resolved",
    "operations": "closed days",
}


class Refusal(NamedTuple):
    """Why an event is refused: path of the field, the rule in words, the value that broke it, if there is one.

    `kind` is what refusals are counted by: `invalid` in itself, of the wrong `sender`, `moved`, a `conflict`, too large
    (`size`), or not to be recorded for a `fault` that somebody must look at.
    """

    field: str
    rule: str
    value: str | None
    kind: RefusalKind = "invalid"


@dataclass(slots=True)
class Known:
    """What is known of the keys and afdelinger of a batch; `learn` makes it what is known after a fact was accepted.

    `contents`: hash of what was accepted. `fixed`: by subject and field the value that never changes. `registrations`:
    by afdeling and key the highest revision, and whether that takes the registration back.
    """

    contents: dict[FactId, str] = field(default_factory=dict)
    fixed: dict[tuple[Subject, str], str] = field(default_factory=dict)
    registrations: dict[str, dict[str, tuple[int, bool]]] = field(default_factory=dict)

    def learn(self, fact: Inbound, content: str) -> None:
        self.contents[fact_id(fact)] = content
        self.fixed.update({(subject(fact), name): value for name, value in fixed(fact)})
        if fact.sequence == "registration" and (afdeling := fact.about()):
            known = self.registrations.setdefault(afdeling, {})
            known[fact.key()] = max(known.get(fact.key(), (0, False)), (fact.revision, fact.retraction))

    def registered(self, afdeling: str) -> bool:
        """At least one registration that is not taken back."""
        return any(not retracted for _, retracted in self.registrations.get(afdeling, {}).values())


def subject(fact: Inbound) -> Subject:
    return fact.sequence, fact.key()


def fact_id(fact: Inbound) -> FactId:
    return fact.sequence, fact.key(), fact.revision


def fixed(fact: Inbound) -> Iterable[tuple[str, str]]:
    """Field and value of what no revision of the fact's subject may change; a withdrawal does not name the vacancy."""
    for name in NEVER_CHANGES.get(fact.sequence, ()):
        if (value := getattr(fact, name, None)) is not None:
            yield name, value


def admit(fact: Inbound, content: str, event_type: str, sender: Sender, known: Known) -> Fate | Refusal:
    """What becomes of the fact. `content` is its hash."""
    return (
        wrong_door(fact, event_type, sender)
        or repeated(fact, content, known)
        or moved(fact, known)
        or conflicting(fact, known)
        or ("parked" if waits(fact, known) else "accepted")
    )


def wrong_door(fact: Inbound, event_type: str, sender: Sender) -> Refusal | None:
    if fact.door != sender.door:
        return Refusal("type", f"this sender's topic takes only {TAKES[sender.door]}", event_type, "sender")
    about = fact.about() or ""
    if sender.door == "organisation" and not about.startswith(f"{sender.code}-"):
        return Refusal("data.afdeling_id", f"must begin with the number of the sender, {sender.code}", about, "sender")
    return None


def repeated(fact: Inbound, content: str, known: Known) -> Literal["duplicate"] | None:
    return "duplicate" if known.contents.get(fact_id(fact)) == content else None


def moved(fact: Inbound, known: Known) -> Refusal | None:
    for name, value in fixed(fact):
        stands = known.fixed.get((subject(fact), name), value)
        if stands != value:
            what = f"the {name.removesuffix('_id')} of this {fact.sequence} is {stands}"
            rule = f"{what} and never changes; take it back and report anew under another id"
            return Refusal(f"data.{name}", rule, value, "moved")
    return None


def conflicting(fact: Inbound, known: Known) -> Refusal | None:
    if fact_id(fact) not in known.contents:
        return None
    rule = f"revision {fact.revision} of this key was already accepted with other content; send a higher revision"
    return Refusal("data.revision", rule, str(fact.revision), "conflict")


def waits(fact: Inbound, known: Known) -> bool:
    """Whether the afdeling that the fact is about must be registered first."""
    about = fact.about()
    return about is not None and fact.sequence != "registration" and not known.registered(about)
