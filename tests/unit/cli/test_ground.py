"""What a backup says of itself, and what is refused of it."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from unittest.mock import AsyncMock, Mock

import pytest
from typer.testing import CliRunner

from services.cli.ground import restore as restoring
from services.cli.ground.dumping import Content, name_in, named, unlike
from services.cli.ground.manifest import DUMP, MANIFEST, Manifest, made_anew, read
from services.cli.ground.reading import Impossible
from services.cli.ground.rebuild import by_whose
from services.cli.main import app
from services.cli.system import System

BYTES = b"what the database held"


def manifest(**told: object) -> Manifest:
    return Manifest.model_validate(
        {
            "at": datetime(2026, 1, 2, tzinfo=UTC), "release": "0.1.0", "migrations": {"quota": ["0001_tasks.sql"]},
            "offsets": {}, "tables": {}, "topics": {"a.v1": "1", "b.v1": "2"}, "sha256": sha256(BYTES).hexdigest(),
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
    assert made_anew(manifest(), {"a.v1": "1", "b.v1": "9", "c.v1": "3"}) == ["b.v1"]


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
