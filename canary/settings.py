"""What settings are made of: strict models, durations, secrets, servers; adapters build their own from these."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from canary.budgets import SECRET
from canary.model import Stage
from canary.private import open_file

if TYPE_CHECKING:
    import ssl

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)")
_SLUG = r"^[a-z][a-z0-9-]{0,39}$"

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


class Tls(StrEnum):
    """How a connection is protected."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


def _tls(value: Any) -> Any:
    if value not in list(Tls):
        raise ValueError(f"wanted one of {', '.join(Tls)}")
    return Tls(value)


class Server(Settings):
    """A mail server to talk to. ``tls: none`` is only accepted for loopback addresses."""

    host: str
    port: Annotated[int, Field(ge=1, le=65535)]
    tls: Annotated[Tls, BeforeValidator(_tls)] = Tls.STARTTLS
    ca_file: FilePath | None = Field(None, description="PEM file of the CAs to trust instead of the system's")
    username: str | None = None
    password: Secret | None = None
    timeout: Duration = 30.0

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.tls is Tls.NONE and not is_loopback(self.host):
            raise ValueError(
                f"tls: none is only for loopback addresses, got host {self.host}, want starttls or implicit"
            )
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together, got only one of them")
        return self

    def tls_context(self) -> ssl.SSLContext | None:
        """A verifying context, or None where ``tls`` is none. Raises OSError if ``ca_file`` cannot be read."""
        if self.tls is Tls.NONE:
            return None
        import ssl  # only who connects needs it

        if self.ca_file:
            os.close(open_file(self.ca_file, follow=True))  # OpenSSL would wait for whoever writes into a FIFO
        return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)


def is_loopback(host: str) -> bool:
    """Whether ``host`` is localhost or a loopback address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


WITHIN = {stage: f"{stage}_within" for stage in Stage if stage.may_be_owed}
"""The keys by which a channel promises further stages."""


class ChannelSettings(Settings):
    """What every kind of channel has; a kind adds its own ``kind`` and where to send."""

    kind: str
    arrives_in: Annotated[
        ListOf[Slug],
        BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
        Field(min_length=1, description="the monitored queue, or every one of several (the members of an alias)"),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
    ]
    approved_by: str = Field(description="who approved that this channel is probed, and when; kept as evidence")
    disclosed_in: ListOf[Literal["ccadb-prm", "ccadb-alias", "ccadb-poc", "cps", "website"]] = Field(
        (), description="where the channel is published"
    )
    interval: Duration = Field(600.0, description="time between probes, varied by a tenth each way")
    deadline: Duration = Field(900.0, description="by when a report must be in its monitored queue")
    give_up: Duration = Field(86400.0, description="how long a report that missed its deadline is still looked for")
    acknowledged_within: Duration | None = Field(
        None, description="when an automatic acknowledgement is due, if one is promised"
    )
    picked_up_within: Duration | None = Field(
        None, description="when a human must have taken a report, where its queue shows that"
    )
    answered_within: Duration | None = Field(
        None, description="when a human must have answered, where the queue shows that"
    )
    answer_received_within: Duration | None = Field(
        None, description="when a human's answer must have reached the sender (BR 4.9.5: within 24 h)"
    )
    max_per_hour: Annotated[int, Field(ge=1)] = Field(30, description="cap on probes an hour, confirmations included")
    senders: ListOf[Slug] = Field((), description="the senders to rotate over; all of them if empty")
    variants: ListOf[str] = Field((), description="the variants to rotate over; every one that fits the kind if empty")
    serial: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{8,40}$")] | None = Field(
        None, description="serial number of a revoked or expired test certificate, for forms that demand one"
    )
    reachability_only: bool = Field(False, description="for channels that revoke by machine: loaded, never submitted")

    @model_validator(mode="after")
    def _times_fit(self) -> Self:
        limits = {"deadline": self.deadline} | {WITHIN[stage]: limit for stage, limit in self.owed().items()}
        name, longest = max(limits.items(), key=lambda known: known[1])
        if self.give_up < longest:
            give_up, wanted = format_duration(self.give_up), format_duration(longest)
            raise ValueError(f"give_up ({give_up}) is shorter than {name} ({wanted}), want at least as long")
        return self

    def owed(self) -> Mapping[Stage, float]:
        """The further stages that are promised, with the seconds after submission by which each is to be reached."""
        within = {stage: getattr(self, key) for stage, key in WITHIN.items()}
        return {stage: limit for stage, limit in within.items() if limit is not None}

    def targets(self) -> tuple[str, ...]:
        """The domains that would be written to: each must be under one of the operator's own domains."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it targets")

    def target(self) -> Mapping[str, Any]:
        """Where exactly a report goes, as the evidence tells it; texts, and lists of them.

        Of a kind behind which a person stands, what :meth:`addresses` gives is told sealed.
        """
        return {"targets": list(self.targets()), **self.addresses()}

    def addresses(self) -> Mapping[str, str]:
        """What is written to and no second channel may have, by the key that holds it; upper or lower case is one."""
        return {}
