"""What a decision says would have to be otherwise: with all of it the offer is accepted, with a hair less it is not."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from services.matching.domain.deciding import decide
from services.matching.domain.reasons import COLOURS
from shared.events.internal import GOOD, Change, ColourInput, Inputs
from shared.events.values import Colour
from tests.unit.explained.cases import CASES, latest

LATER = "assigned_though_decided_otherwise"
HAIR = {"rent_monthly": Decimal("0.01"), "area_m2": Decimal("0.01")}
OTHERWISE = {name: record for name in CASES if (record := latest(name)[0]).counterfactual}
JUDGED = {
    name: (record.inputs, record.counterfactual.changes)
    for name, record in OTHERWISE.items()
    if record.inputs and record.inputs.terms and record.counterfactual
}
"""Those in which the home itself was judged: neither cancelled nor without an agreement."""


def changed(inputs: Inputs, change: Change, shade: Colour | None = None, hair: Decimal = Decimal(0)) -> Inputs:
    """The inputs as they would have to be; of a colour one of those that would do."""
    assert inputs.vacancy is not None

    if change.field == "colour":
        colour = inputs.colour or ColourInput(
            version=1, from_=inputs.vacancy.vacant_from, colour="green", at_least=None
        )
        return inputs.model_copy(update={"colour": colour.model_copy(update={"colour": shade, "at_least": None})})
    value = Decimal(change.needed.replace(".", "").replace(",", ".")) + hair
    return inputs.model_copy(update={"vacancy": inputs.vacancy.model_copy(update={change.field: value})})


def with_all(inputs: Inputs, changes: Sequence[Change], shade: Colour | None) -> Inputs:
    for change in changes:
        inputs = changed(inputs, change, shade)
    return inputs


def shades(changes: list[Change]) -> list[Any]:
    """Each colour that would do; None where the colour need not change."""
    needed = next((c.needed.split(" eller ") for c in changes if c.field == "colour"), None)
    return [None] if needed is None else [shade for shade, (da, _) in COLOURS.items() if da in needed]


@pytest.mark.parametrize("name", JUDGED)
def test_with_all_of_it_the_offer_is_accepted(name: str) -> None:
    frozen, changes = JUDGED[name]

    for shade in shades(changes):
        assert decide(with_all(frozen, changes, shade)).outcome in GOOD


@pytest.mark.parametrize("name", JUDGED)
def test_with_one_thing_less_or_a_hair_more_it_is_not(name: str) -> None:
    frozen, changes = JUDGED[name]

    for left in changes:
        for shade in shades(changes):
            inputs = with_all(frozen, [c for c in changes if c is not left], shade)

            assert decide(inputs).outcome not in GOOD
            if left.field in HAIR:
                assert decide(changed(inputs, left, hair=HAIR[left.field])).outcome not in GOOD


def test_other_colours_than_those_named_would_not_do() -> None:
    record = latest("colour_may_not_report")[0]
    assert record.counterfactual is not None
    assert record.inputs is not None
    [change] = record.counterfactual.changes
    others = set(COLOURS) - set(shades([change]))

    assert others == {"red", "unknown"}
    assert {decide(changed(record.inputs, change, shade)).outcome for shade in ("red", "unknown")} == {
        "rejected",
        "referred",
    }


def test_a_home_that_is_vacant_again_and_one_under_an_agreement_are_judged() -> None:
    whole = latest("rent_above_ceiling")[0].inputs
    cancelled, unagreed = (latest(name)[0] for name in ("vacancy_cancelled", "agreement_missing"))
    assert whole is not None
    assert cancelled.inputs is not None
    assert unagreed.inputs is not None
    told = {name: OTHERWISE[name].counterfactual for name in OTHERWISE.keys() - JUDGED.keys()}

    assert {name: [c.field for c in t.changes] for name, t in told.items() if t} == {
        "vacancy_cancelled": ["vacancy"],
        "agreement_missing": ["agreement"],
    }
    again = cancelled.inputs.model_copy(update={"vacancy": whole.vacancy, "colour": whole.colour, "terms": whole.terms})
    agreed = unagreed.inputs.model_copy(update={"terms": whole.terms})
    assert [r.code for r in decide(again).reasons] == ["rent_above_ceiling"]
    assert [r.code for r in decide(agreed).reasons] == ["colour_unknown"]


def test_what_is_not_the_organisations_alone_is_not_called_its_own() -> None:
    assert {name: r.counterfactual.applicant for name, r in OTHERWISE.items() if r.counterfactual} == {
        name: name in ("rent_above_ceiling", "rent_missing", "vacancy_cancelled", "resolved_in_part", LATER)
        for name in OTHERWISE
    }


def test_where_the_agreement_allows_no_colour_nothing_would_do() -> None:
    inputs = latest("all_three_checks")[0].inputs
    assert inputs is not None
    assert inputs.terms is not None
    letting = inputs.terms.letting
    shut = {shade: letting.row(shade).model_copy(update={"may_assign": False}) for shade in COLOURS}  # type: ignore[arg-type]  # its keys are colours
    terms = inputs.terms.model_copy(update={"letting": letting.model_copy(update=shut)})

    assert decide(inputs.model_copy(update={"terms": terms})).counterfactual is None
