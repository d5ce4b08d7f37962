"""Prober health: can the canary itself be believed at the moment?"""

from __future__ import annotations

from dashboards.board import ANY_OF_JOB, Row, board
from dashboards.limits import UNREADABLE
from dashboards.panels import BLUE, GREEN, ORANGE, RED, YELLOW, Panel, Query, bars, series, stat_panel, timeline
from dashboards.vocabulary import PARTS, TICK, increase

_READ = f"cpr_canary_queue_last_read_timestamp_seconds{{{ANY_OF_JOB}}}"


def build() -> str:
    """The dashboard's JSON."""
    return board(
        "cpr-canary-prober",
        "Prober health",
        "What is wrong with the canary itself. While something is, channels are unknown: never counted against the CA.",
        "now-6h",
        [
            Row(9, [_parts()]),
            Row(4, _stats()),
            Row(8, [_errors(), _indeterminate()]),
            Row(8, [_read_age(), _depth()]),
            Row(8, [_tick(), _clock()]),
            Row(7, [_cpu(), _memory(), _files(), _scrape()]),
        ],
    )


def _parts() -> Panel:
    stopped = f"1 - max(cpr_canary_stopped{{{ANY_OF_JOB}}})"
    return timeline(
        1,
        "Parts of the canary",
        "Red: scraped = Prometheus cannot reach it; ticking = the main loop stands still; sending = the kill switch is "
        "thrown; configuration = the last reload was refused and the old one goes on; a queue = not read for 15 "
        "minutes.",
        Query(f"max(up{{{ANY_OF_JOB}}})", "scraped"),
        Query(f"(time() - max({TICK})) < bool 300", "ticking"),
        Query(stopped, "sending"),
        Query(f"min(cpr_canary_config_last_reload_successful{{{ANY_OF_JOB}}})", "configuration"),
        Query(f"(time() - max by (queue) ({_READ})) < bool 900", "queue {{queue}}"),
        names={"1": ("well", GREEN), "0": ("not well", RED)},
        interval="1m",
    )


def _stats() -> list[Panel]:
    version = f"max by (version) (cpr_canary_build_info{{{ANY_OF_JOB}}})"
    accepted = f"time() - max(cpr_canary_config_last_reload_success_timestamp_seconds{{{ANY_OF_JOB}}})"
    return [
        stat_panel(
            2,
            "Version",
            "What runs. Two names: two versions are scraped under one job.",
            version,
            (0, BLUE),
            legend="{{version}}",
        ),
        stat_panel(
            3,
            "Last tick",
            "Time since the main loop went round. Five minutes: it stands still, restart it; nothing is lost by that.",
            f"time() - max({TICK})",
            (0, GREEN),
            (60, YELLOW),
            (300, RED),
            unit="s",
            decimals=0,
        ),
        stat_panel(
            4,
            "Configuration accepted",
            "How long ago a configuration was last accepted. Newer than your last change? Then that change is in "
            "force.",
            accepted,
            (0, BLUE),
            unit="s",
            decimals=0,
        ),
        stat_panel(
            5,
            "Own faults",
            "Faults of our own in the range chosen. See below which part; until it is repaired, channels are unknown.",
            f"round(sum(increase(cpr_canary_errors_total{{{ANY_OF_JOB}}}[$__range])))",
            (0, GREEN),
            (1, YELLOW),
            (10, RED),
            decimals=0,
            empty="none",
        ),
    ]


def _errors() -> Panel:
    errors = f"increase(cpr_canary_errors_total{{{ANY_OF_JOB}}}[$__rate_interval])"
    return bars(
        6,
        "Own faults, by part and reason",
        f"Which part of the canary failed, and why. {'; '.join(f'{part}: {what}' for part, what in PARTS.items())}. "
        "`cpr-canary check` tells more.",
        Query(f"sum by (component, reason) ({errors}) > 0", "{{component}} {{reason}}"),
        interval="10m",
    )


def _indeterminate() -> Panel:
    unknown = increase("deadline_results_total", 'result="indeterminate"')
    return bars(
        7,
        "Probes that could not be judged",
        "Lost to our own faults, by channel: neither for nor against the CA. Three in two hours open a ticket "
        "(CPRCanaryProberErrors), since they are time in which nobody tests the channel.",
        Query(f"sum by (channel) ({unknown}) > 0", "{{channel}}"),
        interval="10m",
    )


def _read_age() -> Panel:
    return series(
        8,
        "Time since a queue was read",
        f"A queue that is not read says nothing: from {UNREADABLE // 60} minutes on (dashed) CPRCanaryQueueUnreadable "
        "pages. Look for expired passwords, moved folders, a full connection limit.",
        Query(f"time() - max by (queue) ({_READ})", "{{queue}}"),
        unit="s",
        steps=((0, "transparent"), (UNREADABLE, RED)),
        interval="1m",
    )


def _depth() -> Panel:
    unread = f'cpr_canary_queue_items{{{ANY_OF_JOB},state="unread"}}'
    return series(
        9,
        "Unread messages",
        "By queue, strangers' included. A number that only climbs: nobody works on the queue. One that falls to zero "
        "at once: somebody emptied or renamed the folder.",
        Query(f"max by (queue) ({unread})", "{{queue}}"),
        unit="short",
        interval="1m",
    )


def _tick() -> Panel:
    return series(
        10,
        "Main loop",
        "Time since the last tick, how late the last probe started, and how long the loop stood still at a stretch. "
        "All should be seconds. If they climb, the machine is too small or the disk too slow.",
        Query(f"time() - max({TICK})", "since the last tick"),
        Query(f"max(cpr_canary_scheduler_lag_seconds{{{ANY_OF_JOB}}})", "late start"),
        Query(f"max(cpr_canary_loop_longest_stall_seconds{{{ANY_OF_JOB}}})", "longest stall"),
        unit="s",
        colours={"late start": BLUE, "longest stall": YELLOW, "since the last tick": GREEN},
        interval="1m",
    )


def _clock() -> Panel:
    return series(
        11,
        "Clock of each mail server against ours",
        "How far a mail server's clock seems off. Beyond a minute either way, latencies are bounded by what we saw "
        "ourselves; ask its operators for NTP, and check our own.",
        Query(f"max by (queue) (cpr_canary_clock_offset_seconds{{{ANY_OF_JOB}}})", "{{queue}}"),
        unit="s",
        least=None,
        interval="1m",
    )


def _cpu() -> Panel:
    return series(
        12,
        "CPU",
        "Share of one core. Forms need a browser, which is not counted here. Steady at 100 %: too many channels for "
        "one core.",
        Query(f"sum(rate(process_cpu_seconds_total{{{ANY_OF_JOB}}}[$__rate_interval]))", "cores"),
        unit="percentunit",
    )


def _memory() -> Panel:
    return series(
        13,
        "Memory",
        "Resident memory. It follows the open probes; a climb without end is a fault worth reporting.",
        Query(f"max(process_resident_memory_bytes{{{ANY_OF_JOB}}})", "resident"),
        unit="bytes",
    )


def _files() -> Panel:
    return series(
        14,
        "Open files",
        "Connections and files held, and the limit. Near the limit nothing can be sent or read: raise LimitNOFILE.",
        Query(f"max(process_open_fds{{{ANY_OF_JOB}}})", "open"),
        Query(f"min(process_max_fds{{{ANY_OF_JOB}}})", "limit"),
        unit="short",
        log=True,
        colours={"limit": RED, "open": BLUE},
    )


def _scrape() -> Panel:
    return series(
        15,
        "Scrape",
        "How long Prometheus waits for /metrics. Above a few seconds: set `web.histograms: per_kind`.",
        Query(f"max(scrape_duration_seconds{{{ANY_OF_JOB}}})", "duration"),
        unit="s",
        colours={"duration": ORANGE},
    )
