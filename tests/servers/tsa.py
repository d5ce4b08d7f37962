"""A real time-stamping authority: ``openssl ts -reply`` behind HTTP, with certificates made for it."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from servers.answering import Answering

_CONFIG = """
[tsa]
default_tsa = ours
[ours]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Tsa(Answering):
    """A TSA on loopback while the context lasts. ``ca_file`` is its root certificate."""

    def __init__(
        self, folder: Path, *, valid: tuple[timedelta, timedelta] | None = None, critical: bool = True
    ) -> None:
        """``valid``: from when and until when its certificate holds, counted from now."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self.ca_file = folder, folder / "root.pem"
        self.down = False
        self.answers: list[bytes] = []
        """Given, in turn, instead of what openssl says."""
        self.now: Callable[[], datetime] | None = None
        """Tells its time, where that is another than the machine's."""
        self.queries = 0
        self.let_go = threading.Event()
        """Cleared while it takes queries and answers none."""
        self.let_go.set()
        self._lock = threading.Lock()
        _certificates(folder, valid or (timedelta(days=-1), timedelta(days=30)))
        (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))
        (folder / "serial").write_text("01\n")

    def answer(self, path: str, body: bytes) -> tuple[int, str, bytes]:
        """What was told to be given, or what openssl says; nothing while it is down."""
        with self._lock:
            self.queries += 1
        self.let_go.wait()
        with self._lock:
            reply = self.answers.pop(0) if self.answers else b"" if self.down else self.reply(body)
        return 503 if self.down else 200, "application/timestamp-reply", reply

    @property
    def url(self) -> str:
        """Where it takes queries."""
        return f"{self.address}/tsr"

    def reply(self, query: bytes) -> bytes:
        """What openssl answers to a query."""
        asked, answer = self._folder / "query.tsq", self._folder / "reply.tsr"
        asked.write_bytes(query)
        config = ["-config", str(self._folder / "tsa.cnf")]
        at = ["faketime", "-f", f"{self.now():%Y-%m-%d %H:%M:%S}"] if self.now else []
        _run(*at, "openssl", "ts", "-reply", *config, "-queryfile", str(asked), "-out", str(answer))
        return answer.read_bytes()


def openssl_verifies(reply: Path, data: bytes, ca_file: Path) -> bool:
    """Whether ``openssl ts -verify`` finds that the reply is for ``data``."""
    content = reply.with_suffix(".data")
    content.write_bytes(data)
    ended = subprocess.run(
        ["openssl", "ts", "-verify", "-data", content, "-in", reply, "-CAfile", ca_file],
        capture_output=True,
        check=False,
    )
    return ended.returncode == 0


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "TZ": "UTC"})


def _certificates(folder: Path, valid: tuple[timedelta, timedelta]) -> None:
    """A root, and a TSA's certificate under it: its key usage must be time-stamping alone, and critical."""
    now = datetime.now(UTC)
    root_key, tsa_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name, tsa_name = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in (f"Test root {folder.name}", "Test TSA")
    )
    root = (
        x509.CertificateBuilder()
        .subject_name(root_name)
        .issuer_name(root_name)
        .public_key(root_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3650))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    tsa = (
        x509.CertificateBuilder()
        .subject_name(tsa_name)
        .issuer_name(root_name)
        .public_key(tsa_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + valid[0])
        .not_valid_after(now + valid[1])
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    (folder / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / "tsa.pem").write_bytes(tsa.public_bytes(Encoding.PEM))
    key = tsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "tsa.key").write_bytes(key)
