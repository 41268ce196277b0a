"""Which fields a sender gave stays known of every fact, though what is equal of that is one object for all of them."""

from typing import Any

import orjson
import pytest
from pydantic import BaseModel

from shared.events.decoding import dump, restore
from tests.contract.test_tolerance import rows, year

KIND = "indicator.observed"


def facts(kind: str) -> list[Any]:
    return [body for _, store in year().services for body in rows(store) if body.kind == kind]


@pytest.mark.parametrize("given", [{}, {"missing": None}, {"numerator": None, "denominator": None}])
def test_a_fact_is_written_with_what_its_sender_gave(given: dict[str, None]) -> None:
    plain = {
        n: v for n, v in orjson.loads(dump(facts(KIND)[0])).items() if n not in ("missing", "numerator", "denominator")
    }
    told = plain | given

    assert orjson.loads(dump(restore(KIND, orjson.dumps(told)))) == told


def test_equal_sets_are_one_object_and_a_copy_has_its_own() -> None:
    one, other, *_ = facts("vacancy.cancelled")
    given = {"afdeling_id", "vacancy_id", "revision"}
    more = one.model_copy(update={"more": 2})

    assert one.model_fields_set is other.model_fields_set
    assert more.model_fields_set == given | {"more"}
    assert one.model_fields_set == given


def test_a_set_that_somebody_else_holds_is_not_taken() -> None:
    theirs = {"revision", "vacancy_id"}
    made: BaseModel = type(facts("vacancy.cancelled")[0]).model_construct(
        _fields_set=theirs, vacancy_id="v", revision=1
    )

    assert made.model_fields_set == theirs
    assert made.model_fields_set is not theirs
