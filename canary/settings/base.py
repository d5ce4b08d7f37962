"""What settings are made of: strict models, durations, names, paths and secrets."""

from __future__ import annotations

import os
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from canary.budgets import SECRET
from canary.private import open_file

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)")
LONGEST_SLUG = 40
_SLUG = rf"^[a-z][a-z0-9-]{{0,{LONGEST_SLUG - 1}}}$"

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
ADDRESS = re.compile(rf"(?=.{{3,254}}\Z)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}")
"""One bare address: RFC 5321 section 4.1.2 without its quoted strings and address literals, which no CA discloses;
internationalised domains as A-labels."""


class Settings(BaseModel):
    """The base of every settings model: frozen, strict, and refusing unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)


def _seconds(value: Any) -> Any:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not match or float(match[1]) == 0:
        raise ValueError("wanted a duration such as 30s, 10m, 24h or 7d")
    return float(match[1]) * _UNITS[match[2]]


def format_duration(seconds: float) -> str:
    """A length of time as the configuration writes it, in seconds and to the microsecond."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"


Duration = Annotated[
    float,
    BeforeValidator(_seconds),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$", "examples": ["30s", "10m", "24h"]}),
]
"""A length of time, written ``30s``, ``10m``, ``24h`` or ``7d``; seconds in the program."""


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Item = TypeVar("Item")

ListOf = Annotated[tuple[Item, ...], BeforeValidator(_tuple)]
"""``ListOf[str]``: a list in the file, kept as the tuple that a frozen model needs."""


def _address(value: str) -> str:
    if not ADDRESS.fullmatch(value):
        raise ValueError("wanted exactly one bare address such as name@example.com")
    return value


Address = Annotated[str, AfterValidator(_address)]
"""One bare address, as :data:`ADDRESS`."""


def _slug(value: str) -> str:
    if not re.fullmatch(_SLUG, value):
        raise ValueError("wanted a name of at most 40 lower-case letters, digits and hyphens that begins with a letter")
    return value


Slug = Annotated[str, AfterValidator(_slug), WithJsonSchema({"type": "string", "pattern": _SLUG})]
"""A name of ours: lower-case letters, digits and hyphens, at most 40. It becomes a metric label."""


def _path(value: Any, info: ValidationInfo) -> Any:
    folder = (info.context or {}).get("folder", "")
    return Path(folder, value) if isinstance(value, str) else value


FilePath = Annotated[Path, BeforeValidator(_path), WithJsonSchema({"type": "string"})]
"""A path; one that is not absolute counts from the folder of the configuration file (``folder`` in the context)."""


class Secret(Settings):
    """Where a secret is found: exactly one of a file, an environment variable or a systemd credential."""

    file: FilePath | None = None
    env: str | None = None
    credential: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_source(cls, value: Any) -> Any:
        """Refuse anything else in one sentence that does not repeat it: it may be the secret itself."""
        if isinstance(value, Secret):
            return value
        given = [source for source in value.values() if source is not None] if isinstance(value, dict) else []
        known = isinstance(value, dict) and value.keys() <= cls.model_fields.keys()
        if not known or len(given) != 1 or not isinstance(given[0], str | Path) or not str(given[0]):
            raise PydanticCustomError("secret", "want {file: PATH}, {env: NAME} or {credential: NAME}")
        return value

    def reveal(self) -> str:
        """The secret itself, without its final line break.

        Raises ValueError naming the source, never the secret, if it is not there or empty.
        """
        if self.env is not None:
            value, source = os.environ.get(self.env), f"environment variable {self.env}"
        elif self.credential is not None:
            folder = os.environ.get("CREDENTIALS_DIRECTORY")
            source = f"systemd credential {self.credential}"
            value = self._read(Path(folder) / self.credential) if folder else None
        else:
            source, value = f"file {self.file}", self._read(self.file) if self.file else None
        if not value:
            raise ValueError(f"secret not found, or empty: {source}")
        if not value.isascii() and value.encode("utf-8", "replace").decode() != value:
            raise ValueError(f"secret is not UTF-8: {source}")
        return value

    def keep(self, secret: str) -> bool:
        """Put another secret into the file that this one is from, wholly or not at all; returns whether that was done.

        It is not where it comes from elsewhere, or where the file's folder is not for us to write into.
        """
        if self.file is None:
            return False
        path = self.file.resolve()  # a link stays one
        new = path.with_name(f".{path.name}.new")
        try:
            with os.fdopen(open_file(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w", encoding="utf-8") as file:
                file.write(secret + "\n")
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError:
            return False
        return True

    @staticmethod
    def _read(path: Path) -> str | None:
        try:
            with os.fdopen(open_file(path, follow=True), "rb") as file:
                return SECRET.read(file).decode("utf-8").rstrip("\r\n")
        except (OSError, ValueError):  # no text either: what is wrong with it is not repeated
            return None

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__


def is_loopback(host: str) -> bool:
    """Whether ``host`` is localhost or a loopback address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
