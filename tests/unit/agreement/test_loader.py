"""Agreements from YAML: exact, ready for JSON, and refused with the field, the rule and the value."""

import json
from pathlib import Path

import pytest

from shared.agreement.loader import AALBORG, InvalidAgreement, load

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def written(tmp_path: Path):
    def write(old: str, new: str) -> Path:
        text, file = AALBORG.read_text("utf-8"), tmp_path / "agreement.yaml"
        assert old in text
        file.write_text(text.replace(old, new, 1), "utf-8")
        return file

    return write


def test_the_shipped_agreement_is_the_published_example() -> None:
    assert load(AALBORG) == load(EXAMPLES / "agreement-aalborg.yaml")


def test_the_document_is_that_of_the_example_event() -> None:
    with (EXAMPLES / "small.ndjson").open(encoding="utf-8") as lines:
        expected = json.loads(next(lines))["data"]["document"]

    assert load(AALBORG) == expected


@pytest.mark.parametrize(("text", "expected"), [("1000.50", "1000.5"), ("0.1", "0.1"), ("1000", 1000)])
def test_numbers_stay_exact(written, text: str, expected: object) -> None:
    document = load(written("residents_min: {value: 1000", f"residents_min: {{value: {text}"))

    assert document["criteria"]["udsat"]["residents_min"]["value"] == expected


@pytest.mark.parametrize("code", ["0101", "0851"])
def test_a_code_with_a_leading_zero_stays_text(written, code: str) -> None:
    assert load(written('"0851"', code))["municipality"] == code


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "_min: {value: 1000",
            "_min: {value: -1",
            "criteria.udsat.residents_min.value must be a number from 0 to 10,000,000; it is -1",
        ),
        ("value: floor", "value: nearest", "quota.rounding.value must be one of floor or ceil; it is nearest"),
        ("language: da", "lingo: da", "lingo is not a known field; it is da"),
        ("placement_day: null", "placement_day: 01-01", "staircase.placement_day must be null"),
        ("    1: 3500", "    1: 3500\n    1: 3600", "1 stands twice"),
        ("criteria:", "criteria: [", "must be YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(written, old: str, new: str, said: str) -> None:
    with pytest.raises(InvalidAgreement) as refused:
        load(written(old, new))

    assert said in str(refused.value)


def test_an_empty_file_is_no_agreement(tmp_path: Path) -> None:
    file = tmp_path / "empty.yaml"
    file.touch()

    with pytest.raises(InvalidAgreement, match="must be an object"):
        load(file)
