"""What settings are made of: strict models, durations, secrets, servers; adapters build their own from these."""

from canary.settings.auth import Auth, GenericAuth, GoogleAuth, MicrosoftAuth, Scope, TokenSettings, TokenUrl
from canary.settings.base import (
    ADDRESS,
    LONGEST_SLUG,
    Address,
    Duration,
    FilePath,
    ListOf,
    Secret,
    Settings,
    Slug,
    format_duration,
    is_loopback,
)
from canary.settings.certificate import BY_SERIAL, NamedCertificate, Naming
from canary.settings.channels import WITHIN, ChannelSettings
from canary.settings.dkim import DkimSettings
from canary.settings.mx import MxSettings, NameServer
from canary.settings.servers import Server, Tls, tls_context

__all__ = [
    "ADDRESS",
    "BY_SERIAL",
    "LONGEST_SLUG",
    "WITHIN",
    "Address",
    "Auth",
    "ChannelSettings",
    "DkimSettings",
    "Duration",
    "FilePath",
    "GenericAuth",
    "GoogleAuth",
    "ListOf",
    "MicrosoftAuth",
    "MxSettings",
    "NameServer",
    "NamedCertificate",
    "Naming",
    "Scope",
    "Secret",
    "Server",
    "Settings",
    "Slug",
    "Tls",
    "TokenSettings",
    "TokenUrl",
    "format_duration",
    "is_loopback",
    "tls_context",
]
