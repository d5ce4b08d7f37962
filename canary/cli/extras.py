"""The extras of this package: what one brings, and whether it is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata

from canary.model import CanaryError

_PACKAGE = "cpr-canary"
_NAME = re.compile(r"[A-Za-z0-9._-]+")


class MissingExtraError(CanaryError):
    """A command whose extra is not installed."""


def require(extra: str, command: str) -> None:
    """Raise :class:`MissingExtraError`, with what to install, if a package of ``extra`` is not there."""
    if missing := list(_missing(extra)):
        raise MissingExtraError(
            f"{command} needs the extra {extra}, of which {', '.join(missing)} is not installed; "
            f"want: pip install '{_PACKAGE}[{extra}]'"
        )


def brought_by(extra: str) -> list[str]:
    """The names of the packages that an extra brings, as pyproject.toml has them."""
    marked = (line.partition(";") for line in metadata.requires(_PACKAGE) or ())
    return [_NAME.findall(what)[0] for what, _, when in marked if when.strip() == f'extra == "{extra}"']


def _missing(extra: str) -> Iterator[str]:
    for name in brought_by(extra):
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            yield name
