"""Which certificates the records of the DNS pin: RFC 7672, on chains of a test authority."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from hashlib import sha256, sha512

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import given
from hypothesis import strategies as st

from canary.channels.email.mx.dane import Tlsa, pinned, usable
from canary.channels.email.mx.protection import Protection, demanded
from canary.channels.email.mx.sts import StsPolicy

ROOT = trustme.CA()
BETWEEN = ROOT.create_child_ca()
NOW = datetime.now(UTC)
HOST = "mx.ca.test"


def chain(authority: trustme.CA = ROOT, name: str = HOST, until: datetime | None = None) -> list[bytes]:
    leaf = authority.issue_cert(name, not_after=until)
    pems = [blob.bytes() for blob in leaf.cert_chain_pems]
    return [
        ssl.PEM_cert_to_DER_cert(pem.decode()) for pem in (*pems, authority.cert_pem.bytes(), ROOT.cert_pem.bytes())
    ]


def key(certificate: bytes) -> bytes:
    found = load_pem_x509_certificate(ssl.DER_cert_to_PEM_cert(certificate).encode())
    return found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


GOOD = chain()
BELOW = chain(BETWEEN)


@pytest.mark.parametrize(
    ("shown", "record", "good"),
    [
        (GOOD, Tlsa(3, 1, 1, sha256(key(GOOD[0])).digest()), True),
        (GOOD, Tlsa(3, 0, 1, sha256(GOOD[0]).digest()), True),
        (GOOD, Tlsa(3, 0, 0, GOOD[0]), True),
        (GOOD, Tlsa(3, 1, 2, sha512(key(GOOD[0])).digest()), True),
        (GOOD, Tlsa(3, 1, 1, sha256(key(BELOW[0])).digest()), False),
        (GOOD, Tlsa(3, 1, 2, sha256(key(GOOD[0])).digest()), False),
        (GOOD, Tlsa(3, 1, 1, sha256(key(GOOD[1])).digest()), False),
        (chain(name="other.test"), Tlsa(3, 1, 1, b""), False),
        (GOOD, Tlsa(2, 0, 1, sha256(GOOD[1]).digest()), True),
        (GOOD, Tlsa(2, 1, 1, sha256(key(GOOD[1])).digest()), True),
        (GOOD[:1], Tlsa(2, 0, 0, GOOD[1]), True),
        (GOOD[:1], Tlsa(2, 0, 1, sha256(GOOD[1]).digest()), False),
        (BELOW, Tlsa(2, 1, 1, sha256(key(BELOW[1])).digest()), True),
        (BELOW, Tlsa(2, 1, 1, sha256(key(ROOT_ := BELOW[-1])).digest()), True),
        (GOOD, Tlsa(2, 1, 1, sha256(key(GOOD[0])).digest()), False),
        (chain(name="other.test"), Tlsa(2, 0, 1, sha256(ROOT_).digest()), False),
        (chain(until=NOW - timedelta(days=1)), Tlsa(2, 0, 1, sha256(ROOT_).digest()), False),
        ([GOOD[0], trustme.CA().cert_pem.bytes()], Tlsa(2, 0, 0, b"no certificate"), False),
    ],
)
def test_what_fits_a_record(shown: list[bytes], record: Tlsa, good: bool) -> None:
    assert pinned(shown, [HOST], [record], NOW) is good


def test_of_its_own_certificate_neither_name_nor_date_is_looked_at() -> None:
    old = chain(name="other.test", until=NOW - timedelta(days=1))
    assert pinned(old, [HOST], [Tlsa(3, 1, 1, sha256(key(old[0])).digest())], NOW)


def test_who_shows_no_certificate_has_none_that_fits() -> None:
    assert not pinned([], [HOST], [Tlsa(3, 0, 0, b"")], NOW)


def test_one_record_that_fits_is_enough_and_any_of_its_names_is_one() -> None:
    records = [Tlsa(3, 1, 1, b"x" * 32), Tlsa(2, 0, 1, sha256(GOOD[1]).digest())]
    assert pinned(GOOD, ["alias.test", HOST], records, NOW)
    assert not pinned(GOOD, ["alias.test"], records, NOW)


@pytest.mark.parametrize(
    ("records", "policy", "first", "last"),
    [
        ((), None, Protection.VERIFIED, Protection.NONE),
        ((), StsPolicy("testing", (HOST,), 1), Protection.VERIFIED, Protection.NONE),
        ((), StsPolicy("enforce", (HOST,), 1), Protection.VERIFIED, Protection.VERIFIED),
        ((Tlsa(3, 1, 1, b"x"),), StsPolicy("enforce", (HOST,), 1), Protection.PINNED, Protection.PINNED),
        ((Tlsa(1, 1, 1, b"x"), Tlsa(3, 9, 1, b"x"), Tlsa(3, 1, 9, b"x")), None, Protection.VERIFIED, Protection.ANY),
    ],
)
def test_dane_goes_before_mta_sts_and_records_that_say_nothing_demand_tls(
    records: tuple[Tlsa, ...], policy: StsPolicy | None, first: Protection, last: Protection
) -> None:
    found = demanded(policy, records)
    assert (found.first, found.last, found.dane) == (first, last, bool(records))


@given(
    st.builds(Tlsa, *[st.integers(0, 255)] * 3, st.binary(max_size=70)), st.lists(st.binary(max_size=80), min_size=1)
)
def test_any_record_and_any_chain_are_borne(record: Tlsa, shown: list[bytes]) -> None:
    fits = pinned(shown, [HOST], usable([record]), NOW)
    assert not fits or (record.usage, record.matching, record.content) == (3, 0, shown[0])
