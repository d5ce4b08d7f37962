"""Whether a server's certificate is one that the DNS pins (DANE for SMTP, RFC 7672). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256, sha512

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import BasicConstraints, DNSName, SubjectAlternativeName, load_der_x509_certificate
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

_ANCHOR, _LEAF = 2, 3
"""The usages that count for mail: DANE-TA and DANE-EE. The others want public CAs, and are unusable (section 3.1.3)."""
_MATCHES: Mapping[int, Callable[[bytes], bytes]] = {
    0: bytes,
    1: lambda content: sha256(content).digest(),
    2: lambda content: sha512(content).digest(),
}


@dataclass(frozen=True, slots=True)
class Tlsa:
    """One record of what a server's certificate must be (RFC 6698 section 2.1)."""

    usage: int
    selector: int
    matching: int
    content: bytes

    @property
    def is_usable(self) -> bool:
        """Whether it says anything about a mail server that we understand."""
        return self.usage in (_ANCHOR, _LEAF) and self.selector in (0, 1) and self.matching in _MATCHES

    def fits(self, certificate: bytes) -> bool:
        """Whether a certificate, in DER, is the one that is meant."""
        if self.selector == 0:
            return _MATCHES[self.matching](certificate) == self.content
        try:
            key = load_der_x509_certificate(certificate).public_key()
        except (ValueError, UnsupportedAlgorithm):
            return False
        public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return _MATCHES[self.matching](public) == self.content


def usable(records: Sequence[Tlsa]) -> tuple[Tlsa, ...]:
    """Those that count. If there are records and none counts, TLS is demanded and no certificate (section 2.2)."""
    return tuple(record for record in records if record.is_usable)


def pinned(chain: Sequence[bytes], names: Sequence[str], records: Sequence[Tlsa], at: datetime) -> bool:
    """Whether one of the records fits what a server showed: its chain in DER, its own certificate first.

    Of a server's own certificate neither name nor dates are looked at (section 3.1.1); one below an anchor must be for
    one of ``names``, and valid at ``at`` (section 3.1.2).
    """
    if not chain:
        return False
    if any(record.usage == _LEAF and record.fits(chain[0]) for record in records):
        return True
    anchors = [each for each in (*chain[1:], *_whole(records)) if _is_anchor(each, records)]
    return any(_is_below(chain, anchor, name, at) for anchor in anchors for name in names)


def _whole(records: Sequence[Tlsa]) -> Iterator[bytes]:
    """The anchors that the DNS has in full: a server need not show them."""
    return (each.content for each in records if (each.usage, each.selector, each.matching) == (_ANCHOR, 0, 0))


def _is_anchor(certificate: bytes, records: Sequence[Tlsa]) -> bool:
    return any(record.usage == _ANCHOR and record.fits(certificate) for record in records)


def _is_below(chain: Sequence[bytes], anchor: bytes, name: str, at: datetime) -> bool:
    """Whether the server's certificate is for this name, and issued below the anchor."""
    try:
        leaf, *between = map(load_der_x509_certificate, chain)
        verifier = (
            PolicyBuilder()
            .store(Store([load_der_x509_certificate(anchor)]))
            .time(at)
            .extension_policies(ca_policy=_of_issuers(), ee_policy=_of_servers())
            .build_server_verifier(DNSName(name))
        )
        verifier.verify(leaf, between)
    except (ValueError, VerificationError, UnsupportedAlgorithm):
        return False
    return True


def _of_issuers() -> ExtensionPolicy:
    """What an issuer must have; the rules for public CAs are none for those that the DNS pins."""
    return ExtensionPolicy.permit_all().require_present(BasicConstraints, Criticality.AGNOSTIC, None)


def _of_servers() -> ExtensionPolicy:
    return ExtensionPolicy.permit_all().require_present(SubjectAlternativeName, Criticality.AGNOSTIC, None)
