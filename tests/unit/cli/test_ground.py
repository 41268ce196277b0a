"""What a backup says of itself, and what is refused of it."""

import json
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import AsyncMock, Mock

import asyncpg
import pytest
import typer
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from typer.testing import CliRunner

from deploy.local.settings import free_port
from services.cli.ground import quiet, reading
from services.cli.ground import restore as restoring
from services.cli.ground.again import Writer
from services.cli.ground.backup import made_whole
from services.cli.ground.dumping import Content, environment, name_in, named, shown, unlike
from services.cli.ground.manifest import DUMP, MANIFEST, Manifest, changed, read
from services.cli.ground.reading import Impossible, Topics
from services.cli.ground.rebuild import by_whose
from services.cli.ground.refusing import refusing
from services.cli.ground.restore import forget
from services.cli.main import app
from services.cli.system import System
from shared.runtime.contract import Outgoing

BYTES = b"what the database held"


def manifest(**told: object) -> Manifest:
    return Manifest.model_validate(
        {
            "at": datetime(2026, 1, 2, tzinfo=UTC), "release": "0.1.0", "migrations": {"quota": ["0001_tasks.sql"]},
            "tables": {}, "topics": {"areas.v1": "1", "colours.v1": "2", "quotas.v1": "3", "theirs": "4"},
            "sha256": sha256(BYTES).hexdigest(),
            "bytes": len(BYTES), **told,
        }
    )  # fmt: skip


def backup(folder: Path, told: Manifest) -> Path:
    (folder / DUMP).write_bytes(BYTES)
    (folder / MANIFEST).write_text(told.model_dump_json(), encoding="utf-8")
    return folder


def test_a_whole_backup_is_read(tmp_path: Path) -> None:
    told = manifest(tables={"quota.fact": (3, "17")})

    assert read(backup(tmp_path, told)) == told


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda folder: (folder / MANIFEST).unlink(), "is no backup: it has no manifest.json"),
        (lambda folder: (folder / MANIFEST).write_text("{}"), "is none of ours"),
        (lambda folder: (folder / DUMP).unlink(), "is not as it was written"),
        (lambda folder: (folder / DUMP).write_bytes(b"else"), "is not as it was written"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused(tmp_path: Path, spoil: object, why: str) -> None:
    spoil(backup(tmp_path, manifest()))  # type: ignore[operator]  # one of the above

    with pytest.raises(Impossible, match=why):
        read(tmp_path)


def test_a_backup_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    told = manifest(migrations={"quota": ["0001_tasks.sql", "0099_later.sql"]})

    with pytest.raises(Impossible, match=r"quota/0099_later\.sql, which this release does not know"):
        read(backup(tmp_path, told))


def test_topics_that_were_made_anew_since_are_named() -> None:
    now = {"areas.v1": "1", "colours.v1": "9", "decisions.v1": "3"}

    assert changed(manifest(), now) == ["colours.v1 was made anew", "quotas.v1 is gone"]


class Listing:
    """A broker with a topic of ours, one of somebody else's, and Kafka's own."""

    def list_topics(self, timeout: float) -> SimpleNamespace:
        told = SimpleNamespace(partitions={0: None})
        return SimpleNamespace(topics={"vacancies.v1": told, "orders": told, "__consumer_offsets": told})

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        return 0, 7

    def close(self) -> None:
        return


def test_only_our_topics_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Topics, "consumer", lambda _self: Listing())

    assert Topics(System([], {})).ends == {("vacancies.v1", 0): (0, 7)}


def test_tables_are_held_against_what_was_told_of_them() -> None:
    told = {"quota.fact": Content(3, "17"), "quota.task": Content(6, "5"), "quota.stop": Content(0, "0")}
    found = {"quota.fact": Content(2, "9"), "quota.task": Content(6, "6"), "quota.stop": Content(0, "0")}

    assert unlike(told, found) == [
        "quota.fact has 2 rows, the backup 3",
        "quota.task has other content than when it was backed up",
    ]


def test_an_address_is_that_of_another_database() -> None:
    assert named("postgresql://me:p%40ss@db:5432/trappetrin", "postgres") == "postgresql://me:p%40ss@db:5432/postgres"
    assert name_in("postgresql://me@db:5432/trappetrin") == "trappetrin"


def test_the_tools_are_told_all_of_an_address_and_the_password_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", "/run/secrets/pgpass")
    dsn = "postgresql://me:p%40ss@db:5432/trappetrin?sslmode=verify-full"

    assert shown(dsn) == "postgresql://me@db:5432/trappetrin?sslmode=verify-full"
    assert environment(dsn)["PGPASSWORD"] == "p@ss"
    assert environment(dsn)["PGPASSFILE"] == "/run/secrets/pgpass"
    assert shown("postgresql://db/trappetrin") == "postgresql://db/trappetrin"
    assert "PGPASSWORD" not in environment("postgresql://me@db/trappetrin")


@pytest.mark.parametrize(("lost", "way"), [(True, "reground --all"), (False, "restore --in-place")])
def test_a_restore_whose_groups_still_live_is_not_run_from_the_beginning(
    monkeypatch: pytest.MonkeyPatch, lost: bool, way: str
) -> None:
    def refused(*_: object) -> None:
        raise Impossible("the broker still counts members of stopped services")

    monkeypatch.setattr("services.cli.ground.restore.forget_groups", refused)

    with pytest.raises(
        Impossible, match=rf"is in place \(.* kept as x_before\), but .*; wait, then `trappetrin {way}`"
    ):
        forget(System([], {}), {"kept": "x_before"}, topics_lost=lost)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (Impossible("vacancies.v1 is empty"), "vacancies.v1 is empty"),
        (KafkaException(KafkaError(KafkaError._TRANSPORT)), "the broker does not answer, or not what was asked:"),
        (BrokenProcessPool(), "ended a process that replayed a task, most likely for want of memory"),
        (asyncpg.DiskFullError("no room"), "the database did not do what was asked: no room"),
        (asyncpg.InterfaceError("connection is closed"), "did not do what was asked: connection is closed"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)  # fmt: skip
def test_what_stops_a_command_is_a_sentence(
    error: Exception, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended, refusing():
        raise error

    assert ended.value.exit_code == 2
    assert sentence in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    "words",
    [
        ["backup", "FOLDER"],
        ["reground", "--why", "x"],
        ["rebuild", "quota"],
        ["restore", "--in-place", "--why", "x"],
    ],
)
def test_nothing_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("TRAPPETRIN_KAFKA", nobody)
    monkeypatch.setenv("TRAPPETRIN_DATABASE", f"postgresql://x:y@{nobody}/trappetrin")
    monkeypatch.setenv("TRAPPETRIN_OPERATOR", "drift-7")
    monkeypatch.setattr(reading, "ANSWER", 0.5)
    told = CliRunner().invoke(app, [str(tmp_path / "it") if word == "FOLDER" else word for word in words])

    assert told.exit_code == 2, told.exception
    assert "does not answer" in told.output
    assert list(tmp_path.iterdir()) == []


def test_a_broker_that_goes_silent_is_asked_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ANSWER", 0.5)
    monkeypatch.setattr(reading, "SILENCE", 0.2)
    topics = Topics.__new__(Topics)
    topics.system, topics.ends = System([f"127.0.0.1:{free_port()}"], {}), {("vacancies.v1", 0): (0, 3)}

    with pytest.raises(Impossible, match="the broker does not answer any more"):
        list(topics.read({("vacancies.v1", 0): 3}))


def test_a_backup_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    theirs = tmp_path / "it.part"
    theirs.mkdir()
    with pytest.raises(OSError, match="full"), made_whole(tmp_path / "it") as fresh:  # noqa: PT012 - in the midst of it
        (fresh / DUMP).write_bytes(BYTES)
        raise OSError("full")

    assert list(tmp_path.iterdir()) == [theirs]

    with made_whole(tmp_path / "it") as fresh:
        (fresh / DUMP).write_bytes(BYTES)

    assert sorted(tmp_path.iterdir()) == [tmp_path / "it", theirs]
    assert (tmp_path / "it" / DUMP).read_bytes() == BYTES


@pytest.mark.parametrize(("problems", "code"), [([], 0), (["task 3: x/1/2: must be a day"], 1)])
def test_what_could_not_be_read_back_is_told_and_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, problems: list[str], code: int
) -> None:
    one = {"records": 7, "read_back": 2, "news": 0, "problems": problems}
    monkeypatch.setattr(restoring, "find", lambda: System((), {}))
    monkeypatch.setattr(restoring, "in_its_place", AsyncMock(return_value={"services": {"quota": one}, "kept": None}))
    monkeypatch.setattr(restoring, "forget_groups", Mock())
    done = CliRunner().invoke(app, ["restore", "--in-place", "--why", "a test"])

    assert done.exit_code == code
    assert [line.strip() for line in done.output.splitlines() if "must be a day" in line] == problems


def test_differences_are_named_by_whose_they_are() -> None:
    found = {("3", "0123-001"): ["quota is missing"], ("3", ""): ["area"], ("vacancy", "0123/v-1"): ["is missing"]}

    assert by_whose(found) == ["task 3: area", "0123-001: quota is missing", "vacancy 0123/v-1: is missing"]


class Groups:
    """A broker of which a part does not answer at first, so many times, and which has one group there."""

    def __init__(self, silent: int) -> None:
        self.silent, self.there, self.deleted = silent, ["trappetrin.quota"], list[str]()

    def list_consumer_groups(self) -> Mock:
        self.silent -= 1
        away = [KafkaException(KafkaError(KafkaError.COORDINATOR_NOT_AVAILABLE))] if self.silent >= 0 else []
        valid = [] if away else [SimpleNamespace(group_id=name) for name in (*self.there, "theirs")]
        return Mock(result=lambda: SimpleNamespace(valid=valid, errors=away))

    def delete_consumer_groups(self, names: list[str]) -> dict[str, Mock]:
        self.deleted += names
        self.there = [name for name in self.there if name not in names]
        return {name: Mock() for name in names}


def test_groups_of_which_nobody_tells_are_not_taken_for_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = Groups(silent=1)
    monkeypatch.setattr(quiet, "AdminClient", lambda _settings: groups)
    monkeypatch.setattr(quiet, "POLL", 0)
    quiet.forget_groups(System(["nowhere:9092"], {}), ["quota", "matching"])

    assert groups.deleted == ["trappetrin.quota"]


def test_groups_of_which_nobody_tells_in_time_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "AdminClient", lambda _settings: Groups(silent=9))
    monkeypatch.setattr(quiet, "PATIENCE", -1)

    with pytest.raises(Impossible, match="has not given up the groups of stopped services: a broker does not tell"):
        quiet.forget_groups(System(["nowhere:9092"], {}), ["quota"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["FOLDER", "--topics-lost"], {"backup": "2026-01-02T00:00:00+00:00", "dry_run": True}),
        (["--in-place"], {"backup": None, "beyond": {"quota": 3}, "dry_run": True}),
    ],
)
def test_a_dry_run_of_a_restore_tells_programs_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str], told: dict[str, object]
) -> None:
    folder = str(backup(tmp_path, manifest(migrations={})))
    monkeypatch.setattr(restoring, "find", lambda: System((), {}))
    monkeypatch.setattr(restoring, "beyond", AsyncMock(return_value={"quota": 3}))
    words = [folder if word == "FOLDER" else word for word in words]
    done = CliRunner().invoke(app, ["restore", *words, "--why", "a test", "--by", "drift-7", "--dry-run", "--json"])

    assert (done.exit_code, json.loads(done.stdout)) == (0, told)


def test_a_restore_that_is_cut_off_while_it_waits_has_said_that_the_database_is_in_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(restoring, "find", lambda: System((), {}))
    monkeypatch.setattr(restoring, "in_its_place", AsyncMock(return_value={"services": {}, "kept": "x_before"}))
    monkeypatch.setattr(restoring, "forget_groups", Mock(side_effect=KeyboardInterrupt))
    done = CliRunner().invoke(app, ["restore", "--in-place", "--why", "a test", "--by", "drift-7"])

    assert done.exit_code != 0
    assert "the database is in place (what was there is kept as x_before)" in done.output


def test_a_reground_ends_with_the_first_record_that_is_not_taken() -> None:
    def produce(*_record: object, on_delivery: Callable[[KafkaError, None], None], **_named: object) -> None:
        on_delivery(KafkaError(KafkaError._MSG_TIMED_OUT), None)

    producer = Mock(produce=Mock(side_effect=produce))
    writer = Writer(producer)
    writer.write("vacancies.v1", Outgoing(0, b"k", b"{}"))

    with pytest.raises(Impossible, match=r"not all was written, run it again: vacancies\.v1: "):
        writer.write("vacancies.v1", Outgoing(0, b"k", b"{}"))

    assert producer.produce.call_count == 1
