"""What the dashboards are built of: a board has rows, a row has panels, a panel has queries with their legends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardLinkType,
    DataSourceRef,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
TAG = "trappetrin"
COLOURS = {"red": "red", "yellow": "yellow", "green": "green", "unknown": "gray"}


@dataclass(frozen=True, slots=True)
class Panel:
    """`unit` is Grafana's name of it; `queries` are expression and legend. `alarm`: a number from here on is red.
    `coloured`: its lines are those of the staircase.
    """

    title: str
    told: str
    unit: str
    queries: Sequence[tuple[str, str]]
    kind: Literal["lines", "stack", "number"] = "lines"
    alarm: float | None = None
    coloured: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Board:
    uid: str
    title: str
    told: str
    rows: Sequence[Row]
    by_service: bool = False


def lines(title: str, told: str, unit: str, *queries: tuple[str, str]) -> Panel:
    return Panel(title, told, unit, queries)


def stack(title: str, told: str, unit: str, *queries: tuple[str, str], coloured: bool = False) -> Panel:
    return Panel(title, told, unit, queries, "stack", coloured=coloured)


def number(title: str, told: str, unit: str, *queries: tuple[str, str], alarm: float | None = None) -> Panel:
    return Panel(title, told, unit, queries, "number", alarm)


def built(board: Board) -> Dashboard:
    """As Grafana's model: the data source is a variable, so that the file fits any installation."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.told)
        .tags([TAG])
        .readonly()
        .refresh("30s")
        .time("now-1h", "now")
        .timezone("browser")
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .link(
            dashboard.DashboardLink("Trappetrin")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .keep_time(True)
        )
    )
    if board.by_service:
        made = made.with_variable(
            dashboard.QueryVariable("service")
            .label("Service")
            .datasource(SOURCE)
            .query('label_values(up{job="trappetrin"}, service)')
            .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
            .multi(True)
            .include_all(True)
            .all_value(".*")
        )
    for row in board.rows:
        made = made.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            made = made.with_panel(figure(panel) if panel.kind == "number" else curve(panel))
    return made.build()


def curve(panel: Panel) -> timeseries.Panel:
    made = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.told)
        .unit(panel.unit)
        .datasource(SOURCE)
        .span(8)
        .height(8)
        .min(0)
        .fill_opacity(30 if panel.kind == "stack" else 5)
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
    )
    for name in COLOURS if panel.coloured else ():
        fixed = DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": COLOURS[name]})
        made = made.override_by_name(name, [fixed])
    if panel.kind == "stack":
        made = made.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    for query in queries(panel):
        made = made.with_target(query)
    return made


def figure(panel: Panel) -> stat.Panel:
    made = (
        stat.Panel()
        .title(panel.title)
        .description(panel.told)
        .unit(panel.unit)
        .datasource(SOURCE)
        .span(4)
        .height(5)
        .color_mode(BigValueColorMode.BACKGROUND)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    steps = [Threshold(value=None, color="blue" if panel.alarm is None else "green")]
    if panel.alarm is not None:
        steps.append(Threshold(value=panel.alarm, color="red"))
    made = made.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    for query in queries(panel):
        made = made.with_target(query)
    return made


def queries(panel: Panel) -> Sequence[prometheus.Dataquery]:
    made = []
    for letter, (expr, legend) in zip("ABCDEF", panel.queries, strict=False):
        query = prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(letter).datasource(SOURCE)
        made.append(query.instant() if panel.kind == "number" else query.range())
    return made
