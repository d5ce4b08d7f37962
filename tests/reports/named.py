"""A test certificate that has expired, one that has not, and what a variant is given of the first."""

from __future__ import annotations

from canary.model import Identifier
from canary.reports import VARIANTS
from canary.settings.certificate import read_certificate

EXPIRED = """\
-----BEGIN CERTIFICATE-----
MIIBKzCB0qADAgECAgYPo8XX6bEwCgYIKoZIzj0EAwIwHTEbMBkGA1UEAwwSZXhw
aXJlZC5jYS5leGFtcGxlMB4XDTIwMDEwMTAwMDAwMFoXDTIwMDQwMTAwMDAwMFow
HTEbMBkGA1UEAwwSZXhwaXJlZC5jYS5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZI
zj0DAQcDQgAEXK7/F3Sgw6rj2CPHrnPJvSoYAl4BEzD6aZqomzeuv5SuFXMv5tEY
gORRauyfFvl6Hcud8I5N72MCFP2N1BCNwDAKBggqhkjOPQQDAgNIADBFAiEAtSHa
BshIS6jd6Rl3jWKKLTTb48XNoFTmN28tiJhsaR0CIBIso5e7RNkaAYTwMbq6jqvN
GlJ8l1rKl4ZhYuIoj68B
-----END CERTIFICATE-----
"""
"""Of serial number 0fa3c5d7e9b1, until 2020-04-01."""
VALID = """\
-----BEGIN CERTIFICATE-----
MIIBLTCB1aADAgECAgcA+jxdfpscMAoGCCqGSM49BAMCMB0xGzAZBgNVBAMMEmV4
cGlyZWQuY2EuZXhhbXBsZTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDQwMTAwMDAw
MFowHTEbMBkGA1UEAwwSZXhwaXJlZC5jYS5leGFtcGxlMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEXK7/F3Sgw6rj2CPHrnPJvSoYAl4BEzD6aZqomzeuv5SuFXMv
5tEYgORRauyfFvl6Hcud8I5N72MCFP2N1BCNwDAKBggqhkjOPQQDAgNHADBEAiAC
QE/o2RF5iLsd/mqSZa90b0My7shqEelquwiXqSD+MwIgDUjY/Y4N32IkEHIxvm3Q
lk9zNNgysB4xEehPt2FPqXs=
-----END CERTIFICATE-----
"""
"""Until 2120."""


def identifier_of(variant: str) -> Identifier | None:
    """How that variant names the certificate, if it is one that does."""
    known = VARIANTS.get(variant)
    return read_certificate(EXPIRED).identifier(known.identifier) if known and known.identifier else None
