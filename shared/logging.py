"""Logs as JSON, one line per batch or fault, never per event; the same fault is not told more than once a second.

Nothing of an event's content is ever logged: ids of tasks, topics and offsets, counts and error types only.
"""

import logging
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog

QUIET = 1.0


class OncePerSecond:
    """Drops a line that has the same event and task as one told less than a second ago."""

    def __init__(self) -> None:
        self.told: dict[tuple[str, str], float] = {}

    def __call__(self, _logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if method in ("warning", "error"):
            what, now = (str(line.get("event")), str(line.get("task", ""))), time.monotonic()
            if now - self.told.get(what, -QUIET) < QUIET:
                raise structlog.DropEvent
            self.told[what] = now
            if len(self.told) > 10_000:
                self.told.clear()
        return line


class LibraryLines(logging.Handler):
    """What the Kafka library says, cut to one line a second and kind: it tells of an outage 40 times a second."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        log.log(record.levelno, "library", task=record.name, said=record.getMessage()[:300])


def configure(level: str, **always: str) -> None:
    """JSON on standard output; `always` stands on every line (service, instance)."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            OncePerSecond(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )
    structlog.contextvars.bind_contextvars(**always)
    root = logging.getLogger()
    root.handlers = [LibraryLines()]
    root.setLevel(logging.WARNING)


def configure_console() -> None:
    """For commands: their output is for people and programs, so only faults are logged, and beside it."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, OncePerSecond(), structlog.processors.KeyValueRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=lambda: structlog.PrintLogger(sys.stderr),  # the one of the moment, not of this moment
    )
