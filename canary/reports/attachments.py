"""Makers of attachments: fresh synthetic keys and what is made of them, always with the mark in the file name.

A key made here is used for nothing else: no certificate is ever made for it. The certificate files that some archives
hold are self-signed by another throw-away key, long expired, with serial number 1.
"""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from random import Random

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from canary.model import Attachment, Person
from canary.reports import facts

_TYPES = {
    "pem": "application/x-pem-file",
    "key": "application/x-pem-file",
    "csr": "application/pkcs10",
    "zip": "application/zip",
    "tar.gz": "application/gzip",
    "tar.xz": "application/x-xz",
    "7z": "application/x-7z-compressed",
    "pdf": "application/pdf",
    "png": "image/png",
    "eml": "message/rfc822",
}
_STEMS = {
    "pem": ["key", "leaked", "private", "server", "found", "proof"],
    "csr": ["proof", "request", "possession", "challenge", "csr"],
    "zip": ["keys", "files", "evidence", "found", "collected", "batch"],
    "pdf": ["analysis", "report", "findings", "summary"],
    "png": ["screenshot", "screen", "page", "capture", "IMG"],
    "eml": ["message", "original", "mail", "fwd"],
}
_STEMS |= {"key": _STEMS["pem"], "tar.gz": _STEMS["zip"], "tar.xz": _STEMS["zip"], "7z": _STEMS["zip"]}


_Packer = Callable[[io.BytesIO, dict[str, bytes], datetime], None]
"""Writes an archive of files, by name, that was packed at a time."""


@dataclass(frozen=True, slots=True)
class Key:
    """A synthetic private key as PEM, and the SHA-256 of its public key (SubjectPublicKeyInfo, in hexadecimal)."""

    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    pem: str
    spki: str


def pkcs8_key() -> Key:
    """A new P-256 key in PKCS#8."""
    return _key(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.PKCS8)


def pkcs1_key() -> Key:
    """A new RSA key of 2048 bits in PKCS#1; takes some tens of milliseconds."""
    return _key(rsa.generate_private_key(65537, 2048), PrivateFormat.TraditionalOpenSSL)


def _key(private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, form: PrivateFormat) -> Key:
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = private.private_bytes(Encoding.PEM, form, NoEncryption()).decode("ascii")
    return Key(private, pem, sha256(public).hexdigest())


def attach(extension: str, content: bytes, mark: str, rng: Random) -> Attachment:
    """``content`` as a file with a likely name that holds the mark."""
    stem, joint = rng.choice(_STEMS[extension]), rng.choice("-_. ")
    name = rng.choice([f"{stem}{joint}{mark}", f"{mark}{joint}{stem}", mark])
    return Attachment(f"{name}.{extension}", _TYPES[extension], content)


def csr(key: Key, name: str) -> bytes:
    """A certificate signing request that says itself that it must not be issued."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "proof of possession - do not issue"),
        ]
    )
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key.private, hashes.SHA256())
    return request.public_bytes(Encoding.PEM)


def archive(extension: str, key: Key, name: str, rng: Random, at: datetime) -> bytes:
    """A zip, tar.gz, tar.xz or 7z, packed at a time, with a folder of key, certificate and a short note."""
    folder = rng.choice(["", "keys/", f"{name}/", "found/", "export/"])
    note = f"{rng.choice(['found with', 'from', 'source:', 'see'])} {name}\nspki sha256 {key.spki}\n"
    members = {
        f"{folder}{name}.key": key.pem.encode(),
        f"{folder}{name}.crt": _expired_certificate(name, at),
        f"{folder}{rng.choice(['README', 'readme.txt', 'note.txt', 'INFO'])}": note.encode(),
    }
    out = io.BytesIO()
    _PACKERS[extension](out, members, at)
    return out.getvalue()


def _zip(out: io.BytesIO, members: dict[str, bytes], at: datetime) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, at.timetuple()[:6])
            entry.external_attr = 0o600 << 16  # as the library does for a name alone
            packed.writestr(entry, content, zipfile.ZIP_DEFLATED)


def _tar(compress: Callable[[bytes], bytes]) -> _Packer:
    def pack(out: io.BytesIO, members: dict[str, bytes], at: datetime) -> None:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for name, content in members.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mtime = len(content), int(at.timestamp())
                tar.addfile(entry, io.BytesIO(content))
        out.write(compress(packed.getvalue()))

    return pack


def _7z(out: io.BytesIO, members: dict[str, bytes], _: datetime) -> None:
    import py7zr  # slow to import, and wanted by few variants

    with py7zr.SevenZipFile(out, "w") as packed:
        for name, content in members.items():
            packed.writestr(content, name)


_PACKERS: dict[str, _Packer] = {
    "zip": _zip,
    "tar.gz": _tar(gzip.compress),
    "tar.xz": _tar(lzma.compress),
    "7z": _7z,
}


def _expired_certificate(name: str, at: datetime) -> bytes:
    signer = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    end = at - timedelta(days=400)
    certificate = (
        x509.CertificateBuilder(subject, subject, signer.public_key(), 1)
        .not_valid_before(end - timedelta(days=90))
        .not_valid_after(end)
        .sign(signer, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM)


def pdf(title: str, lines: list[str]) -> bytes:
    """A PDF of one page."""
    from reportlab.pdfgen.canvas import Canvas  # slow to import, and wanted by few variants

    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.setTitle(title)
    canvas.setFont("Helvetica-Bold", 14)
    canvas.drawString(72, 770, title)
    canvas.setFont("Helvetica", 10)
    for number, line in enumerate(lines):
        canvas.drawString(72, 740 - 15 * number, line)
    canvas.save()
    return out.getvalue()


def png(lines: list[str], rng: Random) -> bytes:
    """A picture that could be a screenshot: a coloured bar, and lines of text."""
    from PIL import Image, ImageDraw  # slow to import, and wanted by few variants

    width, height = rng.randint(480, 900), rng.randint(320, 640)
    image = Image.new("RGB", (width, height), (250, 250, 250))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, 48), fill=(rng.randint(0, 255), rng.randint(0, 160), rng.randint(80, 255)))
    for number, line in enumerate(lines):
        draw.text((24, 72 + 28 * number), line, fill=(30, 30, 30))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def eml(subject: str, text: str, to: Person, rng: Random, at: datetime) -> bytes:
    """A message that somebody else wrote, some time before, to the sender of the report."""
    message = EmailMessage(policy=policy.SMTP)
    domain = facts.domain(rng)
    message["From"] = f"{rng.choice(['info', 'office', 'j.berg', 'm.kovac', 'sales', 'it'])}@{domain}"
    message["To"] = to.address
    message["Date"] = format_datetime(at - timedelta(minutes=rng.randint(20, 4000)))
    message["Message-ID"] = f"<{rng.getrandbits(64):x}@{domain}>"
    message["Subject"] = subject
    message.set_content(text)
    return message.as_bytes()
