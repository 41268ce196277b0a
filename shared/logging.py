"""Logs as JSON, one line per batch or fault, never per event; the same fault is not told more than once a second.

What may be told stands in `loglines`: each line goes through its filter, also a library's.
"""

import logging
import sys
import time
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

from shared.loglines import FAILED, LIBRARY, Template, closed

QUIET = 1.0
FASTSTREAM = logging.getLogger("faststream.kafka")
"""Of its errors. It warns at every start that it makes no topics, which is meant so."""
FASTSTREAM.setLevel(logging.ERROR)


class OncePerSecond:
    """Drops a line of the same words and task as one told less than a second ago, and tells with the next how many."""

    def __init__(self) -> None:
        self.told: dict[tuple[str, str], float] = {}
        self.dropped: dict[tuple[str, str], int] = {}

    def __call__(self, _logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if method in ("warning", "error"):
            what, now = (str(line.get("event")), str(line.get("task") or line.get("library", ""))), time.monotonic()
            if now - self.told.get(what, -QUIET) < QUIET:
                self.dropped[what] = self.dropped.get(what, 0) + 1
                raise structlog.DropEvent
            if len(self.told) > 10_000:
                self.told.clear()
            self.told[what] = now
            if again := self.dropped.pop(what, 0):
                line["again"] = again
        return line


class LibraryLines(logging.Handler):
    """What libraries say, cut to one line a second and logger: the Kafka library tells of an outage 40 times a second.

    Their words are told only where something was put into them afterwards: else it may be in them already.
    """

    def emit(self, record: logging.LogRecord) -> None:
        told: dict[str, object] = {"said": Template(record.msg)} if record.args else {}
        if record.exc_info and record.exc_info[1]:
            told["error"] = record.exc_info[1]
        LIBRARY(library=record.name, at=f"{record.module}.py:{record.lineno}", **told)


class OnlyKnown:
    """Lets through what `loglines` knows, and says who speaks."""

    def __init__(self, **always: str) -> None:
        self.always = always

    def __call__(self, _logger: Any, _method: str, line: MutableMapping[str, Any]) -> dict[str, Any]:
        return closed(line) | self.always


def failed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What ends the process, by type and place: the text of an error may hold anything."""
    if issubclass(kind, KeyboardInterrupt):
        return
    last = traceback.extract_tb(trace)[-1:]
    where = f"{last[0].filename.rpartition('/')[2]}:{last[0].lineno}" if last else "?"
    FAILED(error=error, at=where)


def configure(level: str, **always: str) -> None:
    """JSON on standard output; `always` stands on every line (service, instance)."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            OncePerSecond(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            OnlyKnown(**always),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )
    sys.excepthook = failed
    root = logging.getLogger()
    root.handlers = [LibraryLines()]
    root.setLevel(logging.WARNING)


def configure_console() -> None:
    """For commands: their output is for people and programs, so only faults are logged, and beside it."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            OncePerSecond(),
            OnlyKnown(),
            structlog.processors.KeyValueRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),  # the one of the moment, not of this moment
    )
