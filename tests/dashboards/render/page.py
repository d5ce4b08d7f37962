"""A dashboard as one HTML page: its panels where the JSON puts them, each filled with what its queries return."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from tests.dashboards.queries import Prometheus, Series, View, expand, step_of
from tests.dashboards.render import charts
from tests.dashboards.render.looks import Json, by_value, shown

COLUMN, ROW, GAP = 66, 38, 8
"""Pixels: a 24th of the width, a unit of height (as in Grafana), and between panels."""

NOTE = (
    "Drawn by the project's own renderer from this dashboard's queries, answered by a real Prometheus. Not by Grafana."
)

_STYLE = """
body { background: #111217; color: #d5d8de; font: 13px 'DejaVu Sans', sans-serif; margin: 0; }
header { padding: 12px 16px; font-size: 17px; } header small { color: #8e929b; font-size: 12px; margin-left: 14px; }
main { position: relative; margin: 0 8px; }
section { position: absolute; background: #181b1f; border: 1px solid #2a2d33; border-radius: 3px; overflow: hidden; }
section h2 { font-size: 13px; font-weight: 600; margin: 7px 10px 3px; height: 18px; white-space: nowrap; }
.stat { position: absolute; inset: 0; display: flex; align-items: center; justify-content: center; font-size: 30px; }
.stat, .on { color: #16181c; font-weight: 700; } .solid h2 { color: #16181c; position: relative; z-index: 1; }
table { border-collapse: collapse; width: 100%; font-size: 12.5px; } th { text-align: left; color: #6e9fff; }
td, th { padding: 5.5px 10px; border-bottom: 1px solid #24272c; white-space: nowrap; }
.bar { display: flex; align-items: center; margin: 7px 10px; } .bar b { padding-left: 8px; }
.bar span { width: 170px; text-align: right; padding-right: 8px; }
.bar i { height: 15px; display: block; } .words { padding: 4px 14px; line-height: 1.55; }
code { background: #24272c; padding: 1px 4px; } a { color: #6e9fff; } .none { color: #8e929b; padding: 20px; }
"""


def page(dashboard: Json, prometheus: Prometheus, view: View) -> str:
    """The whole page as HTML."""
    alerts = _alerts(dashboard, prometheus, view)
    panels = "".join(_panel(panel, prometheus, view, alerts) for panel in dashboard["panels"])
    height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in dashboard["panels"]) * ROW
    chosen = [f"{name}: {view.variables[name]}" for name in ("channel",) if view.variables[name] != ".*"]
    about = f"{view.start:%Y-%m-%d %H:%M} to {view.end:%Y-%m-%d %H:%M} UTC " + " ".join(chosen)
    return (
        f"<!doctype html><meta charset=utf-8><style>{_STYLE}</style><header>{escape(dashboard['title'])}"
        f"<small>{escape(about)}</small><small>{NOTE}</small></header>"
        f'<main style="height:{height + 8}px">{panels}</main>'
    )


def _alerts(dashboard: Json, prometheus: Prometheus, view: View) -> list[charts.Span]:
    targets = [annotation["target"] for annotation in dashboard["annotations"]["list"] if annotation["enable"]]
    found = [series for target in targets for series in prometheus.run({}, target, view)]
    return [span for series in found for span in charts.runs(series, step_of({}, view))]


def _panel(panel: Json, prometheus: Prometheus, view: View, alerts: Sequence[charts.Span]) -> str:
    at = panel["gridPos"]
    width, height = at["w"] * COLUMN - GAP, at["h"] * ROW - GAP
    answers = [(t["refId"], s) for t in panel.get("targets", ()) for s in prometheus.run(panel, t, view)]
    series = [one for _, one in answers]
    frame = charts.Frame(width, height - 32, view, step_of(panel, view))
    solid = ""
    match panel["type"] if series or panel["type"] in ("text", "stat", "table") else "nothing":
        case "state-timeline":
            body = charts.timeline(panel, series, frame)
        case "timeseries":
            body = charts.graph(panel, answers, frame, alerts)
        case "heatmap":
            body = charts.heatmap(series, frame)
        case "stat":
            solid, body = _stat(panel, series, view)
        case "bargauge":
            body = _gauges(panel, series, view, width)
        case "table":
            body = _table(panel, answers, view)
        case "nothing":
            body = _nothing(panel["fieldConfig"]["defaults"])
        case _:
            body = f'<div class="words">{_markdown(expand(panel["options"]["content"], view, 0))}</div>'
    place = f"left:{at['x'] * COLUMN}px;top:{at['y'] * ROW}px;width:{width}px;height:{height}px;"
    kind = ' class="solid"' if solid else ""
    return f'<section{kind} style="{place}{solid}"><h2>{escape(panel["title"])}</h2>{body}</section>'


def _stat(panel: Json, series: Sequence[Series], view: View) -> tuple[str, str]:
    defaults = panel["fieldConfig"]["defaults"]
    if not series:
        return "", _nothing(defaults)
    value = series[0].last
    words = series[0].name if panel["options"]["textMode"] == "name" else shown(defaults, value, view.end.timestamp())
    return f"background:{by_value(defaults, value)};", f'<div class="stat">{escape(words)}</div>'


def _gauges(panel: Json, series: Sequence[Series], view: View, width: int) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    most = defaults.get("max") or max([s.last for s in series], default=1) or 1
    rows = []
    for one in sorted(series, key=lambda s: -s.last):
        length = max(2, (width - 280) * one.last / most)
        rows.append(
            f'<div class="bar"><span>{escape(one.name)}</span><i style="width:{length:.0f}px;'
            f'background:{by_value(defaults, one.last)}"></i>'
            f"<b>{escape(shown(defaults, one.last, view.end.timestamp()))}</b></div>"
        )
    return "".join(rows) or _nothing(defaults)


def _table(panel: Json, answers: Sequence[tuple[str, Series]], view: View) -> str:
    """Rows merged by their labels, columns renamed and ordered: Grafana's *merge* and *organize*."""
    refs = [target["refId"] for target in panel["targets"]]
    rows: list[dict[str, str | float]] = []
    for ref, one in answers:
        value = "Value" if len(refs) == 1 else f"Value #{ref}"
        fits = [r for r in rows if value not in r and _agrees(r, one)]
        for row in fits or [{}]:
            row.update({**one.labels, value: one.last})
            if not fits:
                rows.append(row)
    organize = panel["transformations"][1]["options"]
    names = sorted(organize["indexByName"].keys() - organize["excludeByName"].keys(), key=organize["indexByName"].get)
    names = [name for name in names if any(name in row for row in rows)]
    sort = panel["options"]["sortBy"][0]
    by = next((name for name in names if organize["renameByName"][name] == sort["displayName"]), "")
    rows.sort(key=lambda row: (by in row, row.get(by)), reverse=sort["desc"])
    if not rows:
        return _nothing(panel["fieldConfig"]["defaults"])
    head = "".join(f"<th>{escape(organize['renameByName'][name])}</th>" for name in names)
    looks = {name: _column(panel, organize["renameByName"][name]) for name in names}
    now = view.end.timestamp()
    body = "".join("<tr>" + "".join(_cell(row.get(n), looks[n], now) for n in names) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _nothing(defaults: Json) -> str:
    return f'<div class="none">{escape(defaults.get("noValue", "No data"))}</div>'


def _agrees(row: dict[str, str | float], one: Series) -> bool:
    shared = row.keys() & one.labels.keys()
    return bool(shared) and all(row[name] == one.labels[name] for name in shared)


def _column(panel: Json, heading: str) -> Json:
    found: Json = {}
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == heading:
            found |= {one["id"]: one["value"] for one in override["properties"]}
    return found


def _cell(value: str | float | None, looks: Json, now: float) -> str:
    if value is None or isinstance(value, str):
        words = escape(value or "")
        return f"<td><a>{words}</a></td>" if "links" in looks else f"<td>{words}</td>"
    words = escape(shown(looks, value, now))
    if "custom.cellOptions" in looks and value == value:
        return f'<td class="on" style="background:{by_value(looks, value)}">{words}</td>'
    return f"<td>{words}</td>"


def _markdown(text: str) -> str:
    """As much of Markdown as the dashboards use."""
    html = escape(text)
    html = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html)
    html = re.sub(r"`(.+?)`", r"<code>\1</code>", html)
    html = re.sub(r"\[(.+?)\]\(.+?\)", r"<a>\1</a>", html)
    html = re.sub(r"(?<!\*)\*(\w[^*]*?)\*", r"<i>\1</i>", html)
    return re.sub(r"^\* ", "<br>• ", html, flags=re.MULTILINE)
