"""A picture of a dashboard, drawn from its own JSON and Prometheus' own answers, where no Grafana server can be had.

Panels stand where the file puts them, and show what its queries give; colours and type are not Grafana's.
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

Ask = Callable[..., Any]
COLUMNS, INCHES = 24, 0.62
UNITS: Mapping[str, tuple[tuple[float, str], ...]] = {
    "bytes": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")),
    "Bps": ((1e6, "MB/s"), (1e3, "kB/s"), (1, "B/s")),
    "s": ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms")),
    "ops": ((1e3, "k/s"), (1, "/s")),
    "percentunit": ((0.01, "%"),),
    "short": ((1e6, "M"), (1e3, "k"), (1, "")),
}

NAMED = {"red": "tab:red", "yellow": "gold", "green": "tab:green", "unknown": "tab:gray"}


def draw(board: Mapping[str, Any], ask: Ask, between: tuple[float, float], folder: Path) -> Path:
    """One file, named after the board."""
    height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in board["panels"])
    figure = Figure(figsize=(COLUMNS * INCHES, (height + 2) * INCHES / 2), dpi=80)
    figure.suptitle(board["title"], x=0.01, ha="left", fontsize=14, weight="bold")
    top = 1 - 2 / (height + 2)
    for panel in board["panels"]:
        at = panel["gridPos"]
        left, bottom = at["x"] / COLUMNS, top * (1 - (at["y"] + at["h"]) / height)
        width, tall = at["w"] / COLUMNS, top * at["h"] / height
        if panel["type"] == "row":
            figure.text(left + 0.005, bottom + tall / 4, panel["title"], fontsize=11, weight="bold")
        elif panel["type"] == "stat":
            place = (left + 0.008, bottom + tall * 0.08, width - 0.016, tall * 0.72)
            figure_of(figure.add_axes(place), panel, ask, between)
        else:
            place = (left + 0.04, bottom + tall * 0.2, width - 0.05, tall * 0.62)
            curves(figure.add_axes(place), panel, ask, between)
    file = folder / f"{board['uid']}.png"
    figure.savefig(file, metadata={"Software": None})
    return file


def figure_of(axes: Axes, panel: Mapping[str, Any], ask: Ask, between: tuple[float, float]) -> None:
    config = panel["fieldConfig"]["defaults"]
    found = ask(panel["targets"][0]["expr"], start=between[1], end=between[1], step=1)["result"]
    values = [(legend(panel["targets"][0], s["metric"]), float(s["values"][-1][1])) for s in found]
    alarm = next((t["value"] for t in config["thresholds"]["steps"] if t["color"] == "red"), None)
    loud = alarm is not None and any(v >= alarm for _, v in values)
    axes.set_facecolor("#f6c6c6" if loud else "#cfe8cf" if alarm is not None else "#cfdff2")
    axes.set(xticks=[], yticks=[])
    axes.set_title(panel["title"], fontsize=8, loc="left")
    text = "\n".join(shown(v, config["unit"]) + (f"  ({name})" if len(values) > 1 else "") for name, v in values)
    axes.text(0.5, 0.45, text, ha="center", va="center", fontsize=15, transform=axes.transAxes)


def curves(axes: Axes, panel: Mapping[str, Any], ask: Ask, between: tuple[float, float]) -> None:
    config = panel["fieldConfig"]["defaults"]
    lines: dict[str, tuple[list[datetime], list[float]]] = {}
    for target in panel["targets"]:
        for series in ask(target["expr"], start=between[0], end=between[1], step=1)["result"]:
            points = [(datetime.fromtimestamp(at, UTC), float(v)) for at, v in series["values"]]
            lines[legend(target, series["metric"])] = [p[0] for p in points], [p[1] for p in points]
    if config.get("custom", {}).get("stacking", {}).get("mode") == "normal" and lines:
        moments = sorted({at for times, _ in lines.values() for at in times})
        rows = [[dict(zip(*one, strict=True)).get(m, 0.0) for m in moments] for one in lines.values()]
        drawn = [[0.0 if math.isnan(v) else v for v in row] for row in rows]
        colours = [NAMED[name] for name in lines] if lines.keys() <= NAMED.keys() else None
        axes.stackplot(moments, *drawn, labels=list(lines), alpha=0.6, colors=colours)
    else:
        for name, (times, values) in lines.items():
            axes.plot(times, values, label=name, linewidth=1.2)
    axes.set_ylim(0, axes.get_ylim()[1] * 1.05)
    axes.set_title(panel["title"], fontsize=9, loc="left")
    axes.tick_params(labelsize=6)
    axes.xaxis.set_major_locator(AutoDateLocator(maxticks=5))
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M:%S"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: shown(v, config["unit"])))
    axes.grid(alpha=0.3)
    if lines:
        axes.legend(fontsize=6, ncols=2, loc="upper left", framealpha=0.6)


def legend(target: Mapping[str, Any], metric: Mapping[str, str]) -> str:
    text: str = target["legendFormat"]
    for name, value in metric.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def shown(value: float, unit: str) -> str:
    """With the largest unit that leaves at least one."""
    size, name = next((u for u in UNITS[unit] if abs(value) >= u[0]), UNITS[unit][-1])
    if value == 0 or math.isnan(value):
        return "0" if value == 0 else "–"
    number = value / size
    return f"{number:.0f} {name}".strip() if abs(number) >= 100 else f"{number:.3g} {name}".strip()
