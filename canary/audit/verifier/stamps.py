"""Time-stamps (RFC 3161): whether a token is by an authority that leads to a given root, for these bytes, and when.

Revocation is not looked at: that needs the authority's own lists, of that day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from . import der
from .findings import RefusedError, require
from .limits import LONGEST_CHAIN

_SIGNED_DATA, _TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_SIGNER_V1, _SIGNER_V2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
_HASHES: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    "2.16.840.1.101.3.4.2.1": ("sha256", hashes.SHA256()),
    "2.16.840.1.101.3.4.2.2": ("sha384", hashes.SHA384()),
    "2.16.840.1.101.3.4.2.3": ("sha512", hashes.SHA512()),
}
_HASH_OF_SIGNATURE = {
    "1.2.840.113549.1.1.11": "2.16.840.1.101.3.4.2.1",  # RSA with SHA-256, -384, -512
    "1.2.840.113549.1.1.12": "2.16.840.1.101.3.4.2.2",
    "1.2.840.113549.1.1.13": "2.16.840.1.101.3.4.2.3",
    "1.2.840.10045.4.3.2": "2.16.840.1.101.3.4.2.1",  # ECDSA with SHA-256, -384, -512
    "1.2.840.10045.4.3.3": "2.16.840.1.101.3.4.2.2",
    "1.2.840.10045.4.3.4": "2.16.840.1.101.3.4.2.3",
}
_RSA, _PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"
_KNOWN_CRITICAL = {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE}

Certificates = Sequence[x509.Certificate]


@dataclass(frozen=True)
class Stamp:
    """When somebody else says that some bytes existed, give or take ``accuracy``."""

    at: datetime
    accuracy: timedelta
    by: str


def check(reply: bytes, data: bytes, roots: Certificates, others: Certificates) -> Stamp:
    """The time-stamp of ``data`` in a reply. ``others`` are certificates that may lead to ``roots``.

    Raises RefusedError with what is wrong with it.
    """
    token = _token(reply)
    version, _, content, *rest = token
    require(version.number() == 3, "signed data of a version that no time-stamp has")
    kind, inside = content.children()
    require(kind.oid() == _TST_INFO, "the signed data are not a time-stamp")
    info = inside.expect(0xA0).single(der.OCTETS).content
    enclosed = [x509.load_der_x509_certificate(v.raw) for v in _tagged(rest, 0xA0) if v.tag == der.SEQUENCE]
    signer = rest[-1].expect(der.SET).single(der.SEQUENCE)
    certificate = _check_signer(signer, info, [*enclosed, *others])
    stamp = _read_info(info, data, certificate)
    check_purpose(certificate)
    _check_chain(certificate, roots, [*enclosed, *others], stamp.at)
    return stamp


def load_pem(raw: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM file. Raises RefusedError."""
    try:
        return x509.load_pem_x509_certificates(raw)
    except ValueError as error:
        raise RefusedError(f"no certificates in PEM: {error!s:.80}") from error


def _token(reply: bytes) -> list[der.Value]:
    """The fields of the SignedData in a TimeStampResp."""
    status, *tokens = der.read(reply).expect(der.SEQUENCE).children()
    granted = status.expect(der.SEQUENCE).children()[0].number()
    require(granted in (0, 1) and len(tokens) == 1, f"the authority did not grant it (status {granted})")
    kind, content = tokens[0].expect(der.SEQUENCE).children()
    require(kind.oid() == _SIGNED_DATA, "a token that is not signed data")
    return content.expect(0xA0).single(der.SEQUENCE).children()


def _tagged(values: list[der.Value], tag: int) -> list[der.Value]:
    return next((value.children() for value in values if value.tag == tag), [])


def _read_info(raw: bytes, data: bytes, signer: x509.Certificate) -> Stamp:
    version, _, imprint, _, time, *rest = der.read(raw).expect(der.SEQUENCE).children()
    require(version.number() == 1, "a time-stamp of an unknown version")
    algorithm, found = imprint.expect(der.SEQUENCE).children()
    name = _hash(algorithm)[0]
    require(found.expect(der.OCTETS).content == hashlib.new(name, data).digest(), "the time-stamp is for other data")
    accuracy = next((value for value in rest if value.tag == der.SEQUENCE), None)
    seconds = timedelta(seconds=1)  # where the authority does not say, and its times have no fractions
    if accuracy is not None:
        parts = {value.tag: int.from_bytes(value.content, "big") for value in accuracy.children()}
        seconds = timedelta(
            seconds=parts.get(der.INTEGER, 0), milliseconds=parts.get(0x80, 0), microseconds=parts.get(0x81, 0)
        )
    text = time.expect(der.TIME).content.decode("ascii")
    require(text.endswith("Z") and text[:14].isdigit(), f"not a time in UTC: {text!r:.40}")
    at = datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    if text[14] == ".":
        at += timedelta(seconds=float(f"0{text[14:-1]}"))
    return Stamp(at, seconds, signer.subject.rfc4514_string())


def _check_signer(signer: der.Value, info: bytes, certificates: Certificates) -> x509.Certificate:
    """The certificate that signed, if the signature and what it says it covers are right (RFC 5652 section 5.4)."""
    fields = signer.children()
    _, _, digest, attributes, algorithm, signature = fields[:6]
    attributes.expect(0xA0)
    known: dict[str, der.Value] = {}
    for attribute in attributes.children():
        kind, values = attribute.expect(der.SEQUENCE).children()
        require(kind.oid() not in known, "a signed attribute that is there twice")
        known[kind.oid()] = values.expect(der.SET)
    require(_attribute(known, _CONTENT_TYPE).oid() == _TST_INFO, "signed as something else than a time-stamp")
    name, _ = _hash(digest)
    right = _attribute(known, _MESSAGE_DIGEST).expect(der.OCTETS).content == hashlib.new(name, info).digest()
    require(right, "the signature is over another time-stamp")
    certificate = _named(known, certificates)
    covered = b"\x31" + attributes.raw[1:]  # signed with the tag of a SET
    _check_signature(certificate, algorithm, _hash(digest)[1], signature.expect(der.OCTETS).content, covered)
    return certificate


def _attribute(known: dict[str, der.Value], kind: str) -> der.Value:
    require(kind in known, f"a signature without the attribute {kind}")
    values = known[kind].children()
    require(len(values) == 1, f"an attribute {kind} of {len(values)} values")
    return values[0]


def _named(known: dict[str, der.Value], certificates: Certificates) -> x509.Certificate:
    """The certificate that the signed attributes name by its hash (RFC 5035), so no other can be put in its place."""
    kind, name = (_SIGNER_V2, "sha256") if _SIGNER_V2 in known else (_SIGNER_V1, "sha1")
    first = (
        _attribute(known, kind)
        .expect(der.SEQUENCE)
        .children()[0]
        .expect(der.SEQUENCE)
        .children()[0]
        .expect(der.SEQUENCE)
    )
    parts = first.children()
    if parts[0].tag == der.SEQUENCE:
        name = _hash(parts.pop(0))[0]
    wanted_hash = parts[0].expect(der.OCTETS).content
    for certificate in certificates:
        encoded = certificate.public_bytes(Encoding.DER)
        if hashlib.new(name, encoded, usedforsecurity=name != "sha1").digest() == wanted_hash:
            return certificate
    raise RefusedError("the certificate that signed is not there")


def _hash(algorithm: der.Value) -> tuple[str, hashes.HashAlgorithm]:
    oid = algorithm.expect(der.SEQUENCE).children()[0].oid()
    require(oid in _HASHES, f"the hash algorithm {oid} is not accepted (SHA-256, SHA-384, SHA-512 are)")
    return _HASHES[oid]


def _check_signature(
    certificate: x509.Certificate, algorithm: der.Value, digest: hashes.HashAlgorithm, signature: bytes, data: bytes
) -> None:
    oid, key = algorithm.expect(der.SEQUENCE).children()[0].oid(), certificate.public_key()
    if oid in _HASH_OF_SIGNATURE:
        digest = _HASHES[_HASH_OF_SIGNATURE[oid]][1]
    try:
        if isinstance(key, rsa.RSAPublicKey) and oid == _PSS:
            key.verify(signature, data, padding.PSS(padding.MGF1(digest), padding.PSS.AUTO), digest)
        elif isinstance(key, rsa.RSAPublicKey) and (oid == _RSA or oid in _HASH_OF_SIGNATURE):
            key.verify(signature, data, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey) and oid in _HASH_OF_SIGNATURE:
            key.verify(signature, data, ec.ECDSA(digest))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        else:
            raise RefusedError(f"the signature algorithm {oid} is not accepted")
    except InvalidSignature as error:
        raise RefusedError("the signature of the time-stamp is not genuine") from error


def check_purpose(certificate: x509.Certificate) -> None:
    """RFC 3161 section 2.3: extended key usage, critical, time-stamping alone."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound as error:
        raise RefusedError("the certificate that signed is not for time-stamping") from error
    alone = list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
    require(alone and usage.critical, "the certificate that signed is not for time-stamping alone, marked critical")


def _check_chain(leaf: x509.Certificate, roots: Certificates, others: Certificates, at: datetime) -> None:
    """Whether a chain leads from ``leaf`` to one of ``roots``, every certificate of it good at the time ``at``."""
    _check_certificate(leaf, at)
    anchors = [root for root in roots if root.subject == root.issuer]
    left = [*(root for root in roots if root.subject != root.issuer), *others]
    problem, reached = "the certificate of an issuer is not there", [leaf]
    for below in range(LONGEST_CHAIN):  # one step up from everything that was reached; no certificate twice
        for last in reached:
            for anchor in anchors:
                if _issued(last, anchor) and anchor.not_valid_before_utc <= at <= anchor.not_valid_after_utc:
                    return
        issuers = [issuer for issuer in left if any(_issued(last, issuer) for last in reached)]
        left = [issuer for issuer in left if issuer not in issuers]
        reached = []
        for issuer in issuers:
            try:
                _check_certificate(issuer, at)
                _check_authority(issuer, below)
                reached.append(issuer)
            except RefusedError as error:
                problem = str(error)
    raise RefusedError(f"no chain leads from {leaf.subject.rfc4514_string()} to a given root ({problem})")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    digest = certificate.signature_hash_algorithm
    if certificate.issuer != issuer.subject or isinstance(digest, hashes.SHA1 | hashes.MD5):
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _check_certificate(certificate: x509.Certificate, at: datetime) -> None:
    name, until = certificate.subject.rfc4514_string(), certificate.not_valid_after_utc
    require(certificate.not_valid_before_utc <= at, f"the certificate {name} was not valid yet at {at:%Y-%m-%d %H:%M}")
    require(at <= until, f"the certificate {name} expired on {until:%Y-%m-%d %H:%M}, before the time-stamp")
    for extension in certificate.extensions:
        known = not extension.critical or extension.oid in _KNOWN_CRITICAL
        require(known, f"the certificate {name} has a critical extension {extension.oid.dotted_string}")


def _check_authority(certificate: x509.Certificate, below: int) -> None:
    name = certificate.subject.rfc4514_string()
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        basic = None
    require(basic is not None and basic.ca, f"{name} is no certificate authority")
    assert basic is not None
    require(basic.path_length is None or below <= basic.path_length, f"{name} may not issue authorities below it")
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    require(usage.key_cert_sign, f"{name} may not sign certificates")
