"""The repository's own rules and configuration with shorter times: what takes a quarter of an hour there takes seconds.

Expressions, labels and texts stay as they are. A limit that is named here must be in its rule exactly once, so that a
change of the rule is noticed.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from deploy.local.monitoring import CONFIGURATION

HOLDS, WINDOW = "1s", "[20s]"
LIMITS = {
    "TrappetrinLoopStalled": ("> 20", "> 5"),
    "TrappetrinLag": ("> 120", "> 3"),
    "TrappetrinOutboxStuck": ("> 120", "> 4"),
    "TrappetrinParked": ("> 86400", "> 2"),
    "TrappetrinSignalsStale": ("> 900", "> 6"),
    "TrappetrinRebalancing": ("> 8", "> 3"),
}
"""Seconds instead of minutes and days; of an offer's and a list's age nothing is shortened, since they are by date."""


def write(folder: Path, hook: str) -> list[str]:
    """Into the folder where the stack looks for its configuration; alerts go to `hook`. The names of the alerts."""
    (folder / "rules").mkdir(parents=True)
    names = []
    for file in (CONFIGURATION / "rules").glob("*.yml"):
        told = yaml.safe_load(file.read_text())
        for rule in (r for g in told["groups"] for r in g["rules"]):
            pace(rule)
            names += [rule["alert"]] if "alert" in rule else []
        (folder / "rules" / file.name).write_text(yaml.safe_dump(told))
    scrape = yaml.safe_load((CONFIGURATION / "prometheus.yml").read_text())
    scrape["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    for job in scrape["scrape_configs"]:
        if job["job_name"] != "trappetrin":  # the broker's agent takes its time
            job.update(scrape_interval="4s", scrape_timeout="4s")
    (folder / "prometheus.yml").write_text(yaml.safe_dump(scrape))
    routes = yaml.safe_load((CONFIGURATION / "alertmanager.yml").read_text())
    for route in (routes["route"], *routes["route"]["routes"]):
        route.update(group_wait="1s", group_interval="1s")
    for receiver in routes["receivers"]:
        receiver["webhook_configs"] = [{"url": f"{hook}/{receiver['name']}"}]
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(routes))
    return names


def pace(rule: dict[str, Any]) -> None:
    rule["expr"] = re.sub(r"\[15m\]", WINDOW, rule["expr"])
    if "for" in rule:
        rule["for"] = HOLDS
    if (name := rule.get("alert")) in LIMITS:
        real, short = LIMITS[name]
        assert rule["expr"].count(real) == 1, f"{name}: {rule['expr']}"
        rule["expr"] = rule["expr"].replace(real, short)
