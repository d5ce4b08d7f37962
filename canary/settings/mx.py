"""How a sender that has no provider hands its mail to the recipients' own servers (RFC 5321 section 5.1)."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from canary.settings.base import Duration, FilePath, Settings
from canary.settings.servers import tls_context

if TYPE_CHECKING:
    import ssl

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL}){{1,10}}")

Port = Annotated[int, Field(ge=1, le=65535)]


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError("wanted the full name of a host such as canary.example.com")
    return value


def _ip(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        raise ValueError("wanted an address such as 127.0.0.1") from None


class NameServer(Settings):
    """A resolver of the operator's, instead of those that the system asks."""

    address: Annotated[str, AfterValidator(_ip)] = Field(description="its address")
    port: Port = 53
    validates: bool = Field(
        False,
        description="it validates by DNSSEC, and nobody can change its answers on the way here (it is on this machine, "
        "or behind a network of one's own): only then DANE counts (RFC 7672)",
    )


class MxSettings(Settings):
    """Straight to the servers that the DNS names for the recipient's domain, as a sender with a server of its own."""

    helo: Annotated[str, AfterValidator(_host)] = Field(
        description="the full name of this host, which the DNS should have for the address that we come from"
    )
    resolver: NameServer | None = Field(None, description="whom to ask; those that the system asks if not given")
    ca_file: FilePath | None = Field(None, description="PEM file of the CAs to trust instead of the system's")
    port: Port = Field(25, description="where the servers take mail; another one than 25 only to try it out")
    policy_port: Port = Field(
        443, description="where the policies of MTA-STS are; another one than 443 only to try it out"
    )
    timeout: Duration = Field(60.0, description="how long a reply is waited for")

    def tls_context(self) -> ssl.SSLContext:
        """A context that verifies. Raises OSError if ``ca_file`` cannot be read."""
        return tls_context(self.ca_file)
