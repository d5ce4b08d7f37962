"""The kinds of panel that the dashboards use. Each takes its number, a title, and what to do when it looks bad.

The numbers are given by hand and never reused: a link to a panel (``viewPanel=7``) must go on working.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any

from grafana_foundation_sdk.builders import bargauge, common, heatmap, prometheus, stat, statetimeline, table, text
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import timeseries as graph
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import heatmap as heat_model
from grafana_foundation_sdk.models import text as text_model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "#808080"
SOURCE = shapes.DataSourceRef(type_val="prometheus", uid="${datasource}")

Step = tuple[float, str]
Panel = model.Panel


@dataclass(frozen=True)
class Query:
    """A PromQL expression and what its series are called."""

    expr: str
    legend: str = "__auto"
    exemplar: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a table: an instant query over the rows' label, or the label itself where ``expr`` is empty."""

    title: str
    expr: str = ""
    unit: str = "short"
    steps: tuple[Step, ...] = ()
    decimals: int | None = None
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Value -> (text, colour)."""
    link: str = ""
    hidden: bool = False


def stat_panel(
    number: int,
    title: str,
    advice: str,
    expr: str,
    *steps: Step,
    unit: str = "short",
    decimals: int | None = None,
    names: Mapping[str, tuple[str, str]] | None = None,
    empty: str = "no data",
    legend: str = "",
) -> Panel:
    """One number, coloured by ``steps``; ``empty`` stands there if there is none."""
    reduce = common.ReduceDataOptions().calcs(["lastNotNull"])
    builder = stat.Panel().unit(unit).reduce_options(reduce).no_value(empty).mappings(_named(names or {}))
    builder = builder.graph_mode(shapes.BigValueGraphMode.NONE).color_mode(shapes.BigValueColorMode.BACKGROUND_SOLID)
    builder = builder.text_mode(shapes.BigValueTextMode.NAME if legend else shapes.BigValueTextMode.VALUE)
    builder = builder.thresholds(_thresholds(steps)).color_scheme(_by_thresholds())
    if decimals is not None:
        builder = builder.decimals(decimals)
    return _finish(builder.build(), number, title, advice, [_instant(expr, "A", legend or "__auto").build()])


def timeline(
    number: int,
    title: str,
    advice: str,
    *queries: Query,
    names: Mapping[str, tuple[str, str]],
    interval: str = "",
) -> Panel:
    """A row a series, coloured by the names of its values."""
    builder = statetimeline.Panel().mappings(_named(names)).show_value(shapes.VisibilityMode.NEVER).row_height(0.85)
    builder = builder.legend(_legend()).fill_opacity(85).span_nulls(False)
    return _finish(builder.build(), number, title, advice, _ranges(queries), interval)


def series(
    number: int,
    title: str,
    advice: str,
    *queries: Query,
    unit: str,
    steps: tuple[Step, ...] = (),
    log: bool = False,
    least: float | None = 0,
    most: float | None = None,
    colours: Mapping[str, str] | None = None,
    interval: str = "",
) -> Panel:
    """Lines over time; ``steps`` are drawn as dashed threshold lines, a series in ``colours`` by its name."""
    builder = graph.Panel().unit(unit).legend(_legend()).tooltip(_tooltip()).line_width(2).fill_opacity(0)
    builder = builder.show_points(shapes.VisibilityMode.NEVER).span_nulls(False)
    if steps:
        lines = common.GraphThresholdsStyleConfig().mode(shapes.GraphThresholdsStyleMode.DASHED)
        builder = builder.thresholds(_thresholds(steps)).thresholds_style(lines)
    if log:
        scale = common.ScaleDistributionConfig().type(shapes.ScaleDistribution.LOG).log(10)
        builder = builder.scale_distribution(scale)
    elif least is not None:
        builder = builder.min(least)
    if most is not None:
        builder = builder.max(most)
    for name, colour in (colours or {}).items():
        dashed = model.DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [10, 10]})
        builder = builder.override_by_name(name, [*_fixed(colour), *([dashed] if colour == RED else [])])
    return _finish(builder.build(), number, title, advice, _ranges(queries), interval)


def bars(
    number: int,
    title: str,
    advice: str,
    *queries: Query,
    interval: str,
    unit: str = "short",
    colours: Mapping[str, str] | None = None,
    lines: Sequence[str] = (),
) -> Panel:
    """Counts in stacked bars, one an ``interval``; the series named in ``lines`` are drawn as a line over them."""
    builder = graph.Panel().unit(unit).decimals(0).legend(_legend()).tooltip(_tooltip()).min(0).fill_opacity(80)
    builder = builder.draw_style(shapes.GraphDrawStyle.BARS).line_width(0).bar_alignment(shapes.BarAlignment.BEFORE)
    builder = builder.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL).group("A"))
    for name, colour in (colours or {}).items():
        builder = builder.override_by_name(name, [*_fixed(colour), *(_as_line() if name in lines else [])])
    return _finish(builder.build(), number, title, advice, _ranges(queries), interval)


def heat(number: int, title: str, advice: str, expr: str, *, interval: str) -> Panel:
    """A classic histogram (``sum by (le)``) as a heatmap: a row a bucket."""
    colour = heatmap.HeatmapColorOptions().mode(heat_model.HeatmapColorMode.SCHEME).scheme("Blues").steps(32)
    colour = colour.scale(heat_model.HeatmapColorScale.EXPONENTIAL).exponent(0.4).fill("blue").reverse(True)
    axis = heatmap.YAxisConfig().unit("s").decimals(0)
    builder = heatmap.Panel().calculate(False).color(colour).y_axis(axis).cell_gap(1)
    builder = builder.rows_frame(heatmap.RowsHeatmapOptions().layout(shapes.HeatmapCellLayout.LE)).show_legend()
    query = _range(Query(expr, "{{le}}"), "A").format(PromQueryFormat.HEATMAP)
    return _finish(builder.build(), number, title, advice, [query.build()], interval)


def gauge_bars(
    number: int,
    title: str,
    advice: str,
    *queries: Query,
    unit: str,
    steps: tuple[Step, ...],
    most: float | None = None,
    empty: str = "none",
) -> Panel:
    """One horizontal bar a series, as of now."""
    reduce = common.ReduceDataOptions().calcs(["lastNotNull"])
    builder = bargauge.Panel().unit(unit).reduce_options(reduce).orientation(shapes.VizOrientation.HORIZONTAL)
    builder = builder.display_mode(shapes.BarGaugeDisplayMode.BASIC).min(0).decimals(0).no_value(empty)
    builder = builder.thresholds(_thresholds(steps)).color_scheme(_by_thresholds())
    if most is not None:
        builder = builder.max(most)
    targets = [
        _instant(query.expr, ref, query.legend).build() for query, ref in zip(queries, ascii_uppercase, strict=False)
    ]
    return _finish(builder.build(), number, title, advice, targets)


def table_panel(
    number: int, title: str, advice: str, *columns: Column, sort: str, descending: bool = False, empty: str = "none"
) -> Panel:
    """A table: the first columns are labels (``expr`` empty, ``title`` is ``label=Heading``), the others queries.

    The rows of all queries are merged by their labels, and sorted by the column with the heading ``sort``.
    """
    labels = [column for column in columns if not column.expr]
    measured = [column for column in columns if column.expr]
    builder = table.Panel().cell_height(shapes.TableCellHeight.SM).no_value(empty)
    builder = builder.sort_by([common.TableSortByFieldState().display_name(sort).desc(descending)])
    names = {label.title.partition("=")[0]: label.title.partition("=")[2] for label in labels}
    names |= {_value_of(measured, n): column.title for n, column in enumerate(measured)}
    for column in columns:
        if overrides := list(_overrides(column)):
            builder = builder.override_by_name(column.title.rpartition("=")[2], overrides)
    order = {name: n for n, name in enumerate(names)}
    hidden = [_value_of(measured, n) for n, column in enumerate(measured) if column.hidden]
    organize = {
        "excludeByName": dict.fromkeys(["Time", *hidden], True),
        "indexByName": order,
        "renameByName": names,
    }
    builder = builder.with_transformation(model.DataTransformerConfig("merge", options={}))
    builder = builder.with_transformation(model.DataTransformerConfig("organize", options=organize))
    targets = [
        _instant(column.expr, ref, "__auto").format(PromQueryFormat.TABLE).build()
        for column, ref in zip(measured, ascii_uppercase, strict=False)
    ]
    return _finish(builder.build(), number, title, advice, targets)


def words(number: int, title: str, advice: str, markdown: str) -> Panel:
    """Text in Markdown."""
    builder = text.Panel().mode(text_model.TextMode.MARKDOWN).content(markdown)
    return _finish(builder.build(), number, title, advice, None)


def _finish(panel: Panel, number: int, title: str, advice: str, targets: list[Any] | None, interval: str = "") -> Panel:
    panel.id_val, panel.title, panel.description = number, title, advice
    if targets is not None:
        panel.datasource, panel.targets, panel.interval = SOURCE, targets, interval or None
    return panel


def _range(query: Query, ref: str) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(ref).range()
    return target.datasource(SOURCE).exemplar(query.exemplar)


def _ranges(queries: Sequence[Query]) -> list[Any]:
    return [_range(query, ref).build() for query, ref in zip(queries, ascii_uppercase, strict=False)]


def _instant(expr: str, ref: str, legend: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(ref).instant().datasource(SOURCE)


def _value_of(measured: Sequence[Column], n: int) -> str:
    """What Grafana's *merge* calls the n-th query's values: only a single query's are plain ``Value``."""
    return "Value" if len(measured) == 1 else f"Value #{ascii_uppercase[n]}"


def _overrides(column: Column) -> list[model.DynamicConfigValue]:
    found = []
    if column.expr:
        found.append(model.DynamicConfigValue("unit", column.unit))
    if column.decimals is not None:
        found.append(model.DynamicConfigValue("decimals", column.decimals))
    if column.names:
        found.append(model.DynamicConfigValue("mappings", _named(column.names)))
    if column.steps:
        found.append(model.DynamicConfigValue("thresholds", _thresholds(column.steps).build()))
    if column.names or column.steps:
        found.append(model.DynamicConfigValue("custom.cellOptions", {"type": "color-background", "mode": "basic"}))
    if column.link:
        link = {"title": "Open the channel", "url": column.link}
        found.append(model.DynamicConfigValue("links", [link]))
    return found


def _named(names: Mapping[str, tuple[str, str]]) -> list[model.ValueMapping]:
    if not names:
        return []
    results = {
        value: model.ValueMappingResult(text=text, color=colour, index=n)
        for n, (value, (text, colour)) in enumerate(names.items())
    }
    return [model.ValueMap(options=results)]


def _thresholds(steps: Sequence[Step]) -> build.ThresholdsConfig:
    """``steps`` from the lowest up; the first one's value does not matter (Grafana wants null there)."""
    first, *others = steps or [(0, BLUE)]
    marks = [model.Threshold(None, first[1]), *(model.Threshold(value, colour) for value, colour in others)]
    return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(marks)


def _by_thresholds() -> build.FieldColor:
    return build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS)


def _fixed(colour: str) -> list[model.DynamicConfigValue]:
    return [model.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})]


def _as_line() -> list[model.DynamicConfigValue]:
    line = {"drawStyle": "line", "lineInterpolation": "stepBefore", "lineWidth": 2, "fillOpacity": 0}
    return [
        model.DynamicConfigValue(f"custom.{name}", value)
        for name, value in (line | {"stacking": {"mode": "none"}}).items()
    ]


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().display_mode(shapes.LegendDisplayMode.LIST).show_legend(True)
    return legend.placement(shapes.LegendPlacement.BOTTOM).calcs([])


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI).sort(shapes.SortOrder.DESCENDING)
