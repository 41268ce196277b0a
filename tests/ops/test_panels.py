"""Every panel of every dashboard shows something of the real system under load, asked as Grafana would ask."""

import json
import math
import os
import time
from pathlib import Path
from typing import Any

import pytest

from deploy.grafana.__main__ import FOLDER
from services.cli.invented.telling import line
from services.cli.invented.year import simulate
from tests.ops.pictures import draw
from tests.ops.running import Running, load

pytestmark = pytest.mark.timeout(300)
YEAR = [line(event).encode() for event in simulate(3, events=3_000, broken=0.02)]
BEFORE, DURING = YEAR[:1_000], YEAR[1_000:]


def panels() -> list[Any]:
    boards = [json.loads(f.read_text()) for f in sorted(FOLDER.glob("*.json"))]
    return [
        pytest.param(target["expr"], id=f"{board['uid']}: {panel['title']} {target['refId']}")
        for board in boards
        for panel in board["panels"]
        for target in panel.get("targets", [])
    ]


def filled(expression: str) -> str:
    """As Grafana fills in its variables, with everything chosen."""
    return expression.replace("$__rate_interval", "20s").replace("$service", ".*")


@pytest.fixture(scope="module")
def measured(running: Running) -> tuple[float, float]:
    """The time in which the system was under load; a longer one for the pictures in the docs."""
    seconds = float(os.environ.get("TRAPPETRIN_PICTURE_SECONDS", "25"))
    running.publish(BEFORE)
    with load(running, DURING) as sent:
        running.until(lambda: sent["lines"] >= 200, lambda: f"only {sent['lines']} lines were sent")
        began = time.time()
        time.sleep(seconds)  # what is counted must be seen twice before it has a rate
        return began, time.time()


@pytest.mark.parametrize("expression", panels())
def test_every_panel_shows_something(running: Running, measured: tuple[float, float], expression: str) -> None:
    began, ended = measured
    found = running.ask("query_range", query=filled(expression), start=began, end=ended, step=1)["result"]
    values = [float(value) for series in found for _, value in series["values"]]

    assert [v for v in values if not math.isnan(v)] != []


def test_pictures_are_drawn(running: Running, measured: tuple[float, float], tmp_path: Path) -> None:
    target = Path(os.environ.get("TRAPPETRIN_PICTURES", tmp_path))

    def ask(expression: str, **query: float) -> Any:
        return running.ask("query_range", query=filled(expression), **query)

    for file in sorted(FOLDER.glob("*.json")):
        draw(json.loads(file.read_text()), ask, measured, target)

    assert sorted(p.stem for p in target.glob("trappetrin-*.png")) == sorted(f.stem for f in FOLDER.glob("*.json"))
