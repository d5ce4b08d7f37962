"""What is allowed in a configuration and yet not as good as it could be: reported, never refused."""

from __future__ import annotations

from collections.abc import Iterator

from canary.channels import kinds as channel_kinds
from canary.config.whole import Config
from canary.ledger import SHOWN
from canary.model import Stage
from canary.queues import kinds as queue_kinds
from canary.settings import format_duration, is_loopback

_LEAST_KEPT = {"events": 730, "messages": 90, "traces": 90}
"""Days for which the verifier wants each kept (TLS BR 5.4.3 for events)."""

Advice = tuple[str, str]
"""Where, as a path of keys, and what, in a sentence."""


def advice(config: Config) -> Iterator[Advice]:
    """Every piece of advice about a configuration that was accepted."""
    if not is_loopback(config.web.host) and config.web.token is None:
        yield (
            "web.listen",
            f"got {config.web.listen}, where others than this machine can ask, so anybody there can have the "
            "configuration read again; web.token lets only those who have it",
        )
    for kinds in (channel_kinds(), queue_kinds()):
        for name, why in kinds.refused.items():
            yield "plug-ins", f'kind "{name}": {why}; no channel and no watch can be of it'
    for name, least in _LEAST_KEPT.items():
        kept = getattr(config.retention, name)
        if kept < least * 86_400:
            yield (
                f"retention.{name}",
                f"got {format_duration(kept)}, and an audit bundle is refused for what was deleted before "
                f"{least}d; want that at least",
            )
    bounds = SHOWN[Stage.ARRIVED]
    for slug, channel in config.channels.items():
        if channel.deadline not in bounds:
            nearest = ", ".join(format_duration(bound) for bound in bounds if bound >= 60)
            yield (
                f"channels.{slug}.deadline",
                f"got {format_duration(channel.deadline)}, which is no boundary of the latency histogram: how many "
                f"reports arrive within it can only be estimated there (the counts of met and missed are exact); "
                f"one of {nearest} would show it",
            )
