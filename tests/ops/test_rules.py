"""The rules by Prometheus' own tools, and that each alert has its tests and its page."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.settings import ROOT
from tests.ops.names import exported

DEPLOY = ROOT / "deploy" / "prometheus"
RULES = sorted((DEPLOY / "rules").glob("*.yml"))
SECTIONS = ["What it means", "How bad it is", "What to look at", "What to do", "How to know that it worked"]
EVERY = [r for f in RULES for g in yaml.safe_load(f.read_text())["groups"] for r in g["rules"]]
ALERTS = [r for r in EVERY if "alert" in r]
NAMES = [a["alert"] for a in ALERTS]


def tool(*words: str | Path) -> str:
    done = subprocess.run(words, cwd=DEPLOY, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_configuration_and_rules_are_valid() -> None:
    tool("promtool", "check", "config", "prometheus.yml")
    tool("promtool", "check", "rules", *RULES)
    tool("amtool", "check-config", "alertmanager.yml")


def test_every_alert_fires_for_its_cause_and_is_quiet_without_it() -> None:
    tool("promtool", "test", "rules", Path(__file__).parent / "rules.yml")


def test_every_alert_has_both_tests() -> None:
    tests = yaml.safe_load((Path(__file__).parent / "rules.yml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]

    assert sorted(c["alertname"] for c in cases if c["exp_alerts"]) == sorted(NAMES)
    assert sorted(c["alertname"] for c in cases if not c["exp_alerts"]) == sorted(NAMES)


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_every_alert_says_what_it_is_and_has_its_page(alert: dict[str, Any]) -> None:
    told, page = alert["annotations"], ROOT / alert["annotations"]["runbook_url"]
    text = page.read_text()

    assert set(told) == {"summary", "description", "runbook_url"}
    assert alert["labels"]["severity"] in ("critical", "warning", "info")
    assert page.name == f"{alert['alert']}.md"
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert text.startswith(f"# {alert['alert']}\n")


def test_the_index_of_pages_is_that_of_the_alerts() -> None:
    text = (ROOT / "docs" / "runbooks" / "README.md").read_text()
    rows = re.findall(r"^\| \[.+\]\((\w+)\.md\) \| (\w+) \| ([\w ]+) \|$", text, re.MULTILINE)

    assert rows == [(a["alert"], a["labels"]["severity"], a.get("for", "at once")) for a in ALERTS]
    assert {p.stem for p in (ROOT / "docs" / "runbooks").glob("*.md")} == {*NAMES, "README"}


def test_rules_name_only_metrics_that_there_are() -> None:
    recorded = {r["record"] for r in EVERY if "record" in r}
    named = {n for r in EVERY for n in re.findall(r"\b(?:service:)?trappetrin_[a-z0-9_:]+", r["expr"])}

    assert named - recorded - exported() == set()


@pytest.mark.parametrize(
    ("alert", "receiver"),
    [(a["alert"], "on-call") for a in ALERTS if a["labels"]["severity"] == "critical"]
    + [
        ("TrappetrinLag", "desk"),
        ("TrappetrinOfferReferred", "agreement"),
        ("TrappetrinListOld", "agreement"),
        ("TrappetrinHomesOwed", "agreement"),
    ],
)
def test_alerts_reach_whom_they_concern(alert: str, receiver: str) -> None:
    severity = next(a["labels"]["severity"] for a in ALERTS if a["alert"] == alert)
    labels = (f"alertname={alert}", f"severity={severity}")

    assert tool("amtool", "config", "routes", "test", "--config.file=alertmanager.yml", *labels).strip() == receiver
