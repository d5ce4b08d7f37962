"""Signatures of mail providers, as dkimpy makes them, whatever the letter; and each change to what was signed."""

from __future__ import annotations

import base64
from datetime import datetime

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from canary.audit.verifier.dkim import Keys, names, signed
from canary.audit.verifier.findings import RefusedError
from canary.audit.verifier.limits import MOST_SIGNATURES

RSA, SHORT, OTHER = generate_private_key(65537, 2048), generate_private_key(65537, 1024), Ed25519PrivateKey.generate()
MESSAGE = (
    b"Received: from a by b; Mon, 2 Mar 2026 10:00:00 +0000\r\nFrom: Rosa  Researcher <rosa@persona.test>\r\n"
    b"To: report@ca.test\r\nSubject: A  certificate\r\n\twith a broken key\r\n\r\n"
    b"Dear  CA,\r\n\r\nlook at this. \r\n\r\n\r\n"
)
WAYS = [(header, body) for header in (b"simple", b"relaxed") for body in (b"simple", b"relaxed")]


def record(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    public = key.public_key()
    if isinstance(key, Ed25519PrivateKey):
        content, kind = public.public_bytes(Encoding.Raw, PublicFormat.Raw), "ed25519"
    else:
        content, kind = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), "rsa"
    return f"v=DKIM1; k={kind}; p={base64.b64encode(content).decode()}"


def secret(key: RSAPrivateKey | Ed25519PrivateKey) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return base64.b64encode(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def sign(
    message: bytes = MESSAGE, way: tuple[bytes, bytes] = (b"relaxed", b"relaxed"), *, length: bool = False,
    key: RSAPrivateKey | Ed25519PrivateKey = RSA,
) -> bytes:  # fmt: skip
    kind = b"rsa-sha256" if isinstance(key, RSAPrivateKey) else b"ed25519-sha256"
    with_it: bytes = dkim.sign(
        message, b"s1", b"persona.test", secret(key), canonicalize=way, signature_algorithm=kind, length=length
    )
    return with_it + message


KEYS = Keys.parse(f"# asked on 2 March\ns1._domainkey.persona.test {record(RSA)}\n")
BOTH = Keys.parse(f"s1._domainkey.persona.test. {record(OTHER)}\nS1._domainkey.Persona.test {record(RSA)}")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", [RSA, OTHER], ids=["rsa", "ed25519"])
@pytest.mark.parametrize("ends", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_a_good_signature(way: tuple[bytes, bytes], key: RSAPrivateKey | Ed25519PrivateKey, ends: bytes) -> None:
    raw = sign(way=way, key=key).replace(b"\r\n", ends)
    [found] = signed(raw, BOTH)
    assert (found.domain, found.selector) == ("persona.test", "s1")
    assert isinstance(found.at, datetime)
    assert names(raw) == ["s1._domainkey.persona.test"]


BODIES = st.lists(st.text("ab \t.", max_size=8)).map(lambda lines: "".join(f"{line}\r\n" for line in lines).encode())


@given(BODIES, st.sampled_from(WAYS))
def test_any_body_is_read_as_others_read_it(body: bytes, way: tuple[bytes, bytes]) -> None:
    head = MESSAGE.partition(b"\r\n\r\n")[0]
    assert len(signed(sign(head + b"\r\n\r\n" + body, way), KEYS)) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"look at this", b"look at that"),
        (b"Rosa", b"Ross"),
        (b"Subject: A", b"Subject: B"),
        (b"s=s1", b"s=s2"),
        (b"d=persona.test", b"d=ca.test"),
        (b"a=rsa-sha256", b"a=rsa-sha1"),
        (b"bh=", b"bh=A"),
        (b"From: Rosa", b"From: Eve <eve@persona.test>\r\nFrom: Rosa"),
    ],
)
def test_what_was_changed_is_signed_by_nobody(old: bytes, new: bytes) -> None:
    raw = sign()
    assert old in raw
    assert signed(raw.replace(old, new, 1), KEYS) == []


def test_a_signature_over_the_beginning_alone_says_nothing_of_the_rest() -> None:
    raw = sign(length=True)
    assert dkim.verify(raw + b"added\r\n", dnsfunc=lambda *_, **__: record(RSA).encode())
    assert signed(raw, KEYS) == signed(raw + b"added\r\n", KEYS) == []


def test_of_many_signatures_the_first_ones_are_looked_at() -> None:
    head, _, rest = sign().partition(b"From:")
    junk = b"DKIM-Signature: v=1; a=rsa-sha256; b=; bh=; d=x.test; h=from; s=s1\r\n"
    assert signed(junk * (MOST_SIGNATURES - 1) + head + b"From:" + rest, KEYS)
    assert not signed(junk * MOST_SIGNATURES + head + b"From:" + rest, KEYS)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("s1._domainkey.x.test v=DKIM1; p=", "it was revoked"),
        ("s1._domainkey.x.test v=DKIM1", "it has no tag 'p'"),
        ("s1._domainkey.x.test", "it has no tag 'p'"),
        ("s1._domainkey.x.test v=DKIM1; p=AAAA", "line 1"),
        ("s1._domainkey.x.test v=DKIM1; p=?", "is no base64"),
        ("s1._domainkey.x.test v=DKIM1; k=ed25519; p=AAAA", "line 1"),
        ("s1._domainkey.x.test p=A; p=B", "is no tag"),
        (f"s1._domainkey.x.test {record(generate_private_key(65537, 1024))}", ""),
    ],
)
def test_a_key_that_is_none_is_told_with_its_line(line: str, why: str) -> None:
    if not why:
        assert Keys.parse(line).by_name
        return
    with pytest.raises(RefusedError, match=why):
        Keys.parse(line)


def test_the_quotes_of_dig_are_no_part_of_a_key() -> None:
    whole = record(RSA)
    assert signed(sign(), Keys.parse(f's1._domainkey.persona.test "{whole[:100]}" "{whole[100:]}"'))


@given(st.binary(max_size=300))
def test_no_message_is_too_odd(raw: bytes) -> None:
    assert signed(raw, KEYS) == []
    assert names(b"DKIM-Signature: " + raw + b"\r\n\r\n") is not None
