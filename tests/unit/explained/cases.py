"""The cases of the golden texts, each evaluated once."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from shared.events.internal import Decision, Life
from tests.offline import Made, made
from tests.unit.test_cases import given, plain

CASES: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text(encoding="utf-8"))


@cache
def evaluated(name: str) -> Made:
    case = CASES[name]
    days: list[date] = [case["lukket"]] if "lukket" in case else []
    return made(((kind, plain(data)) for kind, data in given(case)), days)


def latest(name: str) -> tuple[Decision, Life | None]:
    """The last decision on the case's offer, and the offer's life."""
    record = evaluated(name).decisions()[-1]
    return record, evaluated(name).life(record.offer_id)
