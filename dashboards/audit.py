"""Audit evidence: what an auditor asks for, over months, with the way to the signed log that proves it."""

from __future__ import annotations

from dashboards.board import ANY_OF_CHANNEL, ANY_OF_JOB, Row, board
from dashboards.limits import OBJECTIVE
from dashboards.panels import (
    GREEN,
    ORANGE,
    RED,
    YELLOW,
    Column,
    Panel,
    Query,
    bars,
    series,
    stat_panel,
    table_panel,
    timeline,
    words,
)
from dashboards.vocabulary import (
    AGE,
    AVAILABILITY_STEPS,
    CHANNEL_COLUMN,
    STATE,
    increase,
    missed_ratio,
    quantile,
    recorded,
)

_HOUR, _DAY = 3600, 86400

_STATEMENT = """\
**The signed log is the evidence. These charts are not.** They are drawn from Prometheus, which samples, extrapolates,
forgets after its retention time, and is signed by nobody. Use them to find *what to ask for*; prove it from the log:

* `cpr-canary audit report` writes the period's report from the ledger, exceptions and blackouts included;
* `cpr-canary audit bundle` packs probes with their Merkle proofs, checkpoints and RFC 3161 time-stamps;
* `cpr-canary audit verify` checks a bundle on any machine, without trust in this one.
  The newest signed checkpoint: [${canary}/evidence/checkpoint](${canary}/evidence/checkpoint)
"""


def build() -> str:
    """The dashboard's JSON."""
    return board(
        "cpr-canary-audit",
        "Audit evidence",
        "Months at a glance, for auditors and for printing. The signed log is the evidence, the chart is not.",
        "now-28d",
        [
            Row(5, [_statement()]),
            Row(8, [_days()]),
            Row(4, _log()),
            Row(8, [_table()]),
            Row(8, [_availability(), _results()]),
            Row(8, [_answers(), _entries()]),
            Row(8, [_tested()]),
        ],
        refresh="15m",
    )


def _statement() -> Panel:
    return words(1, "What this page is", "Read this first: how to prove what the charts below only show.", _STATEMENT)


def _days() -> Panel:
    judged, missed = (f"sum by (channel) ({recorded(what, '1d')} offset -1d)" for what in ("results", "missed"))
    return timeline(
        2,
        "Days on which reports arrived",
        "One cell a whole day (UTC), today left out. Red: probes were judged and not one arrived by its deadline. A "
        "gap: nothing was judged, since the channel was paused or the canary was not running. Each needs an "
        "explanation in the audit report.",
        Query(f"({judged} - {missed}) > bool 0.5", "{{channel}}"),
        names={"1": ("arrived", GREEN), "0": ("none arrived", RED)},
        interval="1d",
    )


def _log() -> list[Panel]:
    def newest(what: str) -> str:
        return f"time() - max(cpr_canary_evidence_last_{what}_timestamp_seconds{{{ANY_OF_JOB}}})"

    return [
        stat_panel(
            3,
            "Log verifies",
            "The log's own check of every proof. If it fails, stop and follow CPRCanaryEvidenceVerifyFailed: the log "
            "may have been changed.",
            f"min(cpr_canary_evidence_last_verify_success{{{ANY_OF_JOB}}})",
            (0, RED),
            (1, GREEN),
            names={"0": ("no", RED), "1": ("yes", GREEN)},
        ),
        stat_panel(
            4,
            "Last verified",
            "Time since the log was last verified. Much more than a day: the self-check does not run. Three days "
            "open a ticket.",
            newest("verify"),
            (0, GREEN),
            (_DAY + 2 * _HOUR, YELLOW),
            (3 * _DAY, RED),
            unit="s",
        ),
        stat_panel(
            5,
            "Last checkpoint",
            "Time since a tree head was last signed. Over two hours: see CPRCanaryEvidenceCheckpointStale.",
            newest("checkpoint"),
            (0, GREEN),
            (_HOUR, YELLOW),
            (2 * _HOUR, RED),
            unit="s",
        ),
        stat_panel(
            6,
            "Last time-stamp",
            "Time since an RFC 3161 authority last stamped a checkpoint. Two days or more: the authority cannot be "
            "reached, and what is logged since is vouched for by us alone.",
            newest("timestamp"),
            (0, GREEN),
            (_DAY + _HOUR, YELLOW),
            (2 * _DAY, RED),
            unit="s",
        ),
        stat_panel(
            7,
            "Time-stamps owed",
            "Checkpoints that wait for a time-stamp. They are asked for again by themselves; a number that grows means "
            "that no authority answers.",
            f"max(cpr_canary_evidence_pending_timestamps{{{ANY_OF_JOB}}})",
            (0, GREEN),
            (1, YELLOW),
            (5, RED),
        ),
        stat_panel(
            8,
            "Size of the evidence",
            "What is kept on disk: back it up whole, and see that retention is what your policy says.",
            f"max(cpr_canary_evidence_size_bytes{{{ANY_OF_JOB}}})",
            unit="bytes",
        ),
    ]


def _table() -> Panel:
    def over_range(what: str) -> str:
        return f"sum by (channel) (sum_over_time({recorded(what, '1d')}[$__range:1d]))"

    unjudged = increase("deadline_results_total", 'result="indeterminate"', over="$__range")
    paused = f"avg by (channel) (avg_over_time((({STATE}) == bool 3)[$__range:15m]))"
    return table_panel(
        9,
        "Each channel over the range",
        "Probes and misses of the range chosen, and the share that met the deadline. Longest gap: the longest time "
        "without an arrival; beyond 24 h a report could not have been answered in time (BR 4.9.5). Not judged: our own "
        "faults. Paused: share of the time in which it was not tested on purpose. Unexplained: probes that "
        "were due and not sent, while nothing tells why; each is a hole in the evidence.",
        CHANNEL_COLUMN,
        Column("Probes", f"round({over_range('results')})", "none", decimals=0),
        Column("Missed", f"round({over_range('missed')})", "none", steps=((0, GREEN), (1, ORANGE)), decimals=0),
        Column(
            "Met",
            f"1 - {over_range('missed')} / {over_range('results')}",
            "percentunit",
            AVAILABILITY_STEPS,
            2,
        ),
        Column(
            "Longest gap",
            f"max by (channel) (max_over_time({AGE}[$__range]))",
            "s",
            ((0, GREEN), (4 * _HOUR, YELLOW), (_DAY, RED)),
        ),
        Column(
            "Not judged", f"round(sum by (channel) ({unjudged}))", "none", steps=((0, GREEN), (1, ORANGE)), decimals=0
        ),
        Column(
            "Unexplained",
            f"round(sum by (channel) ({increase('probes_unaccounted_total', over='$__range')}))",
            "none",
            steps=((0, GREEN), (1, RED)),
            decimals=0,
        ),
        Column("Paused", paused, "percentunit", ((0, GREEN), (0.0001, YELLOW)), 1),
        sort="Met",
    )


def _availability() -> Panel:
    return series(
        10,
        "Met, over the 28 days before",
        f"Rolling share of probes that met their deadline; the dashed line is the objective, {OBJECTIVE:.0%}. A step "
        "down "
        "is an incident: its exceptions, with causes and remedies, are in the audit report.",
        Query(f"1 - max by (channel) ({missed_ratio('28d')})", "{{channel}}"),
        unit="percentunit",
        least=None,
        most=1,
        steps=((0, "transparent"), (OBJECTIVE, RED)),
        interval="4h",
    )


def _results() -> Panel:
    missed, results = f"sum({recorded('missed', '1d')})", f"sum({recorded('results', '1d')})"
    return bars(
        11,
        "Probes by day",
        "How many reports were judged each day, and how many missed. A missing bar is a day without proof: find out "
        "why.",
        Query(f"{results} - {missed}", "met"),
        Query(missed, "missed"),
        interval="1d",
        colours={"met": GREEN, "missed": RED},
    )


def _answers() -> Panel:
    return series(
        12,
        "Time until a human's answer came back",
        "95th percentile over a day of the answers by people that reached the reporter. The dashed line is the 24 h of "
        "BR 4.9.5; only answers count, not automatic thanks. Drills, nights and weekends are where it climbs.",
        Query(f"max by (channel) ({quantile('answer_received', '0.95')})", "{{channel}}"),
        unit="s",
        log=True,
        steps=((0, "transparent"), (_DAY, RED)),
        interval="2h",
    )


def _entries() -> Panel:
    return bars(
        13,
        "Log entries by day",
        "Events appended to the ledger. The number follows the probing; a day without any is a day the canary was "
        "down.",
        Query(f"sum(increase(cpr_canary_evidence_entries_total{{{ANY_OF_JOB}}}[$__rate_interval]))", "entries"),
        interval="1d",
    )


def _tested() -> Panel:
    listed = f"max by (channel, kind, queue, disclosed_in) (cpr_canary_channel_info{{{ANY_OF_CHANNEL}}})"
    since = f"cpr_canary_channel_enabled_timestamp_seconds{{{ANY_OF_CHANNEL}}}"
    return table_panel(
        14,
        "What is tested, and where it is disclosed",
        "Compare with CCADB, the CPS (section 1.5.2) and the web site: a channel that is disclosed there and is not "
        "here is not tested. Probed since: the first probe, or the end of the last pause, blackout or stop.",
        CHANNEL_COLUMN,
        Column("kind=Kind"),
        Column("queue=Queue"),
        Column("disclosed_in=Disclosed in"),
        Column("Listed", listed, hidden=True),
        Column("Probed since", f"max by (channel, kind, queue) ({since}) * 1000", "dateTimeAsIso"),
        sort="Channel",
    )
