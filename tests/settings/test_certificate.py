"""How a certificate is named, and which one may be."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from reports.named import EXPIRED, VALID

from canary.settings import ChannelSettings, NamedCertificate
from canary.settings.certificate import read_certificate

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SHA256 = read_certificate(EXPIRED).sha256
KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


def made(**more: object) -> ChannelSettings:
    return ChannelSettings.model_validate({"kind": "any", "arrives_in": "cpr", "approved_by": "us", **more})


@pytest.mark.parametrize(
    ("naming", "value"),
    [
        ("serial", "0fa3c5d7e9b1"),
        ("serial-colons", "0f:a3:c5:d7:e9:b1"),
        ("sha256", SHA256),
        ("sha256-upper", SHA256.upper()),
        ("crt-sh", f"https://crt.sh/?q={SHA256}"),
        ("pem", EXPIRED.strip()),
    ],
)
def test_an_expired_certificate_is_named_in_each_way(naming: str, value: str) -> None:
    named = made(certificate=EXPIRED, identifiers=[naming]).named_at(NOW)
    assert named is not None
    assert named.identifier(naming).value == value  # type: ignore[arg-type]  # one of the literals
    assert re.fullmatch(r"[0-9a-f]{64}", SHA256)


@given(st.text("0123456789abcdefABCDEF", min_size=8, max_size=40))
def test_a_serial_with_colons_is_the_same_number_in_pairs(serial: str) -> None:
    with_colons = NamedCertificate(serial).identifier("serial-colons").value
    assert int(with_colons.replace(":", ""), 16) == int(serial, 16)
    assert all(len(pair) == 2 for pair in with_colons.split(":"))


def test_a_certificate_that_is_still_valid_is_never_named() -> None:
    channel = made(certificate=VALID, identifiers=["pem"])
    with pytest.raises(ValueError, match="certificate is valid until 2120-04-01, want one that has expired"):
        channel.named_at(NOW)
    assert made(certificate=EXPIRED).named_at(datetime(2020, 4, 1, 0, 0, 1, tzinfo=UTC)) is not None
    with pytest.raises(ValueError, match="valid until 2020-04-01"):
        made(certificate=EXPIRED).named_at(datetime(2020, 4, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"certificate": EXPIRED * 2}, "wanted one certificate in PEM, and nothing else"),
        ({"certificate": EXPIRED + KEY}, "never a private key"),
        ({"certificate": KEY}, "never a private key"),
        ({"certificate": "certs/expired.pem"}, "wanted one certificate in PEM"),
        ({"certificate": EXPIRED.replace("MII", "MIJ", 1)}, "this one cannot be read"),
        ({"certificate": EXPIRED, "serial": "0123456789"}, "serial is not that of certificate (0fa3c5d7e9b1)"),
        ({"identifiers": ["serial"]}, "identifiers has no certificate to name"),
        ({"identifiers": ["serial", "pem"], "serial": "0123456789"}, "identifiers has pem, want certificate besides"),
        ({"identifiers": ["spki"], "certificate": EXPIRED}, "'serial', 'serial-colons', 'sha256'"),
    ],
)
def test_what_makes_no_sense_is_refused_and_no_key_is_repeated(more: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        made(**more)
    assert words in str(refused.value)
    assert "AAAA" not in str(refused.value)


def test_a_serial_number_alone_is_named_as_far_as_it_goes() -> None:
    assert made(serial="0FA3C5D7E9B1", certificate=EXPIRED).named == read_certificate(EXPIRED)
    assert made().named_at(NOW) is None
    assert made(serial="0123456789", identifiers=["serial", "serial-colons"]).named == NamedCertificate("0123456789")
