"""Attachments open with the tools that a reader has, hold what they should, and are fresh each time."""

from __future__ import annotations

import io
import tarfile
import zipfile
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from random import Random

import py7zr
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from PIL import Image

from canary.model import Attachment, Person
from canary.reports.composer import compose

PERSON = Person("Ada Quist", "ada@quist.example")
MARK = "a" * 40
AT = datetime(2026, 3, 1, 12, 30, 58, tzinfo=UTC)


def attached(variant: str, seed: int = 0) -> tuple[Attachment, str]:
    report = compose(
        variant, probe="p", mark=MARK, person=PERSON, operator="CA", verify="call us", at=AT, rng=Random(seed)
    )
    (attachment,) = report.attachments
    return attachment, report.text


def members(attachment: Attachment, folder: Path) -> dict[str, bytes]:
    """The files of an archive by the end of their name."""
    raw = io.BytesIO(attachment.content)
    if attachment.name.endswith(".zip"):
        with zipfile.ZipFile(raw) as packed:
            packed.extractall(folder)
    elif attachment.name.endswith(".7z"):
        with py7zr.SevenZipFile(raw) as packed:
            packed.extractall(folder)
    else:
        with tarfile.open(fileobj=raw) as packed:
            packed.extractall(folder, filter="data")
    return {path.suffix or path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def spki(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_pkcs1_keys() -> None:
    first, second = attached("V01-pkcs1")[0], attached("V01-pkcs1")[0]
    assert first.content.startswith(b"-----BEGIN RSA PRIVATE KEY-----")
    key = load_pem_private_key(first.content, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048
    assert first.content != second.content


@pytest.mark.parametrize("variant", ["V01-pkcs8", "V11"])
def test_pkcs8_keys(variant: str) -> None:
    first, second = attached(variant)[0], attached(variant)[0]
    assert first.content.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert isinstance(load_pem_private_key(first.content, None), ec.EllipticCurvePrivateKey)
    assert first.content != second.content


def test_a_pasted_key_is_named_by_its_hash() -> None:
    text = compose(
        "V01", probe="p", mark=MARK, person=PERSON, operator="CA", verify="call us", at=AT, rng=Random(1)
    ).text
    begin, end = text.index("-----BEGIN"), text.rindex("PRIVATE KEY-----") + len("PRIVATE KEY-----")
    key = load_pem_private_key(text[begin:end].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)


def test_a_request_verifies_and_says_that_it_is_only_a_proof() -> None:
    attachment, _ = attached("V03")
    request = x509.load_pem_x509_csr(attachment.content)
    assert request.is_signature_valid
    assert "do not issue" in request.subject.rfc4514_string()


@pytest.mark.parametrize(
    ("variant", "extension"), [("V02-zip", "zip"), ("V02-tgz", "tar.gz"), ("V02-txz", "tar.xz"), ("V02-7z", "7z")]
)
def test_archives_open_and_no_certificate_is_over_their_key(variant: str, extension: str, tmp_path: Path) -> None:
    attachment, _ = attached(variant)
    assert attachment.name.endswith(f".{extension}")
    assert MARK in attachment.name
    files = members(attachment, tmp_path)
    key = load_pem_private_key(files[".key"], None)
    certificate = x509.load_pem_x509_certificate(files[".crt"])
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != spki(key)
    assert certificate.not_valid_after_utc < datetime.now(UTC)
    assert certificate.serial_number == 1
    assert certificate.subject.rfc4514_string().endswith((".example", ".test"))


def test_the_archive_type_rotates() -> None:
    assert len({attached("V02", seed)[0].media_type for seed in range(40)}) == 4


def test_a_forwarded_message_parses() -> None:
    attachment, _ = attached("V21-forwarded")
    message = message_from_bytes(attachment.content, policy=policy.default)
    assert message["To"] == PERSON.address
    assert message["Message-ID"]
    assert "certificate" in message.get_content().lower() + message["Subject"].lower()


def test_documents_and_pictures_open() -> None:
    pdf, _ = attached("V18")
    assert pdf.content.startswith(b"%PDF-")
    assert pdf.content.rstrip().endswith(b"%%EOF")
    png, _ = attached("V20")
    with Image.open(io.BytesIO(png.content)) as image:
        image.verify()
        assert image.format == "PNG"


@pytest.mark.parametrize("variant", ["V02", "V03", "V18", "V20", "V21-forwarded"])
def test_a_text_that_names_its_file_names_it_rightly(variant: str) -> None:
    named = 0
    for seed in range(10):
        attachment, text = attached(variant, seed)
        named += attachment.name in text
    assert named > 0
