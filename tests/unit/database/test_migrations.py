"""Which migrations are run before a version starts, which wait for the last one to leave, and who may run on what."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.database import migrations
from shared.database.migrations import Migration, application_name, built_on, unfit, version_of
from shared.version import VERSION

FIRST, WIDER, NARROWER, LAST = "0001_first.sql", "0002_wider.sql", "0002_narrower.post.sql", "0003_last.sql"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(migrations, "FOLDERS", {"quota": (tmp_path,)})
    for name in (LAST, NARROWER, WIDER, FIRST):
        (tmp_path / name).touch()
    return tmp_path


def names(found: Sequence[Migration]) -> list[str]:
    return [m.name for m in found]


def test_of_one_number_the_post_migration_is_the_last(folder: Path) -> None:
    assert names(migrations.migrations("quota")) == [FIRST, WIDER, NARROWER, LAST]


def test_a_post_migration_waits_unless_something_later_is_built_on_it(folder: Path) -> None:
    pending = migrations.migrations("quota")

    assert names(built_on(pending)) == [FIRST, WIDER, NARROWER, LAST]
    assert names(built_on(pending[:3])) == [FIRST, WIDER]
    assert names(built_on(pending[2:3])) == []


def test_a_version_runs_before_its_post_migration_and_after_it(folder: Path) -> None:
    assert unfit("quota", {FIRST, WIDER, LAST}) is None
    assert unfit("quota", {FIRST, WIDER, LAST, NARROWER}) is None


def test_a_version_does_not_run_without_what_it_needs(folder: Path) -> None:
    assert unfit("quota", {FIRST}) == "the database lacks 0002_wider.sql, 0003_last.sql: run `trappetrin migrate`"


def test_an_older_version_runs_on_more_and_not_on_less(folder: Path) -> None:
    ours = {FIRST, WIDER, LAST}

    assert unfit("quota", {*ours, "0004_more.sql"}) is None
    assert unfit("quota", {*ours, "0004_more.sql", "0004_less.post.sql"}) == (
        f"a newer version has taken away what this one, {VERSION}, may need: 0004_less.post.sql was run"
    )


def test_a_process_tells_its_version_by_its_name() -> None:
    assert version_of(application_name("quota", "quota-2")) == VERSION
    assert version_of("trappetrin-quota") is None
