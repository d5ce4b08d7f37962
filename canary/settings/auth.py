"""How one logs in where passwords no longer work: whom to ask for access tokens (OAuth 2.0), and as what."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from canary.settings.base import Address, FilePath, ListOf, Secret, Settings, is_loopback

_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_NO_TENANT = ("common", "organizations", "consumers")
"""What Microsoft takes in place of a tenant from people; an application belongs to one tenant."""


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        secured = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        plain = value.isascii() and value.isprintable() and " " not in value and parts.port != 0
    except ValueError:
        secured = plain = False
    if not secured or not plain or not parts.hostname or "@" in parts.netloc or "#" in value:
        raise ValueError("wanted an address such as https://login.example.com/token (http is only for loopback)")
    return value


def _tenant(value: str) -> str:
    if not _TENANT.fullmatch(value) or value.lower() in _NO_TENANT:
        raise ValueError("wanted the directory (tenant) ID, or a domain of the tenant such as example.com")
    return value


def _scope(value: str) -> str:
    if not value or not all("!" <= letter <= "~" and letter not in '"\\' for letter in value):
        raise ValueError("wanted one scope without spaces (RFC 6749 section 3.3)")
    return value


TokenUrl = Annotated[str, AfterValidator(_url)]
"""Where tokens are asked for: over TLS, or on loopback."""
Scope = Annotated[str, AfterValidator(_scope)]
"""One scope of a token (RFC 6749 section 3.3)."""


class TokenSettings(Settings):
    """What every way to get access tokens has."""

    kind: str
    ca_file: FilePath | None = Field(None, description="PEM file of the CAs to trust for it instead of the system's")


class MicrosoftAuth(TokenSettings):
    """An application registered with Microsoft Entra ID, by its own rights (client credentials)."""

    kind: Literal["microsoft"]
    tenant: Annotated[str, AfterValidator(_tenant)] = Field(description="the directory (tenant) ID, or a domain of it")
    client_id: Annotated[str, Field(min_length=1)] = Field(description="the application (client) ID")
    secret: Secret | None = Field(None, description="the Value of a client secret, not its ID")
    certificate: Secret | None = Field(None, description="PEM with a certificate and its private key, not encrypted")
    scope: Scope = Field("https://outlook.office365.com/.default", description="what the tokens are for")
    authority: TokenUrl = Field("https://login.microsoftonline.com", description="another one in national clouds")

    @model_validator(mode="after")
    def _proves_itself(self) -> Self:
        if (self.secret is None) == (self.certificate is None):
            got = "neither" if self.secret is None else "both"
            raise ValueError(f"got {got} of secret and certificate, want exactly one of them")
        return self


class GoogleAuth(TokenSettings):
    """A service account of Google's with domain-wide delegation, in the name of the mailbox's owner."""

    kind: Literal["google"]
    key: Secret = Field(description="the service account's key, the JSON file as it was downloaded")
    subject: Address | None = Field(None, description="in whose name; the username if not given")
    scope: Scope = Field("https://mail.google.com/", description="what the tokens are for")


class GenericAuth(TokenSettings):
    """Any other token server (RFC 6749): by a refresh token, or by the client's own credentials."""

    kind: Literal["oauth"]
    token_url: TokenUrl = Field(description="the token endpoint")
    client_id: Annotated[str, Field(min_length=1)] = Field(description="the client's identifier")
    client_secret: Secret | None = Field(None, description="the client's secret, if it has one")
    refresh_token: Secret | None = Field(
        None,
        description="a refresh token of the mailbox's owner; the client's own credentials are used if not given. One "
        "that the token server gives instead is put into its file, if that is in a folder that can be written",
    )
    client_auth: Literal["basic", "post"] = Field("basic", description="where the secret goes: a header, or the form")
    scopes: ListOf[Scope] = Field((), description="what the tokens are for, where the token server wants that said")
    audience: str | None = Field(None, description="for whom, where the token server wants that said")

    @model_validator(mode="after")
    def _proves_something(self) -> Self:
        if self.client_secret is None and self.refresh_token is None:
            raise ValueError("got neither client_secret nor refresh_token, want at least one of them")
        return self


Auth = Annotated[MicrosoftAuth | GoogleAuth | GenericAuth, Field(discriminator="kind")]
"""How access tokens are had, by its ``kind``."""
