"""The keys that sign checkpoints: in a file, in a hardware module, or wherever a plugin keeps them.

A cloud KMS is added by another package through the entry point group ``canary.evidence_keys``: a callable that takes
the ``options`` of the configuration and the log's name, and returns a :class:`KeyStore`. Its :class:`Signer` asks the
KMS for an Ed25519 signature of the message; nothing else of the evidence knows where a key is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from canary.budgets import EVIDENCE_KEYS, BudgetError
from canary.evidence.notes import Signer, VKey
from canary.evidence.settings import KeySettings
from canary.evidence.tiles import sync_folder, write_file
from canary.model import CanaryError, Component, OwnFaultError
from canary.private import NotPrivateError, open_private

__all__ = ["FileKeys", "KeyStore", "Signer", "key_store"]

_END = b"-----END PRIVATE KEY-----\n"


class KeyStore(Protocol):
    """A place for the keys of one log, all under its name."""

    def signers(self) -> list[Signer]:
        """Every key that is there. Raises OwnFaultError (component config) if the place cannot be used."""
        ...

    def create(self) -> Signer:
        """Make one more key. Raises OwnFaultError."""
        ...

    def remove(self, vkey: VKey) -> None:
        """Destroy a key that signs no more. Raises OwnFaultError."""
        ...


Plugin = Callable[[dict[str, str], str], KeyStore]
"""What an entry point of ``canary.evidence_keys`` is."""


@dataclass(frozen=True)
class FileSigner:
    """Signs with a private key in memory, read from a file."""

    vkey: VKey
    key: Ed25519PrivateKey

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of ``message``."""
        return self.key.sign(message)

    def __repr__(self) -> str:
        return f"<FileSigner of {self.vkey}>"


class FileKeys:
    """Keys in a file of PEM blocks (PKCS #8, as ``openssl genpkey -algorithm ed25519`` writes one), newest first."""

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name

    def signers(self) -> list[Signer]:
        """Every key in the file; none if there is no file. Raises OwnFaultError if others can read it."""
        return [self._signer(key) for key in self._read()]

    def create(self) -> Signer:
        """Put a new key on top of the file, which is made with mode 0600 if it is not there."""
        fresh = Ed25519PrivateKey.generate()
        self._write([fresh, *self._read()])
        return self._signer(fresh)

    def remove(self, vkey: VKey) -> None:
        """Take a key out of the file."""
        self._write([key for key in self._read() if self._signer(key).vkey != vkey])

    def _signer(self, key: Ed25519PrivateKey) -> FileSigner:
        return FileSigner(VKey(self._name, key.public_key().public_bytes_raw()), key)

    def _read(self) -> list[Ed25519PrivateKey]:
        try:
            with os.fdopen(open_private(self._path, what="the evidence key"), "rb") as file:
                blocks = EVIDENCE_KEYS.read(file).split(_END)[:-1]
        except FileNotFoundError:
            return []
        except NotPrivateError as error:
            raise _unusable(str(error)) from error
        except BudgetError as error:
            raise _unusable(f"{self._path}: {error}") from error
        except OSError as error:
            raise _unusable(f"{self._path}: {error.strerror}") from error
        keys = []
        for block in blocks:
            try:
                key = load_pem_private_key(block + _END, None)
            except (ValueError, TypeError, UnsupportedAlgorithm):
                key = None
            if not isinstance(key, Ed25519PrivateKey):
                raise _unusable(f"{self._path}: wanted Ed25519 private keys as PEM, without a passphrase")
            keys.append(key)
        if not keys:
            raise _unusable(f"{self._path}: holds no key, wanted Ed25519 private keys as PEM")
        return keys

    def _write(self, keys: list[Ed25519PrivateKey]) -> None:
        blocks = [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for key in keys]
        try:
            write_file(self._path, b"".join(blocks))
            sync_folder(self._path.parent)
        except OSError as error:
            raise _unusable(f"{self._path}: {error.strerror}") from error


def key_store(settings: KeySettings | None, default: Path, name: str) -> KeyStore:
    """Where the keys of the log ``name`` are; in the file ``default`` if the configuration does not say."""
    if settings is None or settings.file is not None:
        return FileKeys(settings.file if settings and settings.file else default, name)
    if settings.pkcs11 is not None:
        from canary.evidence.hsm import Pkcs11Keys  # only who has a module needs its library

        return Pkcs11Keys(settings.pkcs11, name)
    wanted = settings.plugin
    for point in entry_points(group="canary.evidence_keys"):
        if wanted is not None and point.name == wanted.name:
            return _of_plugin(point, dict(wanted.options), name)
    raise _unusable(f"no package brings evidence keys of the kind {wanted.name if wanted else None!r}")


def _of_plugin(point: EntryPoint, options: dict[str, str], name: str) -> KeyStore:
    try:
        plugin: Plugin = point.load()
        return plugin(options, name)
    except CanaryError:
        raise
    except Exception as error:  # whatever somebody else's package raises
        raise _unusable(f"evidence keys of the kind {point.name!r} cannot be used: {error!r}") from error


def _unusable(detail: str) -> OwnFaultError:
    return OwnFaultError(Component.CONFIG, "evidence_key", detail)
