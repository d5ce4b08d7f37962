"""Every query of every panel, asked of a real Prometheus that has seen four weeks with every kind of incident."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from PIL import Image

from dashboards.__main__ import BOARDS, HERE
from tests.dashboards.history import END
from tests.dashboards.past import scrape_of
from tests.dashboards.queries import Json, Prometheus, Series, targets, view_of
from tests.dashboards.render.drawing import draw

pytestmark = pytest.mark.timeout(600)
"""The first test waits for the history to be made, and all workers for one of them."""


def board(name: str) -> Json:
    found: Json = json.loads((HERE / name).read_text(encoding="utf-8"))
    return found


def shown(prometheus: Prometheus, name: str, panel: int, **variables: str) -> dict[str, list[Series]]:
    """What a panel shows, by refId."""
    dashboard = board(name)
    view = view_of(dashboard, END, scrape_of(dashboard), **variables)
    found = [(p, t) for p, t in targets(dashboard) if p["id"] == panel]
    return {target["refId"]: prometheus.run(p, target, view) for p, target in found}


@pytest.mark.parametrize("name", BOARDS)
def test_no_panel_is_empty(prometheus: Prometheus, name: str) -> None:
    dashboard = board(name)
    view = view_of(dashboard, END, scrape_of(dashboard))
    empty = [
        f"{panel['id']} {panel['title']}, {target['refId']}: {target['expr']}"
        for panel, target in targets(dashboard)
        if not prometheus.run(panel, target, view)
    ]
    assert empty == []


@pytest.mark.parametrize("name", BOARDS)
def test_annotations_answer(prometheus: Prometheus, name: str) -> None:
    dashboard = board(name)
    view = view_of(dashboard, END, scrape_of(dashboard))
    for annotation in dashboard["annotations"]["list"]:
        assert prometheus.run({}, annotation["target"], view), annotation["name"]


def test_the_overview_shows_what_is_broken_now(prometheus: Prometheus) -> None:
    table = shown(prometheus, "overview.json", 10)
    failing = {one.labels["channel"] for one in table["A"] if one.last == 0}
    assert len(table["A"]) == 7
    assert failing == {"legacy-form", "ccadb-alias"}
    assert {one.labels["channel"]: one.last for one in table["G"]} == {"ccadb-alias": 1}
    firing = {one.labels["channel"] for one in shown(prometheus, "overview.json", 12)["A"] if "channel" in one.labels}
    assert {"legacy-form", "ccadb-alias"} <= firing


def test_the_overview_tells_where_reports_went(prometheus: Prometheus) -> None:
    went = {(s.labels["channel"], s.labels["outcome"]) for s in shown(prometheus, "overview.json", 13)["A"]}
    assert {("legacy-form", "wrong_queue"), ("problem-alias", "junked"), ("problem-alias", "quarantined")} <= went


def test_the_channel_tells_which_filter_hit(prometheus: Prometheus) -> None:
    variants = shown(prometheus, "channel.json", 11, channel="problem-alias")
    shares = {one.labels["variant"]: one.last for one in variants["B"]}
    assert shares["V02-7z"] > 0.2 > shares["plain"]
    assert {"V02-7z", "V02-tgz"} <= {one.labels["variant"] for one in variants["A"]}
    by_sender = shown(prometheus, "channel.json", 12, channel="problem-alias")
    senders = {one.labels["sender"]: one.last for one in by_sender["B"]}
    assert senders["freemail"] > senders["researcher"]


def test_no_forgery_is_lost_between_two_intervals(prometheus: Prometheus) -> None:
    forged = [one for one in shown(prometheus, "channel.json", 13)["A"] if one.labels["reason"] == "bad_mac"]
    assert sum(value > 0.5 for one in forged for _, value in one.points) >= 2


def test_the_audit_counts_what_the_ledger_counts(prometheus: Prometheus) -> None:
    """Of the long range, recorded day by day, within what extrapolation may cost."""
    table = shown(prometheus, "audit.json", 9)
    probes = {one.labels["channel"]: one.last for one in table["A"]}
    dead, junked, filtered = 9 * 6, 14 * 3, 50  # what fails is sent once more
    assert probes["problem-alias"] == pytest.approx(28 * 144 + dead + junked + filtered, rel=0.03)
    astray = 3 * 24
    assert probes["legacy-form"] == pytest.approx(28 * 24 + astray, rel=0.03)
    gaps = {one.labels["channel"]: one.last for one in table["D"]}
    assert gaps["problem-alias"] == pytest.approx(9 * 3600, abs=1800)
    unaccounted = [one.last for one in table["F"]]
    assert unaccounted
    assert not any(unaccounted)
    paused = {one.labels["channel"]: one.last for one in table["G"]}
    assert paused["contact-chloe"] == pytest.approx(1 / 28, rel=0.1)


def test_the_prober_shows_its_own_faults(prometheus: Prometheus) -> None:
    assert [one.labels["component"] for one in shown(prometheus, "prober.json", 6)["A"]] == ["smtp"]
    configuration = shown(prometheus, "prober.json", 1)["D"][0]
    assert 50 <= sum(value == 0 for _, value in configuration.points) <= 70


def test_every_dashboard_can_be_drawn(prometheus: Prometheus, tmp_path: Path) -> None:
    asyncio.run(draw(prometheus, [*BOARDS], tmp_path, END, 1200))
    for name in BOARDS:
        file = tmp_path / f"{Path(name).stem}.png"
        assert file.stat().st_size < 200_000
        assert len(Image.open(file).convert("RGB").getcolors(1 << 20) or ()) > 20
