"""What gets into a log: known lines with known fields, and no secret and nothing of anybody's, whoever tries."""

import ast
import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import ValidationError

from shared import loglines
from shared.logging import configure, configure_console, failed
from shared.loglines import FORMS, NUMBERS, WORDS, Line
from shared.settings import Settings, from_environment

ROOT = Path(__file__).parents[2]
LINES = [line for line in vars(loglines).values() if isinstance(line, Line)]
SECRETS = (
    "postgresql://trappetrin:hunter2@db:5432/trappetrin",
    "hunter2",
    "Jens Hansen",
    "010190-1234",
    "0101901234",
    "Sofiendalsvej 7, 2. tv",
    'Key (key)=(0123/offer-7) already exists. {"rent_monthly": "4260"}',
)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a service process writes."""
    out, hook, root = io.StringIO(), sys.excepthook, logging.getLogger()
    handlers, level = root.handlers, root.level
    monkeypatch.setattr(sys, "stdout", out)
    configure("DEBUG", service="quota", instance="quota-1")
    yield out
    monkeypatch.undo()
    sys.excepthook, root.handlers, root.level = hook, handlers, level
    configure_console()


def told(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_has_its_words_its_level_and_who_speaks(written: io.StringIO) -> None:
    loglines.TASK_DROPPED(task="3", why="fault", error=TimeoutError("of the statement"))
    [line] = told(written)

    assert {k: v for k, v in line.items() if k != "timestamp"} == {
        "event": "task dropped", "level": "warning", "task": "3", "why": "fault", "error": "TimeoutError",
        "service": "quota", "instance": "quota-1",
    }  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
def test_no_field_of_any_line_lets_a_secret_through(written: io.StringIO, secret: str) -> None:
    for line in LINES:
        line(**dict.fromkeys(line.fields, secret))
        line(**{name: RuntimeError(secret) for name in line.fields})

    assert len(told(written)) > len(LINES) / 2
    assert secret not in written.getvalue()


@pytest.mark.parametrize("secret", SECRETS)
def test_nor_does_anything_that_goes_around_the_lines(written: io.StringIO, secret: str) -> None:
    others = dict.fromkeys(("password", "said", "service", "instance"), secret)
    structlog.get_logger().error(secret, **others, **dict.fromkeys(FORMS.keys() - {"level"}, secret))
    structlog.get_logger().warning("started", error=secret, records=secret)
    logger = logging.getLogger("aiokafka")
    logger.error("cannot reach %s", secret)
    logging.getLogger("asyncpg").error("cannot reach " + secret)  # noqa: G003 - as a library may do
    logging.getLogger(secret).error("x")
    try:
        raise ValueError(secret)
    except ValueError as error:
        logging.getLogger("asyncio").exception("Task exception was never retrieved\nfuture: %r", {secret})
        failed(type(error), error, error.__traceback__)

    assert len(told(written)) == 7
    assert secret not in written.getvalue()


def test_what_a_library_says_is_told_without_what_it_put_in(written: io.StringIO) -> None:
    logging.getLogger("aiokafka.conn").warning("Unable connect to node with id %s: %s", 1, OSError("hunter2"))
    [line] = told(written)

    assert (line["library"], line["said"]) == ("aiokafka.conn", "Unable connect to node with id %s: %s")
    assert line["at"].startswith("test_logging.py:")


def test_the_end_of_a_process_is_told_by_type_and_place(written: io.StringIO) -> None:
    try:
        raise ValueError("hunter2")
    except ValueError as error:
        failed(type(error), error, error.__traceback__)
    [line] = told(written)

    assert (line["event"], line["error"]) == ("ended by an error", "ValueError")
    assert line["at"].startswith("test_logging.py:")


def test_an_outage_is_told_once_a_second_and_how_often(written: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("shared.logging.time.monotonic", lambda: now)
    for _ in range(41):
        loglines.RELAY_RESTARTS(error=OSError())
    loglines.TASK_DROPPED(task="1", why="fault")
    loglines.TASK_DROPPED(task="2", why="fault")
    now = 101.5
    loglines.RELAY_RESTARTS(error=OSError())

    assert [(t["event"], t.get("task"), t.get("again")) for t in told(written)] == [
        ("relay starts again", None, None),
        ("task dropped", "1", None),
        ("task dropped", "2", None),
        ("relay starts again", None, 40),
    ]


def test_an_event_is_named_by_its_ids_where_they_are_ids() -> None:
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    ours = [("ce_id", b"a3bb189e-8bf9-3888-9912-ace4e6543002"), ("traceparent", trace)]

    assert loglines.event_of(ours) == {
        "event_id": "a3bb189e-8bf9-3888-9912-ace4e6543002",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }
    assert loglines.event_of([("ce_id", b"Jens Hansen"), ("traceparent", b"\xff"), ("x", None)]) == {}


def test_a_field_that_a_line_does_not_have_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="'started' has no task"):
        loglines.STARTED(task="3")


def test_every_line_stands_in_one_file_and_its_fields_have_a_form() -> None:
    assert {name for line in LINES for name in line.fields} <= FORMS.keys() | NUMBERS | {"error", "said"}
    assert len(LINES) == len(WORDS)

    sources = [f for part in ("shared", "services", "deploy") for f in (ROOT / part).rglob("*.py")]
    loggers = {f.relative_to(ROOT).as_posix() for f in sources if {"structlog", "logging"} & imported(f)}

    # The local broker's client gets a logger of no tree, which says nothing.
    assert loggers == {"shared/logging.py", "shared/loglines.py", "deploy/local/kafka.py"}


def imported(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def test_settings_that_are_wrong_do_not_show_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAPPETRIN_DATABASE", SECRETS[0])
    monkeypatch.delenv("TRAPPETRIN_KAFKA", raising=False)
    with pytest.raises(ValidationError) as error:
        Settings()
    monkeypatch.setenv("TRAPPETRIN_KAFKA", "localhost:9092")

    assert "kafka" in str(error.value)
    assert "hunter2" not in str(error.value) + repr(error.value) + repr(Settings())

    monkeypatch.setenv("TRAPPETRIN_HTTP_PORT", "hunter2")
    with pytest.raises(SystemExit, match=r"^TRAPPETRIN_HTTP_PORT: Input should be a valid integer[^\n]*$") as ended:
        from_environment()

    assert "hunter2" not in str(ended.value)
