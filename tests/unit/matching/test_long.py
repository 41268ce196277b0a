"""Whatever the edge takes in can be decided: long terms are told in short, and stand whole in the inputs."""

from services.matching.domain.deciding import decide
from shared.events.values import LONGEST
from tests.unit.explained.cases import CASES, latest


def test_terms_of_any_length_are_a_condition() -> None:
    inputs = next(r.inputs for n in CASES if (r := latest(n)[0]).inputs and r.inputs.terms and r.inputs.registration)
    assert inputs.registration is not None
    criteria = ["x" * LONGEST] * 100

    verdict = decide(
        inputs.model_copy(update={"registration": inputs.registration.model_copy(update={"criteria": criteria})})
    )

    [told] = [r for r in verdict.reasons if r.code == "flexible_letting_criteria"]
    assert told.value is not None
    assert (told.value[:3], told.value[-3:]) == ("xxx", "xx…")
    assert told.value in told.sentence_da
