"""One story with every kind of trouble: status, metrics, exceptions, the report and its page say the same, number by
number, at every moment of it; and the same as a plain reading of what was decided."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
import yaml
from prober.simulated import Simulated
from prometheus_client.core import Metric
from typer.testing import CliRunner

from canary.audit.period import Period
from canary.audit.report.contents import AuditReport, build
from canary.audit.report.page import render
from canary.audit.report.tables import tables, to_json
from canary.audit.report.tally import Tally
from canary.cli.main import app
from canary.config import Config, load
from canary.ledger import EventKind
from canary.ledger.events import paused, resumed, timestamp
from canary.ledger.reader import as_it_stands
from canary.metrics import PREFIX, Exporter
from canary.model import DeadlineResult
from canary.prober.gate import clear_stop, stop_all
from canary.status import Standing

RESULTS = [result.value for result in DeadlineResult]
BUSY = ("good", "lost", "junk", "mended", "refused", "owing", "spare")
SELDOM = ("idle", "quiet")
"""Probed once in the story: what is silent on purpose must not wait for their turn to be seen."""
DARK = (6 * 60, 6 * 60 + 30)
"""From when until when ``quiet`` rests, in minutes."""


class Views:
    """Everything that is shown of one canary, asked for at one moment of a story."""

    def __init__(self, canary: Simulated) -> None:
        self._canary, self._file = canary, canary.folder / "canary.yaml"
        self.now = canary.clock.now()
        day = self.now.date()
        with as_it_stands(canary.prober.config.state) as ledger:
            period = Period(canary.start.date(), day)
            self.report, self.tally = build(ledger, canary.prober.config, period, self.now, profile="tls")
        self.metrics = list(Exporter(canary.prober).collect())
        self.status = {row["channel"]: row for row in self.asked("status")["channels"]}
        days = ("--from", f"{canary.start:%Y-%m-%d}", "--to", f"{day:%Y-%m-%d}")
        self.exceptions = self.asked("exceptions", "list", *days)
        self.probes = self.asked("probes", "list", "--newest", "1000")

    def asked(self, *command: str) -> Any:
        """What a command answers."""
        parts = [*command[:1], *command[1:2]] if command[0] in ("exceptions", "probes") else [command[0]]
        said = CliRunner().invoke(app, [*parts, str(self._file), *command[len(parts) :], "--json"])
        assert said.exit_code == 0, said.output
        return json.loads(said.stdout)

    def metric(self, name: str) -> Iterator[tuple[dict[str, str], float]]:
        """Labels and value of each series."""
        for family in self.metrics:
            yield from self._series(family, PREFIX + name)

    @staticmethod
    def _series(family: Metric, name: str) -> Iterator[tuple[dict[str, str], float]]:
        return ((sample.labels, sample.value) for sample in family.samples if sample.name == name)

    def by_channel(self, name: str) -> dict[str, float]:
        """The value of a metric that has one for each channel."""
        return {labels["channel"]: value for labels, value in self.metric(name)}

    def table(self, name: str) -> list[dict[str, str]]:
        """A file of the report."""
        return list(csv.DictReader(io.StringIO(tables(self.report, self.tally)[name].decode("utf-8-sig"))))


Counts = dict[str, Counter[str]]


def decided(canary: Simulated) -> Counts:
    """By channel: what deadlines found, read plainly from the events."""
    channels = {event.probe: event.body["channel"] for event in canary.events(EventKind.SCHEDULED)}
    found: Counts = {slug: Counter() for slug in canary.prober.config.channels}
    for event in canary.events(EventKind.DEADLINE):
        found[channels[event.probe]][event.body["result"]] += 1
    return found


def numbers(row: Mapping[str, Any]) -> Counter[str]:
    """The counts of a line of the report, as text or number."""
    return +Counter({result: int(row[result]) for result in RESULTS})


def all_views_say(canary: Simulated, wanted: Counts) -> Views:
    """Every number of every view, against ``wanted``."""
    views, whole = Views(canary), sum(wanted.values(), Counter[str]())
    deadlines: Counts = {slug: Counter() for slug in wanted}
    for labels, value in views.metric("deadline_results_total"):
        deadlines[labels["channel"]][labels["result"]] += int(value)
    assert {slug: +counts for slug, counts in deadlines.items()} == wanted
    assert {slug: +Counter(row["last_day"]) for slug, row in views.status.items()} == wanted
    told = {"indeterminate": whole["indeterminate"]}
    for what in ("variant", "sender"):
        judged = Counter(dict.fromkeys(RESULTS, 0))
        for labels, value in views.metric(f"{what}_results_total"):
            judged[labels["result"]] += int(value)
        assert +(judged + Counter(told)) == whole
    the_report_says(views, wanted, whole)
    what_was_due_is(views)
    the_exceptions_say(views, wanted)
    of_each = Counter(row["channel"] for row in views.probes if not row["final"])
    assert views.by_channel("probes_in_flight") == {slug: of_each[slug] for slug in wanted}
    assert {slug: row["in_flight"] for slug, row in views.status.items()} == {slug: of_each[slug] for slug in wanted}
    failed = [row for row in views.probes if row["outcome"] not in (None, "arrived")]
    assert len(failed) >= whole["missed"] + whole["indeterminate"]
    states = {slug: Standing(int(value)).name.lower() for slug, value in views.by_channel("channel_state").items()}
    assert states == {slug: row["standing"] for slug, row in views.status.items()}
    return views


def the_report_says(views: Views, wanted: Counts, whole: Counter[str]) -> None:
    """Data, files, JSON and page of the report."""
    probed = {slug: +counts for slug, counts in wanted.items() if counts}
    assert {line.slug: numbers(vars_of(line.counts)) for line in views.report.channels if line.counts.total} == probed
    for name, key in (("channels.csv", "channel"), ("days.csv", "channel"), ("months.csv", "channel")):
        found: Counts = {}
        for row in views.table(name):
            found.setdefault(row[key], Counter()).update(numbers(row))
        assert {slug: +counts for slug, counts in found.items() if slug and +counts} == probed, name
    for what in ("variant", "sender"):
        rows = [row for row in views.table("groups.csv") if row["group"] == what and row["channel"]]
        assert sum(map(numbers, rows), Counter[str]()) == whole
    told = json.loads(to_json(views.report))
    assert +Counter({result: told["whole"]["counts"][result] for result in RESULTS}) == whole
    assert views.report.scheduled == whole.total() + len(views.report.unfinished)
    outcomes = sum((Counter(line.outcomes) for line in views.report.channels), Counter[str]())
    assert outcomes.total() == whole.total()
    the_page_says(views.report, views.tally, wanted, whole)


def what_was_due_is(views: Views) -> None:
    """The report's turns, on page and in its file, are those of the metrics."""
    due = views.report.due
    assert sum(value for _, value in views.metric("probes_due_total")) == due.whole.due
    lost = views.by_channel("probes_unaccounted_total")
    assert {line.channel: line.unaccounted for line in due.lines} == {
        line.channel: lost[line.channel] for line in due.lines
    }
    assert [int(row["due"]) for row in views.table("due.csv")] == [line.due for line in (*due.lines, due.whole)]


def vars_of(counts: Any) -> dict[str, int]:
    return {result: getattr(counts, result) for result in RESULTS}


def the_page_says(report: AuditReport, tally: Tally, wanted: Counts, whole: Counter[str]) -> None:
    """The page in words: the sums, and each channel's numbers in its table."""
    text = " ".join(re.sub(r"<[^>]*>", " ", render(report, tally, {})).split())
    judged = whole["met"] + whole["missed"]
    if judged:
        assert f"{whole['met']} of {judged} judged probes were in their queue in time" in text
        assert f"{whole['indeterminate']} more were indeterminate" in text
    assert f"Scheduled: {report.scheduled} probe" in text
    assert f"with a result: {whole.total()}; without a result, and listed: {len(report.unfinished)}" in text
    if report.exceptions:
        assert f"{len(report.exceptions)} exception" in text
        assert f"{report.open_exceptions} without a good retest yet" in text
    for slug, counts in wanted.items():
        assert slug in text or not counts


def the_exceptions_say(views: Views, wanted: Counts) -> None:
    """Each missed deadline is in one exception; and it is open where the newest that tells anything was missed."""
    missed: Counter[str] = Counter()
    for run in views.exceptions:
        missed[run["channel"]] += run["failed_probes"]
    assert missed == Counter({slug: counts["missed"] for slug, counts in wanted.items() if counts["missed"]})
    assert [run["id"] for run in views.exceptions] == [run.id for run in views.report.exceptions]
    open_ = {run["channel"] for run in views.exceptions if run["retest"] is None}
    assert {run.channel for run in views.report.exceptions if run.retest is None} == open_
    failing = {slug for slug, number in views.by_channel("channel_failing_probes").items() if number}
    failed_since = {row["channel"] for row in views.probes if not row["final"] and row["outcome"]} | open_
    assert failing <= failed_since
    for slug, row in views.status.items():
        if row["standing"] == "failing":
            assert slug in open_ or row["in_flight"]
        if slug in open_:
            assert row["standing"] != "ok"


def told_of(canary: Simulated) -> Config:
    """Channels that are probed twice an hour, and some that are probed twice a day."""
    canary.config(1)
    file = canary.folder / "canary.yaml"
    tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    (plain,) = tree["channels"].values()
    tree["confirm_after"] = "5m"
    tree["watch"]["desk"]["queues"] = {"cpr": "monitored", "junk": "junk"}
    tree["watch"]["desk"] |= {"dated": True, "work": True, "poll": "1m"}
    tree["channels"] = {slug: plain | {"entrance": slug, "interval": "30m"} for slug in BUSY}
    tree["channels"] |= {slug: plain | {"entrance": slug, "interval": "12h"} for slug in SELDOM}
    tree["channels"]["owing"]["answered_within"] = "20h"
    window = {at: timestamp(canary.start + timedelta(minutes=m)) for at, m in zip(("from", "until"), DARK, strict=True)}
    tree["blackouts"] = [window | {"channels": ["quiet"], "reason": "mail server moves", "approved_by": "the CEO"}]
    file.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return load(file)


@pytest.fixture
def by_its_clock(simulated: Simulated, monkeypatch: pytest.MonkeyPatch) -> Simulated:
    """Commands go by the story's time, too."""
    for module in ("status", "exceptions", "probes"):
        monkeypatch.setattr(f"canary.cli.{module}.Clock", lambda: simulated.clock)
    return simulated


def test_every_view_says_the_same_at_every_moment_of_a_story(by_its_clock: Simulated) -> None:
    seen: set[str] = set()

    def looked() -> Views:
        wanted = {slug: +counts for slug, counts in decided(by_its_clock).items()}
        seen.update(*wanted.values())
        return all_views_say(by_its_clock, wanted)

    by_its_clock.ca.lost |= {"lost", "mended"}
    by_its_clock.ca.junked.add("junk")
    by_its_clock.ca.refused.add("refused")
    by_its_clock.live(lambda canary: the_story(canary, looked), told_of(by_its_clock))
    by_its_clock.live(lambda canary: again(canary, looked), load(by_its_clock.folder / "canary.yaml"))
    assert seen == set(RESULTS)


async def again(canary: Simulated, looked: Callable[[], Views]) -> None:
    """After a restart what is watched is known from the ledger alone."""
    await canary.clock.sleep(1)
    views = looked()
    assert views.status["lost"]["in_flight"] >= 5
    assert lasting(views)["lost"]


def standing(views: Views) -> dict[str, str]:
    return {slug: row["standing"] for slug, row in views.status.items()}


def lasting(views: Views) -> dict[str, bool]:
    """By channel with exceptions: whether one is open."""
    return {run["channel"]: run["retest"] is None for run in views.exceptions}


async def the_story(canary: Simulated, looked: Callable[[], Views]) -> None:
    async def at(minute: float) -> Views:
        await canary.clock.sleep((canary.start + timedelta(minutes=minute) - canary.at()).total_seconds())
        return looked()

    await at(5)  # nothing is decided but what was refused
    views = await at(22)  # what was lost has missed its deadline, and is watched for a day
    assert lasting(views) == dict.fromkeys(("lost", "junk", "mended", "refused"), True)
    assert views.status["lost"]["in_flight"] >= 1
    canary.ca.lost.remove("mended")
    views = await at(90)
    assert lasting(views) == {"lost": True, "junk": True, "mended": False, "refused": True}
    assert views.status["owing"]["in_flight"] >= 2  # in time, and an answer is waited for
    canary.ca.unreached.add("spare")
    canary.ca.readable = False
    await at(130)  # deadlines are over, and nobody knows what they would have found
    await at(180)
    canary.ca.readable = True
    canary.ca.unreached.clear()
    await at(240)
    await switches(canary, at)


async def switches(canary: Simulated, at: Callable[[float], Any]) -> None:
    """Kill switch, pauses, a blackout: seen at once, and their end too, whatever is due."""
    usual = standing(await at(241))
    everything = dict.fromkeys(usual, "paused")
    stop_all(canary.prober.config.state, "drill")
    assert standing(await at(241.01)) == everything
    assert standing(await at(290)) == everything
    clear_stop(canary.prober.config.state)
    assert "paused" not in standing(await at(290.01)).values()
    assert standing(await at(340)) == usual
    canary.ledger.append(paused(canary.clock.now(), ["idle", "spare"], "rebuilt", "anna")).result()
    assert standing(await at(340.01)) == usual | dict.fromkeys(("idle", "spare"), "paused")
    assert standing(await at(DARK[0] - 0.1)) == usual | dict.fromkeys(("idle", "spare"), "paused")
    silent = dict.fromkeys(("idle", "spare", "quiet"), "paused")
    views = await at(DARK[0] + 0.1)
    assert standing(views) == usual | silent
    assert "approved by the CEO" in views.status["quiet"]["state"]
    canary.ledger.append(resumed(canary.clock.now(), ["idle", "spare"], "anna")).result()
    assert standing(await at(DARK[0] + 0.2)) == usual | {"quiet": "paused"}
    assert "paused" not in standing(await at(DARK[1] + 0.1)).values()
    await at(DARK[1] + 90)
    held = {event.body["channel"]: event.body["reason"] for event in canary.events(EventKind.RELEASED)}
    assert held["spare"] == "paused"
    nothing_is_unaccounted_for(canary)


def nothing_is_unaccounted_for(canary: Simulated) -> None:
    """Whatever kept a channel silent was told, from its first turn that was not taken to the end of it."""
    for slug, totals in canary.ledger.state.totals.channels.items():
        due = totals.due.until(canary.clock.now().timestamp())
        assert (slug, due.unaccounted) == (slug, 0)
        assert due.held.keys() <= {"paused", "blackout", "stopped"}
    assert canary.ledger.state.totals.channels["spare"].due.held["paused"] >= 1
