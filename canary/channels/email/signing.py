"""Signs messages as a domain (DKIM, RFC 6376), for senders for whom no provider does; and is the key published?"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from canary.budgets import DKIM_RECORD
from canary.channels.email.smtp import SmtpFault
from canary.model import Component, OwnFaultError
from canary.settings import DkimSettings

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

_LEAST_BITS = 1024
"""Verifiers take no shorter key (RFC 8301 section 3.2)."""


class DkimSigner:
    """The key of one domain. Raises OwnFaultError for one that is not there, or none that can sign."""

    def __init__(self, settings: DkimSettings) -> None:
        self._settings = settings
        try:
            key = load_pem_private_key(settings.key.reveal().encode(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            # what is wrong with a key is not repeated: it may be a part of it
            read = not str(error).startswith("secret ")
            raise _unusable(settings, "no PEM file of a key without a password" if read else str(error)) from None
        if not isinstance(key, RSAPrivateKey) or key.key_size < _LEAST_BITS:
            raise _unusable(settings, f"none of RSA with {_LEAST_BITS} bits or more")
        self._key = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        self._public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def name(self) -> str:
        """Where the key must be published."""
        return f"{self._settings.selector}._domainkey.{self._settings.domain}"

    def signed(self, message: bytes) -> bytes:
        """A message with its signature before it; its line ends are CRLF."""
        import dkim  # only who signs needs it

        selector, domain = self._settings.selector.encode(), self._settings.domain.encode()
        signature: bytes = dkim.sign(message, selector, domain, self._key, canonicalize=(b"relaxed", b"simple"))
        return signature + message

    async def published(self, resolver: Resolver) -> tuple[bool, str]:
        """Whether the record in the DNS has this key, in a sentence. Never raises for what the DNS says."""
        from dns.exception import DNSException

        want = f'want a TXT record "v=DKIM1; k=rsa; p={base64.b64encode(self._public).decode()}"'
        try:
            answer = await resolver.resolve(self.name, "TXT", lifetime=DKIM_RECORD.seconds, search=False)
        except DNSException as error:
            return False, f"{self.name}: {type(error).__name__} instead of a record, {want}"
        records = [b"".join(record.strings) for record in answer][: DKIM_RECORD.number]
        if any(_key_of(record) == self._public for record in records):
            return True, f"{self.name} has the key that messages are signed by"
        return False, f"{self.name} has another key, or none, so a signature of ours is worse than no signature; {want}"


def _key_of(record: bytes) -> bytes | None:
    """The key of a record (RFC 6376 section 3.6.1); None if it has none, or is withdrawn."""
    tags = {name.strip(): value for name, _, value in (tag.partition(b"=") for tag in record.split(b";"))}
    try:
        return base64.b64decode(b"".join(tags.get(b"p", b"").split()), validate=True) or None
    except binascii.Error:
        return None


def _unusable(settings: DkimSettings, why: str) -> OwnFaultError:
    detail = f"the DKIM key of {settings.domain} cannot be used: {why}; want one as `openssl genrsa 2048` writes it"
    return OwnFaultError(Component.CONFIG, SmtpFault.SECRET_MISSING, detail)
