"""Who does it: told, or the login name; where there is none, as in a container, it is asked for."""

import getpass

import pytest
import typer
from typer.testing import CliRunner

from services.cli.acts import By

app = typer.Typer()


@app.command()
def act(*, by: By) -> None:
    """Does nothing but tell by whom."""
    typer.echo(by)


@pytest.fixture
def nameless(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a user whom the machine does not know."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 10001")

    monkeypatch.setattr(getpass, "getuser", nobody)


def test_it_is_the_login_name_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "drift-1")

    assert CliRunner().invoke(app, []).stdout == "drift-1\n"
    assert CliRunner(env={"TRAPPETRIN_OPERATOR": "drift-7"}).invoke(app, []).stdout == "drift-7\n"
    assert CliRunner().invoke(app, ["--by", "drift-9"]).stdout == "drift-9\n"


@pytest.mark.usefixtures("nameless")
def test_who_has_no_name_is_asked_for_one() -> None:
    refused = CliRunner(env={"TRAPPETRIN_OPERATOR": "", "COLUMNS": "200"}).invoke(app, [])

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "no login name: say who does it by --by, or in TRAPPETRIN_OPERATOR" in refused.stderr
    assert CliRunner().invoke(app, ["--by", "drift-9"]).stdout == "drift-9\n"
    assert CliRunner().invoke(app, ["--help"]).exit_code == 0
