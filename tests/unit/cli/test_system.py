"""Whoever is away is told in one sentence, with where it was looked for; a replica that is frozen is not waited for."""

import sys

import asyncpg
import httpx
import pytest
from confluent_kafka import KafkaError, KafkaException

from deploy.local.settings import free_port
from services.cli import main as console
from services.cli.system import System, Unreachable, asking_the_database

DSN = "postgresql://me:secret@db-1:5432/trappetrin"


def test_a_replica_that_is_frozen_is_given_up_soon_and_the_next_one_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float | None]] = []

    def get(url: str, timeout: httpx.Timeout) -> httpx.Response:
        asked.append((url, timeout.read))
        if "frozen" in url:
            raise httpx.ReadTimeout("")
        return httpx.Response(200, json={"outbox": 0}, request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", get)
    system = System((), {"quota": ["http://frozen", "http://well"]})

    assert system.ask("quota", "/progress") == {"outbox": 0}
    assert asked == [("http://frozen/progress", 5.0), ("http://well/progress", 5.0)]

    system.ask("quota", "/state")

    assert asked[2:] == [("http://frozen/state", 300.0), ("http://well/state", 300.0)]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (TimeoutError(), "the database at db-1:5432/trappetrin does not answer: TimeoutError"),
        (OSError("refused"), "the database at db-1:5432/trappetrin does not answer: refused"),
        (
            asyncpg.UndefinedTableError('relation "console.act" does not exist'),
            'the database at db-1:5432/trappetrin did not do what was asked: relation "console.act" does not exist',
        ),
    ],
)
def test_what_the_database_says_is_not_told_as_silence(error: Exception, sentence: str) -> None:
    with pytest.raises(Unreachable) as told, asking_the_database(DSN):
        raise error

    assert str(told.value) == sentence


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str]:
    """Exit code, and what was printed for people."""
    monkeypatch.setattr(sys, "argv", ["trappetrin", *words])
    with pytest.raises(SystemExit) as ended:
        console.main()
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize("words", [["setup"], ["migrate"], ["migrate", "--plan"], ["dlq", "stops"]])
@pytest.mark.parametrize(
    ("dsn", "sentence"),
    [
        ("postgresql://me:secret@{nobody}/trappetrin", "the database at {nobody}/trappetrin does not answer: "),
        ("mysql://me:secret@{nobody}/trappetrin", "the address of the database can not be used "),
        ("postgresql://me:secret@127.0.0.1:port/trappetrin", "the address of the database can not be used "),
    ],
    ids=["away", "of another kind", "without a port"],
)
def test_a_database_that_can_not_be_reached_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], dsn: str, sentence: str
) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("TRAPPETRIN_KAFKA", nobody)
    monkeypatch.setenv("TRAPPETRIN_DATABASE", dsn.format(nobody=nobody))
    code, told = run(monkeypatch, capsys, *words)

    assert (code, told.count("\n")) == (2, 1)
    assert told.startswith(sentence.format(nobody=nobody))
    assert "secret" not in told


@pytest.mark.parametrize("where", ["environment", "stack"])
def test_a_broker_that_is_away_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    def away() -> None:
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    if where == "environment":
        monkeypatch.setenv("TRAPPETRIN_KAFKA", "kafka-1:9092,kafka-2:9092")
    else:
        monkeypatch.delenv("TRAPPETRIN_KAFKA", raising=False)
        monkeypatch.setattr("deploy.local.stack.Stack.kafka_servers", ["kafka-1:9092", "kafka-2:9092"])
    monkeypatch.setattr(console, "app", away)
    code, told = run(monkeypatch, capsys, "watch", "decisions")

    assert (code, told.count("\n")) == (2, 1)
    assert told.startswith("the broker at kafka-1:9092,kafka-2:9092 does not answer, or not what was asked: ")
