"""Certificates for the servers of the tests: good ones, an expired one, and one of a CA that nobody trusts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


def authority() -> trustme.CA:
    """A new test authority."""
    return trustme.CA(organization_name="CPR Canary test authority")


def authority_file(issuer: trustme.CA, folder: Path) -> Path:
    """The authority's certificate as a PEM file in the folder."""
    path = folder / "authority.pem"
    issuer.cert_pem.write_to_path(str(path))
    return path


def server_cert(
    issuer: trustme.CA,
    folder: Path,
    names: Sequence[str] = ("127.0.0.1", "localhost"),
    not_after: datetime | None = None,
) -> tuple[Path, Path]:
    """A certificate for these names and addresses: the PEM files of its chain and its key (mode 0600)."""
    leaf = issuer.issue_cert(*names, not_after=not_after)
    chain, key = folder / "cert.pem", folder / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    key.touch(mode=0o600)
    key.write_bytes(leaf.private_key_pem.bytes())
    return chain, key


def expired_cert(
    issuer: trustme.CA, folder: Path, names: Sequence[str] = ("127.0.0.1", "localhost")
) -> tuple[Path, Path]:
    """As :func:`server_cert`, but it ran out yesterday."""
    return server_cert(issuer, folder, names, not_after=datetime.now(UTC) - timedelta(days=1))


def stranger_cert(folder: Path, names: Sequence[str] = ("127.0.0.1", "localhost")) -> tuple[Path, Path]:
    """As :func:`server_cert`, but issued by an authority that was made for it and thrown away."""
    return server_cert(authority(), folder, names)
