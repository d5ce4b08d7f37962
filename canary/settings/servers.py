"""A mail server as the configuration has it: where it is, how the way there is protected, who logs in and how."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from canary.private import open_file
from canary.settings.auth import Auth
from canary.settings.base import Duration, FilePath, Secret, Settings, is_loopback

if TYPE_CHECKING:
    import ssl


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
    auth: Auth | None = Field(None, description="by access tokens instead of a password: microsoft, google or oauth")
    timeout: Duration = 30.0

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.tls is Tls.NONE and not is_loopback(self.host):
            raise ValueError(
                f"tls: none is only for loopback addresses, got host {self.host}, want starttls or implicit"
            )
        if self.auth is None and (self.username is None) != (self.password is None):
            raise ValueError("username and password go together, got only one of them")
        if self.auth is not None and (self.username is None or self.password is not None):
            raise ValueError("auth goes with a username and without a password, want exactly that")
        return self

    def tls_context(self) -> ssl.SSLContext | None:
        """A verifying context, or None where ``tls`` is none. Raises OSError if ``ca_file`` cannot be read."""
        return None if self.tls is Tls.NONE else tls_context(self.ca_file)


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """A verifying context that trusts what is in a PEM file, or what the system trusts. Raises OSError."""
    import ssl  # only who connects needs it

    if ca_file:
        os.close(open_file(ca_file, follow=True))  # OpenSSL would wait for whoever writes into a FIFO
    return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
