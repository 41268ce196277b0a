"""A reversal says what has changed since the ledger was last looked at, also where that wrote no line."""

import json
from typing import Any

import pytest

from tests.statements import Books
from tests.streams.facts import ACTORS, AGREEMENT, placed, registered, told, vacancy

HOME, SINCE = "0123-001", "2024-01-01"
GROUND = [AGREEMENT, registered(HOME, None, SINCE, 1), placed(HOME, "green", SINCE, None, 1)]
YELLOW = [placed(HOME, "yellow", SINCE, None, 2)]
"""Of the same share as green."""


def vacant(revision: int, reason: str) -> list[bytes]:
    data = json.loads(vacancy(HOME, 1, "3000", "2024-07-01", revision))["data"]
    return [told("vacancy.reported", **data | {"reason": reason})]


def agreed(colour: str, share: str) -> list[bytes]:
    """The second revision, with another share of one colour."""
    document: dict[str, Any] = json.loads(AGREEMENT)["data"]["document"]
    document["quota"]["share"][colour] = {"value": share, "assumption": "a"}
    return [told("agreement.published", document=document, revision=2, **ACTORS)]


@pytest.mark.parametrize(
    ("lots", "reversed_by"),
    [
        ([agreed("unknown", "1/3"), vacant(2, "internal_move")], ("vacancy_corrected", "vacancy.reported")),
        ([YELLOW, vacant(2, "internal_move")], ("vacancy_corrected", "vacancy.reported")),
        ([vacant(2, "external"), agreed("green", "1/3")], ("agreement_changed", "agreement.published")),
        ([YELLOW, agreed("yellow", "1/3")], ("agreement_changed", "agreement.published")),
        ([agreed("yellow", "1/3"), YELLOW], ("colour_corrected", "colours")),
    ],
    ids=["agreement, vacancy", "colour, vacancy", "vacancy, agreement", "colour, agreement", "agreement, colour"],
)
def test_what_wrote_no_line_is_not_the_reason_of_a_later_one(
    lots: list[list[bytes]], reversed_by: tuple[str, str]
) -> None:
    first, back, again = [kept.line for kept in Books(GROUND, vacant(1, "external"), *lots).ledgers[HOME]]
    cause = back.cause.type.removeprefix("dk.trappetrin.").removeprefix("recorded.").removesuffix(".v1")

    assert (back.what, cause) == reversed_by
    assert (back.reverses, back.colour, back.agreement) == (first.number, first.colour, first.agreement)
    assert again.cause == back.cause
