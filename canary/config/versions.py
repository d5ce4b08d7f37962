"""A channel in several languages: each version is a page that must work, so each becomes a channel of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from canary.config.whole import Config
from canary.settings import ChannelSettings


def version_slug(slug: str, language: str) -> str:
    """What the version of a channel in a language is called."""
    return f"{slug}-{language}"


def with_versions(config: Config) -> Config:
    """A configuration that was checked, with the versions of each channel behind it, and wherever it is named."""
    channels = dict(_each(config))
    if channels.keys() == config.channels.keys():
        return config
    windows = {
        name: tuple(one.model_copy(update={"channels": tuple(_named(one.channels, config))}) for one in several)
        for name, several in (("blackouts", config.blackouts), ("blind_drills", config.blind_drills))
    }
    return config.model_copy(update={"channels": channels, **windows})


def _each(config: Config) -> Iterator[tuple[str, ChannelSettings]]:
    for slug, channel in config.channels.items():
        versions = channel.versions()
        yield slug, versions.pop("", channel)
        yield from ((version_slug(slug, language), version) for language, version in versions.items())


def _named(slugs: Iterable[str], config: Config) -> Iterator[str]:
    for slug in slugs:
        yield slug
        languages = config.channels[slug].versions() if slug in config.channels else {}
        yield from (version_slug(slug, language) for language in languages if language)
