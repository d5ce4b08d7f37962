"""Channel: what exactly happens to the reports of one channel, and which filter hit them?"""

from __future__ import annotations

from dashboards.board import ANY_OF_CHANNEL, Row, board
from dashboards.panels import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    YELLOW,
    Column,
    Panel,
    Query,
    bars,
    heat,
    series,
    stat_panel,
    timeline,
)
from dashboards.panels import table_panel as table
from dashboards.vocabulary import (
    AGE,
    AVAILABILITY_STEPS,
    LIMIT,
    OUTCOMES,
    RESULTS,
    SILENCE_STEPS,
    STATE,
    STATES,
    availability,
    increase,
    missed_share,
    quantile,
)

_DEADLINE = f"max by (channel) (cpr_canary_channel_arrival_deadline_seconds{{{ANY_OF_CHANNEL}}})"
_DAY = 86400


def build() -> str:
    """The dashboard's JSON."""
    return board(
        "cpr-canary-channel",
        "Channel",
        "One channel in depth (choose it at the top): where its reports went, how long they took, which filter hit.",
        "now-7d",
        [
            Row(5, [_state()]),
            Row(4, _stats()),
            Row(9, [_heatmap(), _latency()]),
            Row(8, [_deadlines(), _outcomes()]),
            Row(8, [_silence(), _people()]),
            Row(9, [_filter("variant", 11), _filter("sender", 12)]),
            Row(7, [_forged(), _members()]),
        ],
    )


def _state() -> Panel:
    return timeline(
        1,
        "State",
        "Red: the newest probe did not reach its queue. Orange: our own fault, nothing is known. Grey: paused.",
        Query(f"max by (channel) ({STATE})", "{{channel}}"),
        names=STATES,
        interval="5m",
    )


def _stats() -> list[Panel]:
    in_flight = f"cpr_canary_probes_in_flight{{{ANY_OF_CHANNEL}}}"
    return [
        stat_panel(
            2,
            "Silence",
            "Time since the last arrival, as a share of the limit at which the channel is paged. Above 100 %: follow "
            "CPRCanaryChannelDown in the runbook.",
            f"max(max by (channel) ({AGE}) / max by (channel) ({LIMIT}))",
            *SILENCE_STEPS,
            unit="percentunit",
            decimals=0,
        ),
        stat_panel(
            3,
            "Met, 28 days",
            "Share of probes in their queue by the deadline. Our own faults do not count.",
            availability(),
            *AVAILABILITY_STEPS,
            unit="percentunit",
            decimals=2,
        ),
        stat_panel(
            4,
            "Arrival p95, 1 day",
            "19 of 20 probes arrive faster than this. Compare with the deadline: when it comes near, mail is "
            "queueing or greylisted somewhere.",
            f"max({quantile('arrived', '0.95')})",
            (0, GREEN),
            (300, YELLOW),
            (900, RED),
            unit="s",
            decimals=0,
        ),
        stat_panel(
            5,
            "On their way",
            "Probes without an end yet. More than an interval's worth means that reports do not arrive, or are not "
            "acknowledged as promised.",
            f"sum({in_flight})",
            (0, BLUE),
            (50, YELLOW),
            (400, RED),
            decimals=0,
        ),
    ]


def _heatmap() -> Panel:
    arrived = increase("stage_latency_seconds_bucket", 'stage="arrived"')
    return heat(
        6,
        "Time to arrival, every probe",
        "How long reports took to the monitored queue. A second band above the first is a second path (greylisting, a "
        "retry, a scanner); a band that climbs is a queue that fills. Grafana's heatmap cannot draw a line: the "
        "deadline is drawn on the panel beside this one.",
        f"sum by (le) ({arrived})",
        interval="2h",
    )


def _latency() -> Panel:
    arrived = increase("stage_latency_seconds_bucket", 'stage="arrived"', over="1d")
    by_le = f"sum by (le) ({arrived})"
    return series(
        7,
        "Time to arrival against the deadline",
        "Median and 95th percentile over a day, and the deadline (red). The dots are single probes: `cpr-canary "
        "probes show` tells all of a dot's probe id. When p95 nears the line, find the slow hop in a probe's Received "
        "headers.",
        Query(f"histogram_quantile(0.95, {by_le})", "p95", exemplar=True),
        Query(f"histogram_quantile(0.5, {by_le})", "median"),
        Query(f"min({_DEADLINE})", "deadline"),
        unit="s",
        log=True,
        colours={"deadline": RED, "p95": ORANGE, "median": BLUE},
        interval="30m",
    )


def _deadlines() -> Panel:
    return bars(
        8,
        "What the deadline found",
        "Decided once a probe, at its deadline. The blue line is what the channel *accepted* (SMTP 250, thank-you "
        "page): where it stands above the green, reports were taken and lost. Where both fall, they were refused or "
        "not sent.",
        Query(f"sum by (result) ({increase('deadline_results_total')})", "{{result}}"),
        Query(f"sum({increase('probes_submitted_total')})", "accepted"),
        interval="6h",
        colours=RESULTS | {"accepted": BLUE},
        lines=["accepted"],
    )


def _outcomes() -> Panel:
    return bars(
        9,
        "Where probes ended, by day",
        "Counted when a probe is given up, up to a day after it was sent. Junked: a filter. Wrong queue: a routing "
        "rule. Rejected, bounced: a refusal; its words are in the evidence. Missing: accepted, and seen nowhere.",
        Query(f"sum by (outcome) ({increase('probes_finished_total')}) > 0.5", "{{outcome}}"),
        interval="1d",
        colours=OUTCOMES,
    )


def _silence() -> Panel:
    return series(
        10,
        "Silence, and when it is noticed",
        "Time since the last arrival, and the limit at which somebody is paged: how long a dead channel goes "
        "unnoticed. To notice sooner, shorten the channel's interval.",
        Query(f"max by (channel) ({AGE})", "{{channel}}"),
        Query(f"min(max by (channel) ({LIMIT}))", "pages"),
        unit="s",
        colours={"pages": RED},
        interval="15m",
    )


def _people() -> Panel:
    answered = f"max by (channel) ({quantile('answer_received', '0.95')})"
    picked_up = f"max by (channel) ({quantile('picked_up', '0.95')})"
    acknowledged = f"max by (channel) ({quantile('acknowledged', '0.95')})"
    return series(
        15,
        "Time to an answer",
        "95th percentile over a day, until a machine acknowledged it, a human picked it up, and a human's answer "
        "reached the reporter. The dashed line is the 24 h of BR 4.9.5. A machine's thanks proves nothing of people.",
        Query(answered, "{{channel}} answered"),
        Query(picked_up, "{{channel}} picked up"),
        Query(acknowledged, "{{channel}} acknowledged"),
        unit="s",
        log=True,
        steps=((0, "transparent"), (_DAY, RED)),
        interval="30m",
    )


def _filter(by: str, number: int) -> Panel:
    newest = f"cpr_canary_channel_{by}_last_missed_timestamp_seconds{{{ANY_OF_CHANNEL}}}"
    what = {"variant": "kind of report", "sender": "sender"}[by]
    return table(
        number,
        f"Which filter hit: by {what}",
        f"When each {what} last missed on this channel (within 7 days), and the share of its probes that missed on all "
        "channels of its kind. One row at 100 % among zeros names the filter's reason. Repeat it with "
        f"`cpr-canary probe --{by}`.",
        Column(f"{by}={what.capitalize()}"),
        Column("Last missed", f"max by ({by}) ({newest}) * 1000", "dateTimeFromNow"),
        Column(
            "Missed",
            f"max by ({by}) ({missed_share(by)} and on (kind) {STATE})",
            "percentunit",
            ((0, GREEN), (0.0001, YELLOW), (0.05, ORANGE), (0.5, RED)),
            1,
        ),
        sort="Missed",
        descending=True,
    )


def _forged() -> Panel:
    forged = increase("forged_arrivals_total")
    return bars(
        13,
        "Forged, replayed, duplicate",
        "Messages that look like ours and are not, and further copies of ours. Any forgery pages: somebody may want to "
        "hide a broken channel; what came after it was given up (expired) does not. Duplicates hint at a loop or at a "
        "rule that copies.",
        Query(f"sum by (reason) ({forged}) > 0", "{{reason}}"),
        Query(f"sum({increase('duplicate_arrivals_total')}) > 0", "duplicate"),
        interval="1h",
        colours={"duplicate": BLUE, "bad_mac": RED, "unknown_id": "dark-red", "replayed": ORANGE, "expired": YELLOW},
    )


def _members() -> Panel:
    roster = f"sum by (source) (cpr_canary_alias_roster_members{{{ANY_OF_CHANNEL}}})"
    return series(
        14,
        "People behind it",
        "Members of an alias, expected and actually reached, and contacts available. When the lines part, somebody "
        "left, is on leave, or lost an inbox rule: repair the alias or name cover. Other channels have nothing to "
        "show here.",
        Query(roster, "members {{source}}"),
        Query(f"sum(cpr_canary_contacts_available{{{ANY_OF_CHANNEL}}})", "contacts available"),
        Query(f"sum(cpr_canary_contacts_on_leave{{{ANY_OF_CHANNEL}}})", "contacts on leave"),
        unit="none",
        colours={"members expected": GREEN, "members actual": BLUE, "contacts on leave": ORANGE},
        interval="15m",
    )
