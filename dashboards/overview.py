"""Overview: are we all right, and if not, what is broken? One look for whoever is on call."""

from __future__ import annotations

from dashboards.board import ANY_OF_CHANNEL, ANY_OF_JOB, FIRING, Row, board
from dashboards.limits import ALLOWED, OBJECTIVE, UNREAD
from dashboards.panels import (
    GREEN,
    ORANGE,
    RED,
    YELLOW,
    Column,
    Panel,
    Query,
    gauge_bars,
    series,
    stat_panel,
    table_panel,
    timeline,
)
from dashboards.vocabulary import (
    AGE,
    AVAILABILITY_STEPS,
    BUDGET_STEPS,
    CHANNEL_COLUMN,
    LIMIT,
    SILENCE_STEPS,
    STATE,
    STATES,
    TICK,
    availability,
    missed_more,
    missed_ratio,
    quantile,
    recorded,
)

_OLDEST_UNREAD = f"cpr_canary_queue_oldest_unread_timestamp_seconds{{{ANY_OF_JOB}}}"
_MORE = ((0.0, YELLOW), (0.1, ORANGE), (0.4, RED))
_LOST = 'outcome!~"arrived|indeterminate"'


def build() -> str:
    """The dashboard's JSON."""
    return board(
        "cpr-canary-overview",
        "Overview",
        "Do Certificate Problem Reports reach the people who work on them? Every disclosed channel at a glance.",
        "now-24h",
        [
            Row(8, [_channels()]),
            Row(4, _stats()),
            Row(8, [_table()]),
            Row(8, [_burn(), _alerts()]),
            Row(8, [_lost(), _variants(), _senders()]),
        ],
    )


def _channels() -> Panel:
    return timeline(
        1,
        "Channels",
        "Red: the newest probe did not reach its queue. Open the channel (table below) to see where reports go "
        "instead. Orange: our own fault, so nothing is known; look at Prober health. Grey: paused on purpose.",
        Query(f"max by (channel) ({STATE})", "{{channel}}"),
        names=STATES,
        interval="1m",
    )


def _stats() -> list[Panel]:
    worst = f"max(max by (channel) ({AGE}) / max by (channel) ({LIMIT}))"
    return [
        stat_panel(
            2,
            "Failing",
            "Channels whose newest probe failed. One failure proves little (a confirmation is on its way); "
            "a channel that stays here is paged by CPRCanaryChannelDown.",
            f"count(max by (channel) ({STATE}) == 0) or vector(0)",
            (0, GREEN),
            (1, RED),
        ),
        stat_panel(
            3,
            "Not judged",
            "Channels unknown (our own fault) or paused: nobody is testing them now. If not on purpose, see Prober "
            "health.",
            f"count(max by (channel) ({STATE}) >= 2) or vector(0)",
            (0, GREEN),
            (1, ORANGE),
        ),
        stat_panel(
            4,
            "Silence",
            "The longest time without an arrival, as a share of the limit at which that channel is paged "
            "(deadline, two intervals, and slack). Above 100 % somebody has been paged.",
            worst,
            *SILENCE_STEPS,
            unit="percentunit",
            decimals=0,
        ),
        stat_panel(
            5,
            "Met, 28 days",
            f"Share of probes in their queue by the deadline, over 28 days; wanted {OBJECTIVE:.0%}. Our own faults do "
            "not count. If low, the table shows which channel.",
            availability(),
            *AVAILABILITY_STEPS,
            unit="percentunit",
            decimals=2,
        ),
        stat_panel(
            6,
            "Budget left",
            f"Error budget left of the worst channel: of the {ALLOWED:.0%} of probes that may miss in 28 days. At 0 %, "
            "stop changing mail and form systems and find the cause first.",
            f"clamp_min(1 - max({missed_ratio('28d')}) / {ALLOWED}, 0)",
            *BUDGET_STEPS,
            unit="percentunit",
            decimals=0,
        ),
        stat_panel(
            7,
            "Oldest unread",
            "Age of the oldest unread message in any monitored queue, the canary's own left out. A report must be "
            "answered within 24 h (BR 4.9.5): from 8 h on, see that somebody works on the queue; "
            f"at {UNREAD // 3600} h it pages.",
            f"max(time() - {_OLDEST_UNREAD})",
            (0, GREEN),
            (8 * 3600, YELLOW),
            (UNREAD, RED),
            unit="s",
            empty="none",
        ),
        stat_panel(
            8,
            "Heartbeat",
            "Time since the prober's main loop last went round. Minutes mean that everything else here is stale: "
            "see Prober health.",
            f"time() - max({TICK})",
            (0, GREEN),
            (120, YELLOW),
            (300, RED),
            unit="s",
            decimals=0,
        ),
        stat_panel(
            9,
            "Signed log",
            "Whether the evidence log verified itself when last checked. If it fails, follow "
            "CPRCanaryEvidenceVerifyFailed in the runbook before anything else is written.",
            f"min(cpr_canary_evidence_last_verify_success{{{ANY_OF_JOB}}})",
            (0, RED),
            (1, GREEN),
            names={"0": ("fails", RED), "1": ("verifies", GREEN)},
        ),
    ]


def _table() -> Panel:
    drift = f"sum by (channel) (cpr_canary_alias_roster_drift_members{{{ANY_OF_CHANNEL}}})"
    leave = f"sum by (channel) (cpr_canary_contacts_on_leave{{{ANY_OF_CHANNEL}}})"
    return table_panel(
        10,
        "Every channel",
        "Start with a red state. Silence is the time since the last arrival, and a dead channel pages after the time "
        "beside it. A missing member of an alias, or a contact on leave, means that a report reaches fewer people. "
        "The channel's name leads to its own dashboard.",
        CHANNEL_COLUMN,
        Column("State", f"max by (channel) ({STATE})", names=STATES),
        Column("Silence", f"max by (channel) ({AGE})", "s", decimals=0),
        Column("Pages after", f"max by (channel) ({LIMIT})", "s", decimals=0),
        Column("Arrival p95, 1 d", f"max by (channel) ({quantile('arrived', '0.95')})", "s", decimals=0),
        Column(
            "Met, 28 d",
            f"1 - max by (channel) ({missed_ratio('28d')})",
            "percentunit",
            AVAILABILITY_STEPS,
            2,
        ),
        Column(
            "Missed, 1 d", f"round(sum by (channel) ({recorded('missed', '1d')}))", "none", steps=((0, GREEN), (1, RED))
        ),
        Column("Members missing", drift, "none", steps=((0, GREEN), (1, RED))),
        Column("On leave", leave, "none", steps=((0, GREEN), (1, YELLOW))),
        sort="State",
    )


def _burn() -> Panel:
    return series(
        11,
        "Error budget burn, 1 day",
        "How many times faster than allowed a channel misses its deadlines. Above 1 the 28-day budget will not last; "
        "above 3 CPRCanaryErrorBudgetBurn opens a ticket. The lowest line stands for 0.1 or less. Find the first red "
        "cell of that channel above.",
        Query(f"clamp_min(max by (channel) ({missed_ratio('1d')}) / {ALLOWED}, 0.1)", "{{channel}}"),
        unit="none",
        log=True,
        steps=((0, "transparent"), (1, YELLOW), (3, RED)),
        interval="4m",
    )


def _alerts() -> Panel:
    alerts = f"ALERTS{{{ANY_OF_JOB},{FIRING}}}"
    return table_panel(
        12,
        "Firing alerts",
        "What Prometheus says now, with or without a working Alertmanager. Each alert has a heading in the runbook "
        "(link at the top): do what it says there.",
        Column("alertname=Alert"),
        Column("severity=Severity"),
        Column("channel=Channel"),
        Column("queue=Queue"),
        Column("Firing", f"max by (alertname, severity, channel, queue) ({alerts})", names={"1": ("now", RED)}),
        sort="Severity",
        empty="No alert is firing",
    )


def _lost() -> Panel:
    lost = f"increase(cpr_canary_probes_finished_total{{{ANY_OF_CHANNEL},{_LOST}}}[$__range])"
    return table_panel(
        13,
        "Where reports went instead",
        "Probes that ended anywhere but in the right queue, in the range chosen. Counted when a probe is given up "
        "(a day, by default), since a late one may still come. Our own faults are left out.",
        CHANNEL_COLUMN,
        Column("outcome=Outcome"),
        Column("Probes", f"round(sum by (channel, outcome) ({lost})) > 0", "none", decimals=0),
        sort="Probes",
        descending=True,
        empty="Every report arrived",
    )


def _variants() -> Panel:
    return gauge_bars(
        14,
        "Missed more than others: kind of report",
        "By how many points a kind of report (`cpr-canary variants` explains the codes) is missed more often than all "
        "that go through such channels. A dead channel misses all that it is sent and does not show here; a long bar "
        "is a filter that objects to that content or attachment (or a kind that hardly any other channel is sent).",
        Query(f"topk(12, {missed_more('variant')} > 0.03)", "{{kind}} {{variant}}"),
        unit="percentunit",
        steps=_MORE,
        most=1,
        empty="No kind of report stands out",
    )


def _senders() -> Panel:
    return gauge_bars(
        15,
        "Missed more than others: sender",
        "By how many points one sender's reports are missed more often than all that go through such channels. A "
        "long bar is a filter that objects to that sender's domain or provider, as it would to every other stranger "
        "there.",
        Query(f"topk(12, {missed_more('sender')} > 0.03)", "{{kind}} {{sender}}"),
        unit="percentunit",
        steps=_MORE,
        most=1,
        empty="No sender stands out",
    )
