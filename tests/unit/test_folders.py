"""Where the local stack keeps its things."""

from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.settings import ROOT, cache, home

FOLDERS = {"TRAPPETRIN_HOME": (home, ROOT / ".local"), "TRAPPETRIN_CACHE": (cache, ROOT / ".local" / "cache")}


@pytest.mark.parametrize(("variable", "where", "usual"), [(v, *both) for v, both in FOLDERS.items()])
def test_a_folder_is_the_variable_s_and_the_usual_one_where_that_is_empty_or_missing(
    variable: str, where: Callable[[], Path], usual: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable, raising=False)
    missing = where()
    monkeypatch.setenv(variable, "")
    empty = where()
    monkeypatch.setenv(variable, str(tmp_path))

    assert (missing, empty, where()) == (usual, usual, tmp_path)
