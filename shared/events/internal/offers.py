"""Decisions on offers, each with all that it rests on, and the life of an offer.

Source: the inbound contract, "Decision"; almenboligloven §§ 59 and 60.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.agreement.document import Counted, LettingTable, Relevance
from shared.events.internal.base import Chained, Conclusion, Verdict
from shared.events.internal.colours import Reason
from shared.events.values import AfdelingId, Colour, Day, Dwelling, Exact, Id, Strict, Text, VacancyReason

Kind = Literal["refuse", "refer", "condition", "finding"]
Check = Literal["colour", "flexible_letting", "relevance", "quota", "vacancy", "agreement"]
Party = Literal["organisation", "municipality", "both", "nobody"]
QuotaEffect = Literal["counts_as_reported", "does_not_count", "none"]
Outcome = Literal["accepted", "accepted_with_conditions", "rejected", "referred", "withdrawn"]
GOOD: tuple[Outcome, ...] = ("accepted", "accepted_with_conditions")
"""Those that let a home be used."""
LifeState = Literal["submitted", "decided", "assigned", "returned", "lapsed", "withdrawn"]


class OfferReason(Strict):
    """One reason from the closed list, with the value, the limit and where the limit comes from.

    `party`: who can mend it. `quota_effect`: whether the home counts as reported all the same.
    """

    code: Text
    kind: Kind
    value: Text | None = None
    limit: Text | None = None
    source: Text | None = None
    sentence_da: Text
    check: Check | None = None
    party: Party | None = None
    quota_effect: QuotaEffect | None = None
    sentence_en: Text | None = None


class OfferInput(Strict):
    revision: int
    submitted_on: Day
    withdrawn: bool


class VacancyInput(Strict):
    """Area in m², rent in kr. a month without heating."""

    revision: int
    dwelling: Dwelling
    reason: VacancyReason
    rooms: int
    area_m2: Exact
    rent_monthly: Exact | None
    vacant_from: Day


class ColourInput(Strict):
    """The segment of the afdeling's timeline on the day, and the version of `colours` that it is of."""

    version: int
    from_: Annotated[Day, Field(alias="from")]
    colour: Colour
    at_least: Literal["yellow"] | None
    manual: Id | None = None
    because: list[Reason] = []


class AreaInput(Strict):
    """The designations on the day of the area in which the afdeling lies."""

    area_id: Id
    udsat: Verdict
    forebyggelse: Verdict


class RegisterInput(Strict):
    """The registration in force on the day, and its terms of flexible letting."""

    valid_from: Day
    revision: int
    criteria: list[Text]


class ResolutionInput(Strict):
    revision: int
    outcome: Literal["accepted", "rejected"]
    resolves: list[Text]


class Terms(Strict):
    """What a decision reads of the agreement in force, and the version (content hash) of the whole document."""

    agreement: Text
    effective_from: Day
    letting: LettingTable
    relevance: Relevance
    counts: Counted


class Inputs(Strict):
    """All that a decision rests on, as it was then: who has them can decide again and must get the same.

    `vacancy`: None when it was cancelled. The rest is of the day on which the home becomes vacant.
    """

    offer: OfferInput
    vacancy: VacancyInput | None
    vacancy_revision: int
    colour: ColourInput | None = None
    area: AreaInput | None = None
    registration: RegisterInput | None = None
    resolution: ResolutionInput | None = None
    terms: Terms | None = None


class Change(Strict):
    """One thing that would have to be otherwise, from what to what, and whose it is to change."""

    field: Literal["rent_monthly", "area_m2", "colour", "vacancy", "agreement"]
    now: Text | None
    needed: Text
    party: Party
    sentence_da: Text
    sentence_en: Text


class Counterfactual(Strict):
    """The smallest change by which the offer would be accepted: all of these together.

    `applicant`: whether all of it is the offering organisation's to make.
    """

    changes: Annotated[list[Change], Field(min_length=1)]
    applicant: bool


class Restriction(Strict):
    """What the law bars boliganvisningen from in the area in which the home lies."""

    paragraph: Text
    sentence_da: Text
    sentence_en: Text


class Decision(Chained):
    """The decision on an offer, whole and with its inputs; a new version replaces the former.

    `outcomes`: those of versions 1, 2, 3 …, the last being this one's. `engine`: the version of the rules' code.
    """

    kind: ClassVar[str] = "decision"
    beside: ClassVar[frozenset[str]] = Chained.beside | {"inputs", "outcomes", "engine", "replied_to_version"}
    offer_id: Id
    vacancy_id: Id
    afdeling_id: AfdelingId
    outcome: Outcome
    reasons: list[OfferReason]
    colour: Colour | None
    agreement: Text | None
    vacancy_revision: int
    offer_revision: int
    resolution_revision: int | None = None
    replied_to_version: int | None = None
    restrictions: list[Restriction] = []
    counterfactual: Counterfactual | None = None
    inputs: Inputs | None = None
    outcomes: list[Outcome] = []
    engine: Text | None = None

    def entity(self) -> str:
        return self.afdeling_id

    def key(self) -> str:
        return self.offer_id

    def thing(self) -> str:
        return self.offer_id

    def step(self) -> int:
        return self.version

    def following(self, before: "Decision | None") -> "Decision":
        outcomes = [*(before.outcomes if before else ()), self.outcome]
        return super().following(before).model_copy(update={"outcomes": outcomes})


class Finding(Strict):
    """Something in an offer's life that is not as it should be, and changes nothing by itself."""

    code: Text
    sentence_da: Text
    sentence_en: Text


class Life(Conclusion):
    """Where an offer stands: submitted → decided → assigned, returned, lapsed or withdrawn.

    `deadline`: the last day on which a reply counts. `decision_version`: the one that the reply acted on. `since`: the
    day of the reply, or of the lapse. `idle_days`: how many days the home stood empty and offered without an answer,
    once there is one or the deadline has passed.
    """

    kind: ClassVar[str] = "offer.life"
    offer_id: Id
    vacancy_id: Id
    afdeling_id: AfdelingId
    state: LifeState
    outcome: Outcome | None
    submitted_on: Day
    since: Day | None = None
    deadline: Day | None = None
    decision_version: int | None = None
    idle_days: int | None = None
    findings: list[Finding] = []

    def entity(self) -> str:
        return self.afdeling_id

    def key(self) -> str:
        return self.offer_id


class Anchored(Strict):
    """Number and hash of the last entry of an afdeling's journal."""

    number: int
    hash: Text


class Anchor(Conclusion):
    """The heads of an organisation's journals of one kind at the end of a day: who keeps it notices what is altered
    later. `part`: the stream task that these afdelinger live in; an organisation has one anchor of each.
    """

    kind: ClassVar[str] = "anchor"
    organisation_id: Id
    journal: Text
    part: Text
    day: Day
    heads: dict[AfdelingId, Anchored]

    def entity(self) -> str:
        return self.organisation_id

    def key(self) -> str:
        return f"{self.journal} {self.part}"
