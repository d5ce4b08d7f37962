"""What must fit between the sections of a configuration: names that are used exist, and no target is a stranger's.

A check says where and what, as a path of keys and a message. Sections in ``unsure`` had mistakes of their own, so names
that seem to be missing from them may only be misspelt there: nothing is said about those.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from canary.config.mistakes import suggest
from canary.config.versions import version_slug
from canary.config.whole import Config
from canary.config.yaml_lines import Path
from canary.model import Place, Role, Stage
from canary.reports import VARIANTS
from canary.settings import LONGEST_SLUG, WITHIN, ChannelSettings, format_duration

Findings = Iterator[tuple[Path, str]]

_SHOWN = 200
"""Characters of what a kind answered, or raised, that a message repeats."""

_FOUND_IN_REPLIES = {Stage.ACKNOWLEDGED: "an acknowledgement", Stage.ANSWER_RECEIVED: "an answer"}


def check(config: Config, unsure: Collection[str]) -> Findings:
    """Everything that does not fit."""
    if nonsense := [*_no_answers(config)]:
        yield from nonsense  # nothing that rests on what was asked there can be said
        return
    yield from _something(config, unsure)
    yield from _queues_once(config)
    yield from _addresses_once(config)
    for slug, channel in config.channels.items():
        where = ("channels", slug)
        if "operator" not in unsure:
            yield from _own_targets(config, channel, where)
        yield from _arrives(config, channel, where, "watch" in unsure)
        if "senders" not in unsure:
            yield from _unknown(channel.senders, config.senders, "sender", (*where, "senders"))
            yield from _replies_read(config, slug, where)
            yield from _letters_read(config, slug, where)
        if "watch" not in unsure:
            yield from _work_shown(config, channel, where)
        yield from _unknown(channel.variants, VARIANTS, "variant", (*where, "variants"))
        yield from _named_elsewhere(channel, where)
        yield from _versions_once(config, slug, where)
        yield from _rate(channel, where)
    if "channels" not in unsure:
        yield from _windows(config)
        yield from _kept_while_open(config)


def _no_answers(config: Config) -> Findings:
    """Where a kind does not say what its settings are asked for: somebody else's may raise, or answer nonsense."""
    for slug, channel in config.channels.items():
        for ask, wanted in ((channel.targets, "domains"), (channel.addresses, "addresses by key")):
            if why := _wrong_answer(ask, wanted):
                yield ("channels", slug), f'kind "{channel.kind}" does not say what it writes to: {why}'
    for slug, watch in config.watch.items():
        if why := _wrong_answer(watch.places, "places"):
            yield ("watch", slug), f'kind "{watch.kind}" does not say what it looks into: {why}'


def _wrong_answer(ask: Callable[[], object], wanted: str) -> str:
    """What is wrong with an answer; empty if it is what is ``wanted``."""
    try:
        answer = ask()
    except Exception as error:
        return repr(error)[:_SHOWN]
    match wanted:
        case "domains":
            good = isinstance(answer, tuple | list) and all(isinstance(item, str) for item in answer)
        case "places":
            good = isinstance(answer, tuple | list) and all(isinstance(item, Place) for item in answer)
        case _:
            items = [*answer.items()] if isinstance(answer, Mapping) else [(answer, answer)]
            good = all(isinstance(key, str) and isinstance(value, str) for key, value in items)
    return "" if good else f"got {answer!r:.{_SHOWN}}, want {wanted}"


def _something(config: Config, unsure: Collection[str]) -> Findings:
    for section in ("watch", "senders", "channels"):
        if section not in unsure and not getattr(config, section):
            yield (section,), "got none, want at least one"


def _queues_once(config: Config) -> Findings:
    first: dict[str, str] = {}
    for slug, watch in config.watch.items():
        for place in watch.places():
            if place.queue in first:
                other = first[place.queue]
                yield ("watch", slug), f'queue "{place.queue}" is in watch "{other}" already, want another name'
            first.setdefault(place.queue, slug)
    for slug in config.senders:
        replies = config.replies_of(slug)
        if replies is not None and (replies.queue in config.watch or replies.queue in first):
            yield (
                ("senders", slug, "replies"),
                f'"{replies.queue}" is taken by a watch or queue, want it left for these replies',
            )


def _addresses_once(config: Config) -> Findings:
    first: dict[str, str] = {}
    for slug, channel in config.channels.items():
        for key, address in channel.addresses().items():
            other = first.setdefault(address.lower(), slug)
            if other != slug:
                where = ("channels", slug, key)
                yield where, f'got {address} of channel "{other}" again, want one channel an address'


def _own_targets(config: Config, channel: ChannelSettings, where: Path) -> Findings:
    for target in channel.targets():
        if not config.operator.owns(target):
            domains = ", ".join(config.operator.domains)
            yield where, f"got the target {target}, want one at or under operator.domains: {domains}"


def _arrives(config: Config, channel: ChannelSettings, where: Path, watch_unsure: bool) -> Findings:
    queues = config.queues()
    monitored = [slug for slug, place in queues.items() if place.role is Role.MONITORED]
    for name in channel.arrives_in:
        if name not in queues:
            if not watch_unsure:
                yield (*where, "arrives_in"), f'unknown queue "{name}", {suggest(name, monitored)}'
        elif queues[name].role is not Role.MONITORED:
            found = f'queue "{name}" has the role {queues[name].role}'
            yield (*where, "arrives_in"), f"{found}, want a monitored one: {', '.join(monitored) or 'there is none'}"


def _unknown(names: Collection[str], known: Collection[str], what: str, where: Path) -> Findings:
    for name in names:
        if name not in known:
            yield where, f'unknown {what} "{name}", {suggest(name, known)}'


def _versions_once(config: Config, slug: str, where: Path) -> Findings:
    for language in filter(None, config.channels[slug].versions()):
        name = version_slug(slug, language)
        if name in config.channels:
            yield (*where, "languages", language), f'"{name}" is a channel already, want another name for it'
        elif len(name) > LONGEST_SLUG:
            yield (*where, "languages", language), f'"{name}" is too long, want a channel with a shorter name'


def _named_elsewhere(channel: ChannelSettings, where: Path) -> Findings:
    for name in channel.variants:
        if name in VARIANTS and (naming := VARIANTS[name].identifier):
            yield (*where, "variants"), f'got "{name}", want {naming} in identifiers, which sends it in turn'


def _replies_read(config: Config, slug: str, where: Path) -> Findings:
    for stage in config.channels[slug].owed():
        what = _FOUND_IN_REPLIES.get(stage)
        for name in config.senders_of(slug) if what else ():
            if name in config.senders and config.senders[name].replies is None:
                yield (
                    (*where, WITHIN[stage]),
                    f'sender "{name}" has no replies to find {what} in, want senders.{name}.replies',
                )


def _letters_read(config: Config, slug: str, where: Path) -> Findings:
    key = config.channels[slug].reads_replies()
    for name in config.senders_of(slug) if key else ():
        if name in config.senders and config.senders[name].replies is None:
            found = f'sender "{name}" has no replies to find the mail with the link in'
            yield (*where, key), f"{found}, want senders.{name}.replies"


def _work_shown(config: Config, channel: ChannelSettings, where: Path) -> Findings:
    queues = config.queues()
    places = [queues[name] for name in channel.arrives_in if name in queues]
    if not places or any(place.work for place in places):
        return
    names = " and ".join(f'"{place.queue}"' for place in places)
    for stage in channel.owed():
        if stage not in _FOUND_IN_REPLIES:
            yield (
                (*where, WITHIN[stage]),
                f"{names} cannot show who works a report, want this left out, or a queue that can in arrives_in",
            )


def _rate(channel: ChannelSettings, where: Path) -> Findings:
    if channel.interval * channel.max_per_hour < 3600:
        yield (
            (*where, "interval"),
            f"got {format_duration(channel.interval)}, which is {3600 / channel.interval:.0f} probes an hour, "
            f"want at most max_per_hour ({channel.max_per_hour})",
        )


def _kept_while_open(config: Config) -> Findings:
    for name in ("messages", "traces"):
        kept = getattr(config.retention, name)
        for slug, channel in config.channels.items():
            if kept < channel.give_up:
                yield (
                    ("retention", name),
                    f"got {format_duration(kept)}, want at least give_up of channel "
                    f'"{slug}" ({format_duration(channel.give_up)})',
                )
                break


def _windows(config: Config) -> Findings:
    for index, blackout in enumerate(config.blackouts):
        yield from _unknown(blackout.channels, config.channels, "channel", ("blackouts", str(index), "channels"))
    for index, drill in enumerate(config.blind_drills):
        yield from _unknown(drill.channels, config.channels, "channel", ("blind_drills", str(index), "channels"))
