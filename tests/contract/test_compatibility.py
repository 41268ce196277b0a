"""The checker of schemas finds what breaks, and lets pass what does not."""

from copy import deepcopy
from typing import Any

import pytest

from shared.events.compatibility import breaks

EARLIER: dict[str, Any] = {
    "$ref": "#/$defs/Home",
    "$defs": {
        "Home": {
            "type": "object",
            "additionalProperties": False,
            "required": ["rooms"],
            "properties": {
                "rooms": {"type": "integer", "minimum": 1, "maximum": 9},
                "dwelling": {"enum": ["family", "youth"], "type": "string"},
                "rent": {"anyOf": [{"type": "string", "pattern": "^[0-9]+$"}, {"type": "null"}]},
                "names": {"type": "array", "items": {"type": "string", "maxLength": 5}},
                "by_year": {"type": "object", "additionalProperties": {"type": "boolean"}},
            },
        }
    },
}


def changed(*path: str, to: Any = None, remove: bool = False) -> dict[str, Any]:
    later = deepcopy(EARLIER)
    inside = later["$defs"]["Home"]
    for step in path[:-1]:
        inside = inside[step]
    if remove:
        del inside[path[-1]]
    else:
        inside[path[-1]] = to
    return later


@pytest.mark.parametrize(
    "later",
    [
        EARLIER,
        changed("title", to="another"),
        changed("properties", "area", to={"type": "string"}),
        changed("properties", "rooms", "maximum", to=20),
        changed("properties", "rooms", "minimum", remove=True),
        changed("properties", "dwelling", "enum", to=["family", "youth", "elderly"]),
        changed("properties", "rent", "anyOf", to=[{"type": "null"}, {"type": "string"}, {"type": "integer"}]),
        changed("required", to=[]),
        changed("additionalProperties", to=True),
    ],
    ids=["same", "title", "new field", "larger", "no bound", "more values", "more forms", "optional", "open"],
)
def test_what_takes_all_that_was_taken_does_not_break(later: dict[str, Any]) -> None:
    assert breaks(EARLIER, later) == []


@pytest.mark.parametrize(
    ("later", "told"),
    [
        (changed("required", to=["rooms", "dwelling"]), "data.dwelling: must be given now"),
        (changed("properties", "rent", remove=True), "data.rent: is not known any longer"),
        (changed("properties", "rooms", "type", to="string"), "data.rooms: type was integer, is string"),
        (changed("properties", "rooms", "maximum", to=8), "data.rooms: maximum was 9, is 8"),
        (changed("properties", "rooms", "multipleOf", to=2), "data.rooms: multipleOf is new: 2"),
        (changed("properties", "dwelling", "enum", to=["family"]), "data.dwelling: enum was"),
        (changed("properties", "rent", "anyOf", to=[{"type": "null"}]), "data.rent: form 1 of the earlier ones"),
        (changed("properties", "names", "items", "maxLength", to=4), "data.names[]: maxLength was 5, is 4"),
        (changed("properties", "by_year", "additionalProperties", "type", to="null"), "data.by_year.*: type was"),
    ],
    ids=["required", "removed", "type", "smaller", "new rule", "fewer values", "fewer forms", "items", "values"],
)
def test_what_refuses_something_that_was_taken_breaks(later: dict[str, Any], told: str) -> None:
    [found] = breaks(EARLIER, later)

    assert found.startswith(told)
