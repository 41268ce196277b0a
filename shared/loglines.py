"""Every line that is ever logged: its words, its level and the fields that it may have. Nothing else is let through.

Each field has a form, and what is not of that form is withheld. So no secret and nothing of an event's content can get
into a log, whoever passes it by mistake: a password, a name or a sentence is of no field's form. An event is named by
its place, and by its id and its trace's where these are ours.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import structlog

Level = Literal["debug", "info", "warning", "error"]
WITHHELD = "(withheld)"
TOPIC = r"[a-z-]{1,40}(\.[a-z-]{1,40}|\.[0-9]{4}){0,4}\.v[0-9]"
FORMS: Mapping[str, re.Pattern[str]] = {
    "level": re.compile(r"debug|info|warning|error|critical"),
    "timestamp": re.compile(r"[0-9TZ:.+-]{10,40}"),
    # A task: a number, or of ingest a partition of a topic.
    "task": re.compile(rf"[0-9]{{1,4}}|{TOPIC}/[0-9]{{1,4}}"),
    "topic": re.compile(TOPIC),
    # Of a record: topic, partition and offset; the id of an event of ours; the id of its trace.
    "place": re.compile(rf"{TOPIC}/[0-9]{{1,4}}/-?[0-9]{{1,20}}"),
    "event_id": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "trace_id": re.compile(r"[0-9a-f]{32}"),
    # Why a task was given up or halted; the kind of reason of a dead letter.
    "why": re.compile(r"fenced|gap|full|fault|refused|flood|emptied|setback"),
    "reason": re.compile(r"invalid|refused|raised|sender|moved|conflict|size|fault"),
    "migration": re.compile(r"[0-9]{4}_[a-z0-9_]{1,40}(\.post)?\.sql"),
    # A module and a line; of a library its logger.
    "at": re.compile(r"[a-z_]{1,40}\.pyx?:[0-9]{1,6}"),
    "library": re.compile(
        r"(aiokafka|asyncio|asyncpg|concurrent|faststream|opentelemetry|stamina|urllib3|uvicorn)(\.[A-Za-z_]{1,40})*"
    ),
}
NUMBERS = frozenset({"records", "tasks", "rows", "seconds", "offset", "due", "again"})


@dataclass(frozen=True, slots=True)
class Line:
    """Called with its fields, it is logged. Raises `TypeError` for a field that it does not have."""

    words: str
    level: Level
    fields: Sequence[str] = ()

    def __call__(self, **told: object) -> None:
        if unknown := told.keys() - set(self.fields):
            raise TypeError(f"the line {self.words!r} has no {', '.join(sorted(unknown))}")
        getattr(structlog.get_logger(), self.level)(self.words, **told)


STARTED = Line("started", "info")
STOPPING = Line("stopping", "info")
# The process ends by an error that nobody expected.
FAILED = Line("ended by an error", "error", ("error", "at"))
# A batch was committed.
BATCH = Line("batch", "debug", ("records", "tasks", "seconds"))
# A task was given up, and is claimed anew: `why` as in the metric trappetrin_tasks_dropped_total.
TASK_DROPPED = Line("task dropped", "warning", ("task", "why", "error", "topic", "offset", "due"))
# After one seek back the hole is still there, so offsets are missing: what a transaction leaves behind.
GAP_BELIEVED = Line("gap believed", "warning", ("task", "topic", "offset", "due"))
# A task is not claimed again by itself: a `flood` of dead letters, a topic that was `emptied`, a database `setback`.
TASK_HALTED = Line("task halted", "error", ("task", "why"))
# A newer version has taken away what this one may need, so it leaves its group, or does not join it.
OUTGROWN = Line("the database is a newer version's, this process claims nothing", "error", ("migration",))
# The broker rejects a row of the outbox for good.
TASK_STOPPED = Line("task stopped, the broker rejects its row", "error", ("task", "topic", "error"))
# Records of a batch could not be used; the last of them is named.
DEAD_LETTERS = Line("dead letters", "warning", ("task", "records", "reason", "place", "event_id", "trace_id"))
KEEPER_RESTARTS = Line("keeper starts again", "warning", ("error",))
RELAY_RESTARTS = Line("relay starts again", "warning", ("error",))
# At the end, rows of the outbox were left to the next owner.
RELAY_LEFT = Line("stopped before the relay was done", "warning", ("rows",))
# The group gave out other numbers of one topic than of another: nothing is claimed, for states would be torn.
TORN = Line("assigned numbers differ between topics, nothing is claimed", "error")
PARTITION_GONE = Line("partition went while it was claimed", "info", ("task",))
HINT_REFUSED = Line("offset hint not taken", "info", ("error",))
CANNOT_JOIN = Line("cannot join the group, tries again", "warning", ("error",))
CONSUMER_SLOW = Line("consumer did not leave in time", "info", ("error",))
PRODUCER_SLOW = Line("producer did not stop in time", "info", ("error",))
CANNOT_CLOSE = Line("cannot close the day", "warning", ("error",))
CANNOT_RELEASE = Line("cannot look for parked events", "warning", ("error",))
# What a library says, and where in it.
LIBRARY = Line("library", "warning", ("library", "at", "said", "error"))

WORDS = frozenset(line.words for line in list(globals().values()) if isinstance(line, Line))


def closed(line: Mapping[str, Any]) -> dict[str, Any]:
    """What of the line may be told: known words, known fields, each of its form; the rest is withheld.

    Of an error that is its type, never its text: a database's tells values. Of a library that is a `Template`.
    """
    told = {"event": line["event"] if line.get("event") in WORDS else WITHHELD}
    for name, value in line.items():
        if name == "error":
            told[name] = type(root(value)).__name__ if isinstance(value, BaseException) else WITHHELD
        elif name == "said":
            told[name] = value if isinstance(value, Template) else WITHHELD
        elif name in FORMS or name in NUMBERS:
            told[name] = value if fits(name, value) else WITHHELD
    return told


def root(error: BaseException) -> BaseException:
    """What it came of; a timeout came of nothing but itself, though Python names the cancellation."""
    return error if isinstance(error, TimeoutError) else error.__cause__ or error


def fits(name: str, value: object) -> bool:
    if name in NUMBERS:
        return isinstance(value, int | float)
    return isinstance(value, str) and FORMS[name].fullmatch(value) is not None


class Template(str):
    """The first line of a library's message as it stands in its code; what may have been put in is left out."""

    __slots__ = ()

    def __new__(cls, message: object) -> Self:
        first, *_ = str(message).splitlines() or [""]
        return super().__new__(cls, re.sub(r"\"[^\"]*\"|'[^']*'|\S*[@=/\\<>]\S*|[0-9]{3,}|[^ -~]", "*", first)[:200])


def event_of(headers: Sequence[tuple[str, bytes | None]], trace: str | None = None) -> dict[str, str]:
    """The ids of a record's event and trace, where they are such ids: of the `trace` that it is of here, else of what
    it came with.
    """
    told = {name: (value or b"").decode(errors="replace") for name, value in headers}
    ids = {"event_id": told.get("ce_id"), "trace_id": (trace or told.get("traceparent", ""))[3:35]}
    return {name: value for name, value in ids.items() if value and fits(name, value)}
