"""What a sender signs by DKIM, as others verify it; and whether a real DNS server has its key."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import dkim
import pytest
from channels.email.submitting import PERSON, report, sender, settings
from channels.opened import resources
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from servers.dns import dns_server
from servers.smtp_script import SmtpScript

from canary.channels.email.channel import EmailChannel
from canary.channels.email.signing import DkimSigner
from canary.model import Attachment, OwnFaultError
from canary.settings import DkimSettings

KEY, OTHER = (rsa.generate_private_key(65537, 2048) for _ in range(2))
NAME = "canary._domainkey.persona.test"


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = KEY, password: bytes = b"") -> bytes:
    how = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def record(key: rsa.RSAPrivateKey = KEY, before: str = "v=DKIM1; k=rsa; p=") -> str:
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return before + base64.b64encode(public).decode()


def signing(folder: Path, content: bytes | None = None) -> DkimSettings:
    file = folder / "dkim.pem"
    if content != b"":
        file.write_bytes(content or pem())
    return DkimSettings.model_validate({"domain": "Persona.test", "selector": "canary", "key": {"file": str(file)}})


@pytest.mark.parametrize("files", [(), (Attachment("schlüssel.pem", "application/x-pem-file", b"\r\n.\n" * 999),)])
async def test_what_is_sent_verifies_with_the_published_key(files: tuple[Attachment, ...], tmp_path: Path) -> None:
    async with SmtpScript({}).running() as server:
        signs = replace(sender(server.port), dkim=signing(tmp_path))
        opened = EmailChannel(settings(), signs, resources())
        outgoing = opened.prepare(report(attachments=files, text="Grüße\n\n \n.\n"))
        assert (await opened.submit(outgoing, within=20)).accepted
        await opened.close()
    for key, good in ((KEY, True), (OTHER, False)):
        asked = []
        found = dkim.verify(outgoing.payload, dnsfunc=lambda name, **_: asked.append(name) or record(key).encode())  # noqa: B023
        assert (found, asked) == (good, [f"{NAME}.".encode()])
    assert not dkim.verify(outgoing.payload.replace(b"From: ", b"From: x"), dnsfunc=lambda *_, **__: record().encode())
    assert outgoing.payload.count(b"DKIM-Signature:") == 1
    assert PERSON.address.encode() in outgoing.payload


def test_nothing_is_signed_where_none_is_asked_for(tmp_path: Path) -> None:
    assert b"DKIM" not in EmailChannel(settings(), sender(25), resources()).prepare(report()).payload


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "secret not found"),
        (b"no key", "no PEM file of a key without a password"),
        (pem(password=b"tr0ub4dor"), "no PEM file of a key without a password"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "none of RSA with 1024 bits or more"),
    ],
)
def test_a_key_that_cannot_sign_is_told_and_not_repeated(content: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(OwnFaultError, match=said) as raised:
        DkimSigner(signing(tmp_path, content))
    assert raised.value.component == "config"
    assert "openssl genrsa 2048" in raised.value.detail


@pytest.mark.parametrize(
    ("text", "good", "said"),
    [
        (record(), True, "has the key that messages are signed by"),
        (record(before="p="), True, "has the key"),
        (record(OTHER), False, "has another key"),
        ("v=DKIM1; k=rsa; p=", False, "has another key, or none"),
        ("v=spf1 -all", False, "has another key, or none"),
        ("v=DKIM1; p=!!!", False, "has another key, or none"),
        (None, False, "NXDOMAIN instead of a record"),
    ],
)
async def test_what_the_dns_has(text: str | None, good: bool, said: str, tmp_path: Path) -> None:
    signer = DkimSigner(signing(tmp_path))
    with dns_server({NAME: text} if text is not None else {}) as resolver:
        found, sentence = await signer.published(resolver)
    assert found is good
    assert said in sentence
    assert sentence.startswith(NAME)
    assert good or record() in sentence
