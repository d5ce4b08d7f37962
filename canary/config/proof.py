"""Whether what a configuration names outside of itself can be used: its secrets, and the certificates it trusts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from canary.config.whole import Config
from canary.settings import Secret


def unusable(config: Config) -> Iterator[str]:
    """What cannot be used, a sentence each: where it stands, and why. Connects nowhere, and repeats no secret."""
    yield from _within(config, "")


def _within(value: Any, where: str) -> Iterator[str]:
    match value:
        case Secret():
            yield from _secret(value, where)
        case BaseModel():
            for name in type(value).model_fields:
                below = getattr(value, name)
                if name == "ca_file" and below is not None:
                    yield from _certificates(below, f"{where}.{name}")
                else:
                    yield from _within(below, f"{where}.{name}".lstrip("."))
        case Mapping():
            for key, below in value.items():
                yield from _within(below, f"{where}.{key}")
        case tuple():
            for number, below in enumerate(value):
                yield from _within(below, f"{where}[{number}]")


def _secret(secret: Secret, where: str) -> Iterator[str]:
    try:
        secret.reveal()
    except (OSError, ValueError) as error:
        yield f"{where}: {error}"


def _certificates(path: Path, where: str) -> Iterator[str]:
    import ssl  # only who proves or connects needs it

    try:
        ssl.create_default_context(cafile=str(path))
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        yield f"{where}: {path} holds no certificates that can be read: {error}"
