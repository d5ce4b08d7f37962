"""Which certificates a client that trusts only the test authority accepts."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest
import trustme
from servers.certificates import authority_file, expired_cert, server_cert, stranger_cert


def shake_hands(ca_file: Path, chain: Path, key: Path) -> None:
    """One TLS handshake as a client, with a server that has this certificate; ssl's exceptions if it fails."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(chain, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve_one, args=(listener, server), daemon=True).start()
        client = ssl.create_default_context(cafile=str(ca_file))
        with (
            socket.create_connection(listener.getsockname(), timeout=30) as plain,
            client.wrap_socket(plain, server_hostname="127.0.0.1"),
        ):
            pass


def _serve_one(listener: socket.socket, server: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    with connection:
        try:
            server.wrap_socket(connection, server_side=True).close()
        except ssl.SSLError:
            return  # the client refused: it says why


def test_a_good_certificate_is_accepted(authority: trustme.CA, tmp_path: Path) -> None:
    chain, key = server_cert(authority, tmp_path)
    assert key.stat().st_mode & 0o777 == 0o600
    shake_hands(authority_file(authority, tmp_path), chain, key)


def test_an_expired_certificate_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake_hands(authority_file(authority, tmp_path), *expired_cert(authority, tmp_path))


def test_a_strangers_certificate_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        shake_hands(authority_file(authority, tmp_path), *stranger_cert(tmp_path))


def test_a_certificate_for_another_name_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"IP address mismatch"):
        shake_hands(authority_file(authority, tmp_path), *server_cert(authority, tmp_path, ["mx.ca.test"]))
