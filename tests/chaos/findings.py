"""What a run is found to have done wrong, and how two sides are held against one another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

AT_MOST = 10


@dataclass
class Findings:
    """In words; empty when all holds."""

    losses: list[str] = field(default_factory=list)
    double_effects: list[str] = field(default_factory=list)
    order_violations: list[str] = field(default_factory=list)
    dead_letters: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)

    def told(self) -> dict[str, list[str]]:
        return {f.name.replace("_", " "): getattr(self, f.name) for f in fields(self)}

    @property
    def clean(self) -> bool:
        return not any(self.told().values())

    def compare(self, what: str, expected: Mapping[Any, Any], found: Mapping[Any, Any]) -> None:
        self.losses += [f"{what} lack {key}" for key in sorted(expected.keys() - found.keys())]
        self.double_effects += [f"{what} have {key} besides" for key in sorted(found.keys() - expected.keys())]
        self.double_effects += [
            f"{what} have {key} otherwise: {found[key]}, not {expected[key]}"
            for key in sorted(expected.keys() & found.keys())
            if expected[key] != found[key]
        ]


def different(expected: Any, found: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two states differ: path, and what is on either side, None where there is nothing."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for name in sorted(expected.keys() | found.keys()):
            yield from different(expected.get(name), found.get(name), f"{path}/{name}")
    elif expected != found:
        yield path, expected, found
