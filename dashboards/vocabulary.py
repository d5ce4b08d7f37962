"""What several dashboards say in the same words."""

from __future__ import annotations

from dashboards.board import ANY_OF_CHANNEL, ANY_OF_JOB
from dashboards.limits import OBJECTIVE
from dashboards.panels import GREEN, GREY, ORANGE, RED, YELLOW, Column, Step

STATES = {
    "1": ("ok", GREEN),
    "0": ("failing", RED),
    "2": ("unknown", ORANGE),
    "3": ("paused", GREY),
}
"""Of ``channel_state``."""

RESULTS = {"met": GREEN, "missed": RED, "indeterminate": ORANGE}

OUTCOMES = {
    "arrived": GREEN,
    "late": YELLOW,
    "wrong_queue": "purple",
    "junked": RED,
    "quarantined": "dark-red",
    "bounced": "dark-orange",
    "rejected": "super-light-red",
    "form_error": "dark-purple",
    "altered": "light-blue",
    "missing": "dark-blue",
    "indeterminate": GREY,
}

PARTS = {
    "smtp": "a sender's submission server",
    "imap": "a mailbox",
    "http": "our way to a form, or to an authority or a witness",
    "tickets": "a ticket system",
    "platform": "a mail platform, asked what became of a report",
    "browser": "what fills in forms",
    "dns": "a name that we could not look up",
    "store": "disk or database",
    "clock": "our own clock",
    "config": "a secret or a file that the configuration names",
}
"""Of ``errors_total``: the parts of the canary, and what is meant."""

SILENCE_STEPS: tuple[Step, ...] = ((0, GREEN), (0.7, YELLOW), (1, RED))
AVAILABILITY_STEPS: tuple[Step, ...] = ((0, RED), (OBJECTIVE, YELLOW), (0.995, GREEN))
BUDGET_STEPS: tuple[Step, ...] = ((0, RED), (0.0001, YELLOW), (0.25, GREEN))

AGE = f"channel:cpr_canary_last_success:age_seconds{{{ANY_OF_CHANNEL}}}"
LIMIT = f"channel:cpr_canary_last_success:limit_seconds{{{ANY_OF_CHANNEL}}}"
STATE = f"cpr_canary_channel_state{{{ANY_OF_CHANNEL}}}"
TICK = f"cpr_canary_scheduler_last_tick_timestamp_seconds{{{ANY_OF_JOB}}}"


def recorded(what: str, window: str) -> str:
    """A series of the recording rules: ``what`` is ``results`` or ``missed``."""
    return f"channel:cpr_canary_deadline_{what}:increase{window}{{{ANY_OF_CHANNEL}}}"


def missed_ratio(window: str) -> str:
    """The recorded share of probes that missed their deadline, a channel."""
    return f"channel:cpr_canary_deadline_missed_per_results:ratio_increase{window}{{{ANY_OF_CHANNEL}}}"


def availability() -> str:
    """The share of probes of all channels chosen that met the deadline, over 28 days."""
    return f"1 - sum({recorded('missed', '28d')}) / sum({recorded('results', '28d')})"


def quantile(stage: str, q: str) -> str:
    """A recorded latency quantile over one day, for long ranges; in seconds."""
    name = "channel_stage:cpr_canary_stage_latency_seconds:histogram_quantile_increase1d"
    return f'{name}{{{ANY_OF_CHANNEL},stage="{stage}",quantile="{q}"}}'


def increase(metric: str, *matchers: str, over: str = "$__rate_interval") -> str:
    """How much a counter of channels grew.

    ``$__rate_interval`` is a scrape longer than ``$__interval``: what happens between the last scrape of one interval
    and the first of the next would be in neither, and here each single event matters.
    """
    return f"increase(cpr_canary_{metric}{{{','.join((ANY_OF_CHANNEL, *matchers))}}}[{over}])"


def missed_share(*by: str) -> str:
    """The share of probes that missed in the range, by kind (and variant, or sender).

    Kept by kind and not by channel, which keeps ``/metrics`` small.
    """
    metric = f"cpr_canary_{by[0] if by else 'sender'}_results_total"
    labels = ", ".join(("kind", *by))
    missed = f'sum by ({labels}) (increase({metric}{{{ANY_OF_JOB},result="missed"}}[$__range]))'
    every = f"sum by ({labels}) (increase({metric}{{{ANY_OF_JOB}}}[$__range]))"
    return f"{missed} / ({every} > 0)"


def missed_more(by: str) -> str:
    """By how much a variant or sender misses more than all of its kind: a dead channel misses all, a filter some."""
    return f"({missed_share(by)}) - on (kind) group_left () ({missed_share()})"


CHANNEL_LINK = (
    "/d/cpr-canary-channel?var-channel=${__value.raw}&${job:queryparam}&${datasource:queryparam}&${__url_time_range}"
)

CHANNEL_COLUMN = Column("channel=Channel", link=CHANNEL_LINK)
