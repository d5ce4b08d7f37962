"""What every kind of channel has in its settings; a kind adds its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from canary.model import Stage
from canary.settings.base import Duration, ListOf, Settings, Slug, format_duration
from canary.settings.certificate import BY_SERIAL, NamedCertificate, Naming, read_certificate

WITHIN = {stage: f"{stage}_within" for stage in Stage if stage.may_be_owed}
"""The keys by which a channel promises further stages."""


def _certificate(value: str) -> str:
    read_certificate(value)
    return value


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
    certificate: Annotated[str, AfterValidator(_certificate)] | None = Field(
        None, description="an expired test certificate in PEM, which reports name in place of its serial alone"
    )
    identifiers: ListOf[Naming] = Field(
        (), description="the ways to name a certificate that the CPS promises to take: a variant each, in turn"
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

    @model_validator(mode="after")
    def _can_be_named(self) -> Self:
        named = self.named
        if self.serial and named and int(self.serial, 16) != int(named.serial, 16):
            raise ValueError(f"serial is not that of certificate ({named.serial}), want it left out")
        if self.identifiers and named is None:
            raise ValueError("identifiers has no certificate to name, want serial, or certificate for all of them")
        if self.certificate is None and (more := [name for name in self.identifiers if name not in BY_SERIAL]):
            raise ValueError(f"identifiers has {', '.join(more)}, want certificate besides, which they are made from")
        return self

    def reads_replies(self) -> str:
        """The key for which what comes back to the senders must be read; "" for none."""
        return ""

    @property
    def named(self) -> NamedCertificate | None:
        """The test certificate that reports may name, as far as it is known."""
        if self.certificate is not None:
            return read_certificate(self.certificate)
        return None if self.serial is None else NamedCertificate(self.serial)

    def named_at(self, at: datetime) -> NamedCertificate | None:
        """The same, for a report that is written at ``at``. Raises ValueError for one that is still in use then.

        A report of a certificate that is valid could have it revoked.
        """
        known = self.named
        if known is not None and known.ends is not None and known.ends >= at:
            raise ValueError(f"certificate is valid until {known.ends:%Y-%m-%d}, want one that has expired")
        return known

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

    def versions(self) -> dict[str, Self]:
        """The same channel in further languages, by language, and at "" what is left of it; {} for one of none.

        Each becomes a channel of its own.
        """
        return {}

    def addresses(self) -> Mapping[str, str]:
        """What is written to and no second channel may have, by the key that holds it; upper or lower case is one."""
        return {}
