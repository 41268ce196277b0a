"""Admission, case by case: every refusal with its field, rule and value."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.ingest.domain import Known, Refusal, admit
from shared.events.decoding import content_hash
from shared.events.inbound import MODELS, RETRACTED, Inbound
from shared.events.topics import Sender

ORG, FACTS, REPLIES = Sender("organisation", "0123"), Sender("facts", "0851"), Sender("replies", "0851")
VACANCY = {
    "vacancy_id": "v1", "afdeling_id": "0123-001", "dwelling": "family", "reason": "external", "rooms": 1,
    "area_m2": "42", "rent_monthly": "3500", "vacant_from": "2025-01-01",
}  # fmt: skip
OFFER = {"offer_id": "o1", "vacancy_id": "v1", "afdeling_id": "0123-001", "submitted_on": "2025-01-02"}
PLACEMENT = {
    "placement_id": "p1", "afdeling_id": "0123-001", "colour": "red", "valid_from": "2025-01-01", "valid_to": None,
    "reason": "uro", "proposed_by": "m1", "approved_by": "m2",
}  # fmt: skip
REGISTRATION = {
    "afdeling_id": "0123-001", "organisation_id": "0123", "name": "Opdigtet", "municipality": "0851",
    "valid_from": "2024-01-01", "family_homes": 60, "area_id": None, "flexible_letting": None,
}  # fmt: skip
REFERENCE = {"indicator": "convicted", "list_date": "2024-12-01", "national_average": "0.78"}
REPLY = {"offer_id": "o1", "afdeling_id": "0123-001", "on": "2025-01-03", "decision_version": 1}


def fact(kind: str, *bases: dict[str, Any], **data: Any) -> Inbound:
    told: dict[str, Any] = {}
    for base in (*bases, data):
        told |= base
    return MODELS[kind, "retracted" in told].model_validate(told)


def verdict(new: Inbound, sender: Sender, *accepted: Inbound) -> Any:
    known = Known()
    for one in accepted:
        known.learn(one, content_hash(one))
    return admit(new, content_hash(new), f"dk.trappetrin.{new.kind}.v1", sender, known)


REGISTERED = fact("afdeling.registered", REGISTRATION)
REPORTED = fact("vacancy.reported", VACANCY)
SUBMITTED = fact("offer.submitted", OFFER)
PLACED = fact("placement.decided", PLACEMENT)
CANCEL_1 = {"vacancy_id": "v1", "afdeling_id": "0123-001", "revision": 1}
CANNOT_MOVE = "never changes; take it back and report anew under another id"
TAKES_ONLY = "this sender's topic takes only"
OF_FACTS = "agreements, lists, averages, figures, twins, placements, organisations and successions"
OF_ORGANISATION = "registrations of afdelinger, vacancies, and offers submitted or withdrawn"
REFERRED = fact("reference.published", REFERENCE)
TAKEN_BACK_ELSEWHERE = fact("placement.decided", placement_id="p1", afdeling_id="0456-001", retracted=True, revision=2)
OTHER = "of this key was already accepted with other content; send a higher revision"


@pytest.mark.parametrize(
    ("new", "sender", "known", "expected"),
    [
        (REPORTED, FACTS, [],
            ("type", f"{TAKES_ONLY} {OF_FACTS}", "dk.trappetrin.vacancy.reported.v1", "sender")),
        (REPORTED, REPLIES, [], ("type", f"{TAKES_ONLY} offers assigned, returned or resolved",
            "dk.trappetrin.vacancy.reported.v1", "sender")),
        (fact("offer.assigned", REPLY), ORG, [], ("type",
            f"{TAKES_ONLY} {OF_ORGANISATION}", "dk.trappetrin.offer.assigned.v1", "sender")),
        (REPORTED, Sender("organisation", "0456"), [REGISTERED],
            ("data.afdeling_id", "must begin with the number of the sender, 0456", "0123-001", "sender")),
        (REGISTERED, Sender("organisation", "0456"), [],
            ("data.afdeling_id", "must begin with the number of the sender, 0456", "0123-001", "sender")),
        (fact("vacancy.reported", VACANCY, rent_monthly="3501"), ORG, [REPORTED],
            ("data.revision", f"revision 1 {OTHER}", "1", "conflict")),
        (fact("vacancy.cancelled", CANCEL_1), ORG, [REPORTED],
            ("data.revision", f"revision 1 {OTHER}", "1", "conflict")),
        (fact("reference.published", REFERENCE, national_average="0.79"), FACTS, [REFERRED],
            ("data.revision", f"revision 1 {OTHER}", "1", "conflict")),
        (fact("vacancy.reported", VACANCY, afdeling_id="0123-002", revision=2), ORG, [REPORTED],
            ("data.afdeling_id", f"the afdeling of this vacancy is 0123-001 and {CANNOT_MOVE}", "0123-002", "moved")),
        (fact("vacancy.reported", VACANCY, afdeling_id="0123-002", revision=1), ORG,
            [fact("vacancy.reported", VACANCY, revision=2)],
            ("data.afdeling_id", f"the afdeling of this vacancy is 0123-001 and {CANNOT_MOVE}", "0123-002", "moved")),
        (fact("vacancy.cancelled", CANCEL_1, afdeling_id="0123-002", revision=3), ORG, [REPORTED],
            ("data.afdeling_id", f"the afdeling of this vacancy is 0123-001 and {CANNOT_MOVE}", "0123-002", "moved")),
        (fact("offer.submitted", OFFER, afdeling_id="0123-002", revision=2), ORG, [SUBMITTED],
            ("data.afdeling_id", f"the afdeling of this offer is 0123-001 and {CANNOT_MOVE}", "0123-002", "moved")),
        (fact("offer.submitted", OFFER, vacancy_id="v2", revision=2), ORG, [SUBMITTED],
            ("data.vacancy_id", f"the vacancy of this offer is v1 and {CANNOT_MOVE}", "v2", "moved")),
        (fact("placement.decided", PLACEMENT, afdeling_id="0456-001", revision=2), FACTS, [PLACED],
            ("data.afdeling_id", f"the afdeling of this placement is 0123-001 and {CANNOT_MOVE}", "0456-001", "moved")),
        (TAKEN_BACK_ELSEWHERE, FACTS, [PLACED],
            ("data.afdeling_id", f"the afdeling of this placement is 0123-001 and {CANNOT_MOVE}", "0456-001", "moved")),
    ],
)  # fmt: skip
def test_refused_with_field_rule_and_value(
    new: Inbound, sender: Sender, known: list[Inbound], expected: tuple[str, str, str, str]
) -> None:

    assert verdict(new, sender, *known) == Refusal(*expected)


@pytest.mark.parametrize(
    ("new", "sender", "known", "expected"),
    [
        (REGISTERED, ORG, [], "accepted"),
        (REPORTED, ORG, [REGISTERED], "accepted"),
        (REPORTED, ORG, [REGISTERED, REPORTED], "duplicate"),
        (fact("vacancy.reported", VACANCY, revision=1, area_m2="42.00"), ORG, [REGISTERED, REPORTED], "duplicate"),
        (REPORTED, ORG, [REPORTED], "duplicate"),
        (REPORTED, ORG, [REGISTERED, fact("vacancy.reported", VACANCY, revision=2)], "accepted"),
        (SUBMITTED, ORG, [REGISTERED, fact("offer.withdrawn", offer_id="o1", afdeling_id="0123-001", revision=2)],
            "accepted"),
        (REFERRED, FACTS, [], "accepted"),
        (fact("organisation.registered", organisation_id="0456", name="x", cvr="12345678"), FACTS, [], "accepted"),
        (fact("afdeling.succeeded", {"from": ["0123-001"]}, to="0123-002", on="2025-01-01"), FACTS, [], "accepted"),
        (fact("offer.assigned", REPLY), REPLIES, [REGISTERED], "accepted"),
        (REPORTED, ORG, [], "parked"),
        (PLACED, FACTS, [], "parked"),
        (fact("offer.assigned", REPLY), REPLIES, [], "parked"),
    ],
)  # fmt: skip
def test_admitted(new: Inbound, sender: Sender, known: list[Inbound], expected: str) -> None:

    assert verdict(new, sender, *known) == expected


RETRACTED_2 = fact("afdeling.registered", afdeling_id="0123-001", valid_from="2024-01-01", retracted=True, revision=2)
AGAIN_3 = fact("afdeling.registered", REGISTRATION, revision=3)
LATER = fact("afdeling.registered", REGISTRATION, valid_from="2025-01-01")


@pytest.mark.parametrize(
    ("registrations", "expected"),
    [
        ([REGISTERED, RETRACTED_2], "parked"),
        ([RETRACTED_2, REGISTERED], "parked"),
        ([RETRACTED_2, REGISTERED, LATER], "accepted"),
        ([AGAIN_3, RETRACTED_2, REGISTERED], "accepted"),
        ([fact("afdeling.registered", REGISTRATION, afdeling_id="0123-002")], "parked"),
    ],
)
def test_registered_is_what_no_higher_revision_takes_back(registrations: list[Inbound], expected: str) -> None:

    assert verdict(REPORTED, ORG, *registrations) == expected


@pytest.mark.parametrize("model", RETRACTED, ids=lambda m: m.kind)
def test_a_retraction_must_name_its_revision(model: type[Inbound]) -> None:
    with pytest.raises(ValidationError) as broken:
        model.model_validate({"retracted": True})

    assert ("revision",) in {e["loc"] for e in broken.value.errors() if e["type"] == "missing"}
