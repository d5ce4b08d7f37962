"""A real time-stamping authority: ``openssl ts -reply`` behind HTTP, with certificates made for it."""

from __future__ import annotations

import subprocess
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

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


class Tsa:
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
        self.queries = 0
        self._lock = threading.Lock()
        _certificates(folder, valid or (timedelta(days=-1), timedelta(days=30)))
        (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))
        (folder / "serial").write_text("01\n")

    def __enter__(self) -> Tsa:
        tsa = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # its name there
                query = self.rfile.read(int(self.headers["content-length"]))
                with tsa._lock:
                    tsa.queries += 1
                    reply = tsa.answers.pop(0) if tsa.answers else b"" if tsa.down else tsa.reply(query)
                self.send_response(503 if tsa.down else 200)
                self.send_header("content-type", "application/timestamp-reply")
                self.send_header("content-length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it takes queries."""
        return f"http://127.0.0.1:{self._server.server_port}/tsr"

    def reply(self, query: bytes) -> bytes:
        """What openssl answers to a query."""
        asked, answer = self._folder / "query.tsq", self._folder / "reply.tsr"
        asked.write_bytes(query)
        config = ["-config", str(self._folder / "tsa.cnf")]
        _openssl("ts", "-reply", *config, "-queryfile", str(asked), "-out", str(answer))
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


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


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
