"""The configuration as a whole, and the model of it that knows every installed kind of channel and watch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Annotated, Any

import rfc8785
from pydantic import Field, GetCoreSchemaHandler, create_model
from pydantic.config import JsonDict
from pydantic_core import CoreSchema, core_schema

from canary.channels import Carries, Sender
from canary.channels import Kind as ChannelKind
from canary.channels import kinds as channel_kinds
from canary.channels.forms.settings import BrowserSettings
from canary.config.sections import (
    Audit,
    Blackout,
    BlindDrill,
    Gateway,
    Limits,
    Operator,
    RetentionSettings,
    SenderSettings,
    Web,
)
from canary.evidence.settings import EvidenceSettings
from canary.model import Place, Role
from canary.queues import RepliesSettings, WatchSettings
from canary.queues import kinds as queue_kinds
from canary.reports import VARIANTS
from canary.settings import ChannelSettings, Duration, FilePath, ListOf, Settings, Slug

_SOME: JsonDict = {"minProperties": 1}  # reported by a check, so that one bad entry does not make it look empty


class Config(Settings):
    """Everything that an operator configures. Made by :func:`canary.config.load`."""

    operator: Operator
    state: FilePath = Field(description="folder of the ledger, the artefacts and the key of the marks")
    # A section that is left out is read as an empty one: so pydantic builds one validator of all, and none of each.
    web: Web = Field(default_factory=dict, validate_default=True)
    browser: BrowserSettings = Field(default_factory=dict, validate_default=True)
    gateway: Gateway = Field(default_factory=dict, validate_default=True)
    limits: Limits = Field(default_factory=dict, validate_default=True)
    retention: RetentionSettings = Field(default_factory=dict, validate_default=True)
    evidence: EvidenceSettings = Field(default_factory=dict, validate_default=True)
    audit: Audit = Field(default_factory=dict, validate_default=True)
    confirm_after: Duration = Field(60.0, description="how long after a failure a second probe is sent to confirm it")
    watch: dict[Slug, WatchSettings] = Field(
        description="the CA's mailboxes and ticket systems that are looked into", json_schema_extra=_SOME
    )
    senders: dict[Slug, SenderSettings] = Field(description="the personas that write reports", json_schema_extra=_SOME)
    channels: dict[Slug, ChannelSettings] = Field(description="the disclosed ways to report", json_schema_extra=_SOME)
    blackouts: ListOf[Blackout] = Field((), description="times in which nothing is sent")
    blind_drills: ListOf[BlindDrill] = Field((), description="days on which reports do not say that they are tests")

    def queues(self) -> dict[str, Place]:
        """Every queue of every watch by its slug; where a sender reads replies is none."""
        return {place.queue: place for watch in self.watch.values() for place in watch.places()}

    def replies_of(self, sender: str) -> Place | None:
        """The place where ``sender`` reads what comes back; None if it does not."""
        return Place(f"{sender}-replies", Role.REPLIES) if self.senders[sender].replies is not None else None

    @property
    def origin(self) -> str:
        """The name of the evidence log."""
        return self.evidence.origin or f"{self.operator.domains[0]}/cpr-canary"

    def senders_of(self, channel: str) -> tuple[str, ...]:
        """The senders that write through ``channel``."""
        return self.channels[channel].senders or tuple(self.senders)

    def variants_of(self, channel: str) -> tuple[str, ...]:
        """The variants that go through ``channel``: the listed ones, or all that its kind can carry.

        Besides, one for each way to name a certificate that the channel promises to take.
        """
        settings, every = self.channels[channel], self.kind_of(channel).carries is Carries.EVERY
        usual = (item.id for item in VARIANTS.values() if not item.identifier and (every or not item.needs_email))
        promised = (item.id for item in VARIANTS.values() if item.identifier in settings.identifiers)
        return (*(settings.variants or usual), *promised)

    def kind_of(self, channel: str) -> ChannelKind:
        """What is to be known of the kind of ``channel``."""
        return channel_kinds()[self.channels[channel].kind]

    def open_sender(self, slug: str) -> Sender:
        """The sender ``slug`` as a channel needs it."""
        return self.senders[slug].opened(slug)

    def is_blind(self, channel: str, at: datetime) -> bool:
        """Whether a probe through ``channel`` at the time ``at`` belongs to an approved blind drill."""
        day = at.astimezone(UTC).date()
        return any(drill.date == day and channel in drill.channels for drill in self.blind_drills)


@dataclass(frozen=True, slots=True, eq=False)  # hashed by identity: it becomes part of a union of types
class _ByKind:
    """Reads a mapping as the settings model that its ``kind`` names."""

    models: Mapping[str, type[Settings]]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {kind: handler.generate_schema(model) for kind, model in self.models.items()}
        return core_schema.tagged_union_schema(choices, discriminator="kind")


@cache
def model() -> type[Config]:
    """:class:`Config`, with every kind of channel and watch that is installed."""
    queues = queue_kinds()
    watch = Annotated[WatchSettings, _ByKind({name: kind.settings for name, kind in queues.items()})]
    with_replies = {name: kind.replies.settings for name, kind in queues.items() if kind.replies is not None}
    replies = Annotated[RepliesSettings, _ByKind(with_replies)]
    sender = create_model(
        "Sender", __base__=SenderSettings, replies=(replies | None, SenderSettings.model_fields["replies"])
    )
    channel = Annotated[ChannelSettings, _ByKind({name: kind.settings for name, kind in channel_kinds().items()})]
    fields = Config.model_fields
    return create_model(
        "Configuration",
        __base__=Config,
        watch=(dict[Slug, watch], fields["watch"]),
        senders=(dict[Slug, sender], fields["senders"]),
        channels=(dict[Slug, channel], fields["channels"]),
    )


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the configuration file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model().model_json_schema()}


def digest(config: Config) -> str:
    """SHA-256 of the configuration as canonical JSON (RFC 8785), in hexadecimal. Holds no secret, only where it is."""
    return sha256(rfc8785.dumps(config.model_dump(mode="json", by_alias=True))).hexdigest()
