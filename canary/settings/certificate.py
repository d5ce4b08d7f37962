"""The one certificate that reports may name, and the ways in which reporters name one (CPS 4.9.12, TLS BR 4.9.12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from canary.model import Identifier

Naming = Literal["serial", "serial-colons", "sha256", "sha256-upper", "crt-sh", "pem"]
"""A way to name a certificate."""


@dataclass(frozen=True, slots=True)
class NamedCertificate:
    """A certificate as reporters name it; of one of which only the serial number is known, the rest is empty."""

    serial: str
    """In hexadecimal."""
    sha256: str = ""
    """Of the whole certificate, in lower-case hexadecimal."""
    pem: str = ""
    ends: datetime | None = None

    def identifier(self, naming: Naming) -> Identifier:
        """This certificate, named in that way."""
        words, value = _NAMINGS[naming]
        return Identifier(words, value(self))


_NAMINGS: Mapping[Naming, tuple[str, Callable[[NamedCertificate], str]]] = {
    "serial": ("a serial number", lambda known: known.serial),
    "serial-colons": ("a serial number with colons", lambda known: _in_pairs(known.serial)),
    "sha256": ("a SHA-256 in lower case", lambda known: known.sha256),
    "sha256-upper": ("a SHA-256 in upper case", lambda known: known.sha256.upper()),
    "crt-sh": ("a link to crt.sh", lambda known: f"https://crt.sh/?q={known.sha256}"),
    "pem": ("a PEM", lambda known: known.pem),
}
BY_SERIAL: frozenset[Naming] = frozenset({"serial", "serial-colons"})
"""The ways for which the serial number is enough."""


def _in_pairs(serial: str) -> str:
    even = serial.zfill(len(serial) + len(serial) % 2)
    return ":".join(even[at : at + 2] for at in range(0, len(even), 2))


def read_certificate(pem: str) -> NamedCertificate:
    """The one certificate in ``pem`` (RFC 7468). Raises ValueError for none, several, or anything besides."""
    from cryptography import x509  # only who names a certificate needs it
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    if pem.count("-----BEGIN") != 1 or not pem.strip().startswith("-----BEGIN CERTIFICATE-----"):
        raise ValueError("wanted one certificate in PEM, and nothing else (never a private key)")
    try:
        found = x509.load_pem_x509_certificate(pem.encode())
        serial = f"{found.serial_number:x}"
    except (ValueError, x509.InvalidVersion) as error:
        raise ValueError("wanted a certificate in PEM; this one cannot be read") from error
    return NamedCertificate(
        serial.zfill(len(serial) + len(serial) % 2),
        found.fingerprint(SHA256()).hex(),
        found.public_bytes(Encoding.PEM).decode("ascii").strip(),
        found.not_valid_after_utc,
    )
