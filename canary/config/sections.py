"""The sections of the configuration that are not a channel or a watch."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import cached_property
from ipaddress import ip_address
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from canary.channels import Sender
from canary.model import MARK_LENGTH, Person
from canary.queues import RepliesSettings
from canary.settings import (
    ADDRESS,
    Address,
    DkimSettings,
    Duration,
    FilePath,
    ListOf,
    MxSettings,
    Secret,
    Server,
    Settings,
    Slug,
    format_duration,
    is_loopback,
)

_LOCAL_PART = 64  # RFC 5321 section 4.5.3.1.1
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_WEB_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_LINKS = re.compile(r"https?://[A-Za-z0-9.*-]*[A-Za-z0-9-]+\.[A-Za-z0-9-]+(:[0-9]{1,5})?/[!-~]{0,500}")
_LISTEN = re.compile(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})")


def _domain(value: str) -> str:
    if not (_DOMAIN.fullmatch(value) or is_loopback(value)):
        raise ValueError("wanted a domain in lower case such as example.com")
    return value


def _line(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("wanted one line of text")
    return value


def _moment(value: Any) -> Any:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("wanted a time with its zone such as 2026-12-24T18:00:00Z") from None


def _day(value: Any) -> Any:
    try:
        return value if isinstance(value, date) else date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("wanted a date such as 2026-12-24") from None


def _host_and_port(value: str) -> str:
    match = _LISTEN.fullmatch(value)
    if not match or int(match[2]) > 65535:
        raise ValueError("wanted HOST:PORT such as 127.0.0.1:9750")
    return value


def _web_host(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        if not _WEB_HOST.fullmatch(value):
            raise ValueError("wanted a name or an address without its port such as canary.example.com") from None
        return value


Domain = Annotated[str, AfterValidator(_domain)]
Line = Annotated[str, AfterValidator(_line)]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Profile = Literal["tls", "smime", "codesigning"]
"""A type of certificates: each has Baseline Requirements of its own."""

Slugs = ListOf[Slug]


class Operator(Settings):
    """Whose channels are probed, and how a reader of a report can tell that it is a test."""

    name: Line = Field(description="the CA operator's name, as reports print it")
    domains: Annotated[ListOf[Domain], Field(min_length=1)] = Field(
        description="the operator's own domains; no target outside of them is accepted"
    )
    verify: Line = Field(description="how the reader of a test report can verify that it is one; printed in reports")

    def owns(self, host: str) -> bool:
        """Whether ``host`` is one of the operator's domains, or under one."""
        host = host.lower().rstrip(".")
        return any(host == domain or host.endswith("." + domain) for domain in self.domains)


def _links(value: str) -> str:
    if not _LINKS.fullmatch(value):
        raise ValueError("wanted the links of one host such as https://links.example.com/*, with * for any characters")
    return value


class Gateway(Settings):
    """What the operator's own mail gateway does to every mail, and is no fault of a report's way."""

    links: ListOf[Annotated[str, AfterValidator(_links)]] = Field(
        (),
        description="links that it puts in place of others and that do not tell the address that stood there, "
        "with * for any characters; a link that tells it needs no entry",
    )

    authserv_ids: ListOf[Annotated[str, AfterValidator(_web_host)]] = Field(
        (),
        description="servers, or their domains, whose results of SPF, DKIM, DMARC and ARC are believed besides those "
        "of the organisation that the last server belongs to (RFC 8601)",
    )


class Web(Settings):
    """Where metrics, health and status are served."""

    listen: Annotated[str, AfterValidator(_host_and_port)] = Field(
        "127.0.0.1:9750", description="host and port; port 0 takes a free one"
    )
    hosts: ListOf[Annotated[str, AfterValidator(_web_host)]] = Field(
        (), description="further names by which it is asked; localhost and the address listened on are always right"
    )
    token: Secret | None = Field(
        None, description="whoever asks for a reload or for entries of the evidence shows it (Authorization: Bearer)"
    )
    config_file: FilePath | None = Field(
        None, description="TLS, users and headers: a web configuration file as Prometheus' exporter-toolkit has it"
    )
    histograms: Literal["per_channel", "per_kind"] = Field(
        "per_channel", description="per_kind keeps /metrics small where there are hundreds of channels"
    )

    @property
    def host(self) -> str:
        """The host of ``listen``, an IPv6 address without its brackets."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port number at the end of ``listen``."""
        return int(self.listen.rpartition(":")[2])


class SenderSettings(Settings):
    """A persona that writes reports: who it says to be, where it submits, where it reads what comes back."""

    name: Line = Field(description="the persona's name, in From and in forms")
    address: Address = Field(description="the persona's address")
    phone: Annotated[str, Field(max_length=40)] = Field("", description="for forms that ask for it")
    organisation: Annotated[str, Field(max_length=100)] = Field("", description="for forms that ask for it")
    envelope: str | None = Field(
        None, description="envelope sender with {mark} in its local part; the address with +{mark} if not given"
    )
    submission: Server | None = Field(None, description="the persona's own submission server")
    mx: MxSettings | None = Field(
        None,
        description="instead of that, for a persona that has no provider: straight to the servers that the DNS names "
        "for the recipient's domain",
    )
    submits_to: Literal["provider", "ca"] | None = Field(
        None,
        description="whose server that is: a refusal by the CA's is the CA's (rejected), by a provider our own fault; "
        "if not given, the CA's if it is in the recipient's domain or asks for no login, else the provider's",
    )
    dkim: DkimSettings | None = Field(None, description="how messages are signed, where no provider does it (RFC 6376)")
    replies: RepliesSettings | None = Field(None, description="where acknowledgements, answers and bounces are found")

    @model_validator(mode="after")
    def _returns_to_us(self) -> Self:
        local, _, _ = self.verp.partition("@")
        if local.count("{mark}") != 1 or not ADDRESS.fullmatch(self.verp.replace("{mark}", "m")):
            raise ValueError(
                f'envelope is "{self.verp}", want {{mark}} once, before the @ of an address such as '
                "bounces+{mark}@example.com"
            )
        length = len(local) - len("{mark}") + MARK_LENGTH
        if length > _LOCAL_PART:
            raise ValueError(
                f'envelope "{self.verp}" has {length} characters before the @ (a mark has {MARK_LENGTH}), '
                f"want at most {_LOCAL_PART}; give a shorter one in envelope"
            )
        return self

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.submission is None) == (self.mx is None):
            got = "neither" if self.mx is None else "both"
            raise ValueError(f"want a submission server or mx, got {got}")
        if self.mx is not None and self.submits_to is not None:
            raise ValueError("submits_to is of a submission server, got it beside mx: what refuses there is the CA's")
        return self

    @property
    def verp(self) -> str:
        """The envelope sender, with ``{mark}`` where the mark goes."""
        local, _, domain = self.address.rpartition("@")
        return self.envelope or f"{local}+{{mark}}@{domain}"

    def person(self) -> Person:
        """Who the sender says to be."""
        return Person(self.name, self.address, self.phone, self.organisation)

    def opened(self, slug: str) -> Sender:
        """The sender as a channel needs it."""
        return Sender(slug, self.person(), self.submission, self.verp, self.submits_to, self.dkim, self.mx)


class Limits(Settings):
    """Bounds of the whole installation."""

    open_probes: Annotated[int, Field(ge=1, le=100_000)] = Field(
        500, description="probes that may be on their way at once; at the cap, nothing further is sent"
    )


class RetentionSettings(Settings):
    """How long evidence is kept; what is older is forgotten once a day, and that is recorded before it is done."""

    events: Duration = Field(730 * 86400.0, description="how long the texts of events are kept; their hashes stay")
    messages: Duration = Field(90 * 86400.0, description="how long the reports are kept, as sent and as found")
    traces: Duration = Field(90 * 86400.0, description="how long screenshots, browser traces and transcripts are kept")

    @model_validator(mode="after")
    def _events_last_longest(self) -> Self:
        for name in ("messages", "traces"):
            if getattr(self, name) > self.events:
                kept, events = format_duration(getattr(self, name)), format_duration(self.events)
                raise ValueError(
                    f"{name} ({kept}) are kept longer than events ({events}), "
                    "want events kept at least as long, since they tell what belongs to what"
                )
        return self


class Blackout(Settings):
    """A time in which nothing is sent; it is recorded, and shown in every audit report."""

    start: Moment = Field(alias="from", description="when it begins")
    until: Moment = Field(description="when it ends")
    channels: Slugs = Field((), description="the channels that rest; all of them if empty")
    reason: Line = Field(description="why; kept as evidence")
    approved_by: Line = Field(description="who approved it, and when; kept as evidence")

    @model_validator(mode="after")
    def _ends_later(self) -> Self:
        if self.until <= self.start:
            raise ValueError(
                f"until ({self.until:%Y-%m-%dT%H:%M:%SZ}) is not after from ({self.start:%Y-%m-%dT%H:%M:%SZ}), "
                "want a window that ends after it begins"
            )
        return self

    def rests(self, channel: str) -> bool:
        """Whether ``channel`` is one that rests while it lasts."""
        return not self.channels or channel in self._named

    @cached_property
    def _named(self) -> frozenset[str]:
        """Thousands may rest, and each is asked for at every look."""
        return frozenset(self.channels)


class BlindDrill(Settings):
    """A day on which reports through some channels do not say that they are tests."""

    name: Line = Field(description="what the drill is called in the evidence")
    date: Day = Field(description="the one day (UTC) on which it is held")
    channels: Annotated[Slugs, Field(min_length=1)] = Field(description="the channels that are drilled")
    approved_by: Line = Field(description="who approved it, and when; kept as evidence")


class Audit(Settings):
    """What audit reports are made with; all of it may be left out."""

    profile: Profile = Field("tls", description="whose Baseline Requirements count: tls, smime, codesigning")
    deadlines: FilePath | None = Field(None, description="file of deadlines with their dates, instead of ours")
    controls: FilePath | None = Field(None, description="file of controls and their references, instead of ours")
