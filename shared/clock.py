"""Where the time comes from. The domain never asks; ingest and the dead letters get a clock of this shape."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the instant in UTC."""


def utc_now() -> datetime:
    return datetime.now(UTC)
