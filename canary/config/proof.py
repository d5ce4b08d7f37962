"""Whether what a configuration names outside of itself can be used: secrets, certificates, files, the browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from canary.config.whole import Config
from canary.private import open_file
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
                proof, place = _PROOFS.get(name), f"{where}.{name}".lstrip(".")
                if proof is not None and isinstance(below, Path):
                    yield from (f"{place}: {below} {why}" for why in proof(below))
                else:
                    yield from _within(below, place)
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


def _file(path: Path) -> Iterator[str]:
    try:
        os.close(open_file(path, follow=True))
    except OSError as error:
        yield f"cannot be read: {error}"


def _certificates(path: Path) -> Iterator[str]:
    import ssl  # only who proves or connects needs it

    try:
        os.close(open_file(path, follow=True))
        ssl.create_default_context(cafile=str(path))
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        yield f"holds no certificates that can be read: {error}"


def _program(path: Path) -> Iterator[str]:
    if not (path.is_file() and os.access(path, os.X_OK)):
        yield "is no program that can be run"


_PROOFS: dict[str, Callable[[Path], Iterator[str]]] = {
    "ca_file": _certificates,
    "executable": _program,
    "deadlines": _file,
    "controls": _file,
}
"""How to prove a path, by the key that it stands at. Those that are made on first use are proven by who makes them."""
