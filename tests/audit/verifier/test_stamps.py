"""Time-stamps of every kind that openssl can make: accepted and refused as openssl accepts and refuses them."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from canary.audit.verifier import stamps
from canary.audit.verifier.findings import RefusedError

DATA = b"ca.example/cpr-canary\n3\nroot\n"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_NAMES = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
}
_TIMESTAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)


class Authority:
    """A TSA whose certificate is issued by an intermediate below a root, all made for one test."""

    def __init__(
        self,
        folder: Path,
        kind: str = "p256",
        *,
        usage: tuple[x509.ObjectIdentifier, ...] = _TIMESTAMPING,
        critical: bool = True,
        ca: bool = True,
        digest: str = "sha256",
        chain: bool = True,
        between: tuple[int, int] = (-10, 10),
    ) -> None:
        self.folder, self._digest, self._chain = folder, digest, chain
        root_key, middle_key, key = (_NAMES[kind]() for _ in range(3))
        root = _certificate("root", root_key, "root", root_key, (-10, 10), x509.BasicConstraints(True, None))
        middle = _certificate("middle", middle_key, "root", root_key, between, x509.BasicConstraints(ca, None))
        extra = x509.ExtendedKeyUsage(usage) if usage else None
        leaf = _certificate("tsa", key, "middle", middle_key, (-10, 10), None, extra, critical)
        self.roots, self.middle = [root], middle
        for name, certificate in (("root", root), ("middle", middle), ("leaf", leaf)):
            (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def stamp(self, data: bytes = DATA) -> bytes:
        """A reply by openssl."""
        config = self.folder / "tsa.cnf"
        certs = f"certs = {self.folder}/middle.pem\n" if self._chain else ""
        config.write_text(
            f"[tsa]\ndefault_tsa = t\n[t]\nserial = {self.folder}/serial\nsigner_cert = {self.folder}/leaf.pem\n"
            f"signer_key = {self.folder}/key.pem\nsigner_digest = {self._digest}\ndefault_policy = 1.2.3\n"
            f"digests = sha256, sha512\n{certs}ess_cert_id_alg = {self._digest}\n"
        )
        (self.folder / "serial").write_text("01\n")
        (self.folder / "data").write_bytes(data)
        query, reply = self.folder / "q.tsq", self.folder / "r.tsr"
        _openssl("ts", "-query", "-data", self.folder / "data", f"-{self._digest}", "-cert", "-out", query)
        _openssl("ts", "-reply", "-config", config, "-queryfile", query, "-out", reply)
        return reply.read_bytes()

    def openssl_agrees(self, reply: bytes, data: bytes = DATA) -> bool:
        (self.folder / "reply").write_bytes(reply)
        (self.folder / "data").write_bytes(data)
        command = ["openssl", "ts", "-verify", "-data", self.folder / "data", "-in", self.folder / "reply"]
        known = ["-CAfile", self.folder / "root.pem", "-untrusted", self.folder / "middle.pem"]
        return subprocess.run([*command, *known], capture_output=True, check=False).returncode == 0


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def _certificate(
    name: str,
    key: Key,
    issuer: str,
    signer: Key,
    valid: tuple[int, int],
    basic: x509.BasicConstraints | None,
    usage: x509.ExtendedKeyUsage | None = None,
    critical: bool = True,
) -> x509.Certificate:
    now = datetime.now(UTC)
    subject, by = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (name, issuer))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=valid[0]))
        .not_valid_after(now + timedelta(days=valid[1]))
    )
    if basic is not None:
        builder = builder.add_extension(basic, critical=True)
    if usage is not None:
        builder = builder.add_extension(usage, critical=critical)
    return builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())


@pytest.mark.parametrize("kind", sorted(_NAMES))
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_every_kind_is_accepted(tmp_path: Path, kind: str, digest: str) -> None:
    authority = Authority(tmp_path, kind, digest=digest)
    reply = authority.stamp()
    found = stamps.check(reply, DATA, authority.roots, [])
    assert abs(found.at - datetime.now(UTC)) < timedelta(minutes=5)
    assert found.by == "CN=tsa"
    assert authority.openssl_agrees(reply)


def test_a_chain_from_beside_the_token_will_do(tmp_path: Path) -> None:
    authority = Authority(tmp_path, chain=False)
    reply = authority.stamp()
    with pytest.raises(RefusedError, match="the certificate of an issuer is not there"):
        stamps.check(reply, DATA, authority.roots, [])
    assert stamps.check(reply, DATA, authority.roots, [authority.middle])
    assert stamps.check(reply, DATA, [*authority.roots, authority.middle], [])


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ({"ca": False}, "CN=middle is no certificate authority"),
        ({"between": (-9, -1)}, "the certificate CN=middle expired on"),
        ({"between": (1, 9)}, "the certificate CN=middle was not valid yet"),
    ],
)
def test_a_bad_chain_is_refused(tmp_path: Path, made: dict[str, object], reason: str) -> None:
    authority = Authority(tmp_path, **made)  # type: ignore[arg-type]
    reply = authority.stamp()
    with pytest.raises(RefusedError, match=reason):
        stamps.check(reply, DATA, authority.roots, [])
    assert not authority.openssl_agrees(reply)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ({"critical": False}, "not for time-stamping alone, marked critical"),
        ({"usage": (ExtendedKeyUsageOID.SERVER_AUTH,)}, "not for time-stamping alone"),
        ({"usage": (*_TIMESTAMPING, ExtendedKeyUsageOID.SERVER_AUTH)}, "not for time-stamping alone"),
        ({"usage": ()}, "not for time-stamping"),
    ],
)
def test_a_certificate_for_something_else_is_refused(tmp_path: Path, made: dict[str, object], reason: str) -> None:
    """Openssl would not even sign with one, so the token is made with a good one of the same key and name."""
    good = Authority(tmp_path)
    reply = good.stamp()
    (tmp_path / "bad").mkdir()
    bad = Authority(tmp_path / "bad", **made)  # type: ignore[arg-type]
    leaf = x509.load_pem_x509_certificate((tmp_path / "bad/leaf.pem").read_bytes())
    with pytest.raises(RefusedError, match=reason):
        stamps.check_purpose(leaf)
    assert stamps.check(reply, DATA, good.roots, [])
    assert bad.roots != good.roots


def test_other_data_another_root_and_no_reply_are_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    reply = authority.stamp()
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    for data, roots, raw, reason in (
        (DATA + b"x", authority.roots, reply, "for other data"),
        (DATA, other.roots, reply, "no chain leads from CN=tsa"),
        (DATA, [], reply, "no chain leads from CN=tsa"),
        (DATA, authority.roots, b"", "cut off"),
        (DATA, authority.roots, reply[:-1], "cut off"),
        (DATA, authority.roots, reply + b"x", "bytes behind the end"),
        (DATA, authority.roots, bytes.fromhex("30053003020102"), "did not grant it"),
    ):
        with pytest.raises(RefusedError, match=reason):
            stamps.check(raw, data, roots, [])


def test_no_bit_of_what_was_signed_can_be_changed(tmp_path: Path) -> None:
    authority = Authority(tmp_path, chain=False)
    reply, known = authority.stamp(), [authority.middle]
    genuine = stamps.check(reply, DATA, authority.roots, known)
    for place in range(0, len(reply), 7):
        changed = reply[:place] + bytes([reply[place] ^ 0x04]) + reply[place + 1 :]
        try:
            found = stamps.check(changed, DATA, authority.roots, known)
        except Exception:  # refused, by whatever was found first
            continue
        assert found == genuine
