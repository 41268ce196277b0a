"""The hash by which a repetition is told from a conflict: it is kept, so it must outlive the version that made it."""

from typing import Any

import pytest

from shared.events.decoding import content_hash
from shared.events.inbound import MODELS, Inbound, VacancyReported

VACANCY: dict[str, Any] = {
    "vacancy_id": "v1", "afdeling_id": "0123-001", "dwelling": "family", "reason": "external", "rooms": 1,
    "area_m2": "42", "rent_monthly": "3500", "vacant_from": "2025-01-01",
}  # fmt: skip
AREAS = {"complete": True, "areas": ["A1"]}
LIST: dict[str, Any] = {"list_date": "2024-12-01", "lists": {"udsat": AREAS}}
SUCCESSION: dict[str, Any] = {"from": ["0123-001"], "to": "0123-002", "on": "2025-01-01"}


class Later(VacancyReported):
    """As a later minor version may have it."""

    floor: int | None = None
    lift: bool = False


def fact(kind: str, data: dict[str, Any], **more: Any) -> Inbound:
    return MODELS[kind, False].model_validate(data | more)


@pytest.mark.parametrize(
    ("kind", "data", "given"),
    [
        ("vacancy.reported", VACANCY, {"revision": 1}),
        ("afdeling.succeeded", SUCCESSION, {"share": None}),
        ("list.published", LIST, {"lists": {"udsat": {**AREAS, "off": []}}}),
    ],
    ids=["revision", "share", "off, further in"],
)
def test_a_default_that_is_given_is_the_same_as_one_left_out(
    kind: str, data: dict[str, Any], given: dict[str, Any]
) -> None:
    assert content_hash(fact(kind, data, **given)) == content_hash(fact(kind, data))


def test_what_is_not_the_default_is_content() -> None:
    hashes = [content_hash(fact("vacancy.reported", VACANCY, **more)) for more in ({}, {"revision": 2}, {"rooms": 2})]

    assert len(set(hashes)) == 3


def test_a_field_that_a_later_version_adds_leaves_the_hash_of_old_bytes_as_it_is() -> None:
    old = content_hash(fact("vacancy.reported", VACANCY))

    assert content_hash(Later.model_validate(VACANCY)) == old
    assert content_hash(Later.model_validate({**VACANCY, "floor": None, "lift": False})) == old
    assert content_hash(Later.model_validate({**VACANCY, "floor": 2})) != old
