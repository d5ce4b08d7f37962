"""Signed notes and what is written as one: checkpoints, cosignatures, proofs. Pure; the formats are those of C2SP.

signed-note: a text, a blank line, and signature lines. tlog-checkpoint: a note that says how large a log is, and its
root hash. tlog-cosignature: a witness's signature with its time. tlog-proof: an inclusion proof with its checkpoint.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from canary.evidence.merkle import HASH_SIZE, verify_inclusion
from canary.model import CanaryError

ED25519 = 0x01
"""Signature type of a log's own signature."""

COSIGNATURE = 0x04
"""Signature type of a witness's time-stamped Ed25519 cosignature."""

_MOST_SIGNATURES = 64  # signed-note wants at least 16 to be accepted, and some limit
_KEY_SIZE, _SIGNATURE_SIZE, _TIME_SIZE = 32, 64, 8
_HALVES = re.compile(r"[\ud800-\udfff]")
"""Halves of surrogate pairs: what is left of an argument that is no UTF-8."""
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NO_NAME = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_PROOF = "c2sp.org/tlog-proof@v1"


class NoteError(CanaryError, ValueError):
    """A note, key or proof is not well-formed, or is not signed as it must be."""


class Signer(Protocol):
    """Whoever can sign a note: has a public key, and signs bytes with the private one (Ed25519, RFC 8032)."""

    @property
    def vkey(self) -> VKey:
        """The public key under its name."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The signature of ``message``. Raises OwnFaultError if the key cannot be used now."""
        ...


@dataclass(frozen=True, slots=True)
class VKey:
    """A public key under a name, written ``<name>+<hex key id>+<base64(type || key)>``."""

    name: str
    public: bytes
    type: int = ED25519

    def __post_init__(self) -> None:
        if not _is_name(self.name):
            raise NoteError(
                f"a key is named {self.name!r}, wanted no spaces, no plus, no controls and at least one character"
            )
        if self.type not in (ED25519, COSIGNATURE) or len(self.public) != _KEY_SIZE:
            raise NoteError(f"key {self.name} has type {self.type} and {len(self.public)} bytes, wanted Ed25519")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a key as it is written. Raises NoteError, also for a key id that does not belong to it."""
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise NoteError("not a verifier key, wanted NAME+KEYID+BASE64")
        raw = _decoded(parts[2])
        key = cls(parts[0], raw[1:], raw[0] if raw else 0)
        if parts[1] != key.key_id.hex():
            raise NoteError(f"key {key.name} has the id {key.key_id.hex()}, not {parts[1]}")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_encoded(bytes([self.type]) + self.public)}"

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || newline || type || public key)."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public).digest()[:4]

    def signed(self, text: str, signature: Signature) -> bool:
        """Whether this key made the signature of ``text``."""
        message, value = text.encode(), signature.value
        if self.type == COSIGNATURE:
            time, value = int.from_bytes(value[:_TIME_SIZE], "big"), value[_TIME_SIZE:]
            message = cosigned_message(text, time)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(value, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line of a note."""

    name: str
    key_id: bytes
    value: bytes

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read ``— <name> <base64>``. Raises NoteError."""
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "—" or not _is_name(parts[1]):
            raise NoteError(f"not a signature line: {line[:80]!r}")
        raw = _decoded(parts[2])
        if len(raw) < 5:
            raise NoteError(f"a signature by {parts[1]} has {len(raw)} bytes, wanted a key id and more")
        return cls(parts[1], raw[:4], raw[4:])

    def __str__(self) -> str:
        return f"— {self.name} {_encoded(self.key_id + self.value)}"

    def is_by(self, key: VKey) -> bool:
        """Whether the line says to be by this key."""
        return self.name == key.name and self.key_id == key.key_id


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures, of which nothing is true until :meth:`verify` has said so."""

    text: str
    signatures: tuple[Signature, ...] = ()

    @classmethod
    def parse(cls, note: bytes | str) -> Self:
        """Read a note. Raises NoteError if it is not well-formed."""
        try:
            whole = note.decode() if isinstance(note, bytes) else note.encode().decode()
        except UnicodeError as error:
            raise NoteError("a note is not UTF-8") from error
        if _CONTROL.search(whole):
            raise NoteError("a note has control characters")
        text, blank, signatures = whole.rpartition("\n\n")
        lines = signatures.split("\n")
        if not blank or lines.pop() or not lines:
            raise NoteError("not a note, wanted a text, a blank line and signature lines")
        if len(lines) > _MOST_SIGNATURES:
            raise NoteError(f"a note has {len(lines)} signatures, wanted at most {_MOST_SIGNATURES}")
        return cls(text + "\n", tuple(Signature.parse(line) for line in lines))

    def __str__(self) -> str:
        return self.text + "\n" + "".join(f"{signature}\n" for signature in self.signatures)

    def verify(self, *keys: VKey) -> list[tuple[VKey, Signature]]:
        """The signatures by these keys; those by others are ignored.

        Raises NoteError if there is none, or if one that says to be by a known key is not.
        """
        found = [(key, signature) for signature in self.signatures for key in keys if signature.is_by(key)]
        for key, signature in found:
            if not key.signed(self.text, signature):
                raise NoteError(f"the signature by {key.name} ({key.key_id.hex()}) is not genuine")
        if not found:
            raise NoteError(f"not signed by {' or '.join(key.name for key in keys)}")
        return found

    def with_signatures(self, more: Iterable[Signature]) -> Self:
        """The note with further signatures at its end, each line once."""
        return type(self)(self.text, tuple(dict.fromkeys([*self.signatures, *more])))


def sign(text: str, *signers: Signer) -> Note:
    """``text`` signed by everyone given. Raises NoteError for a text that cannot be one of a note."""
    if not text.endswith("\n") or _CONTROL.search(text) or _HALVES.search(text):
        raise NoteError("the text of a note is UTF-8, ends in a newline and has no other control characters")
    return Note(text, tuple(Signature(s.vkey.name, s.vkey.key_id, s.sign(text.encode())) for s in signers))


def cosigned_message(text: str, time: int) -> bytes:
    """What a witness signs (tlog-cosignature, Ed25519): the checkpoint's text below a header and its POSIX time."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How large a log is, and its root hash at that size."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a checkpoint's note. Raises NoteError."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise NoteError("not a checkpoint, wanted an origin, a size and a root hash, each on a line")
        if not _SIZE.fullmatch(lines[1]):
            raise NoteError(f"a checkpoint has the size {lines[1][:40]!r}, wanted a decimal number")
        found = _decoded(lines[2])
        if len(found) != HASH_SIZE:
            raise NoteError(f"a checkpoint has a root hash of {len(found)} bytes, wanted {HASH_SIZE}")
        return cls(lines[0], int(lines[1]), found, tuple(lines[3:]))

    @property
    def text(self) -> str:
        """The text that is signed."""
        return "".join(f"{line}\n" for line in (self.origin, self.size, _encoded(self.root), *self.extensions))


@dataclass(frozen=True, slots=True)
class Proof:
    """That a leaf stands at a place in a log (tlog-proof): all that is needed to check it, but for the keys."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: Note
    extra: bytes = field(default=b"")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a proof as it is written. Raises NoteError."""
        head, blank, note = text.partition("\n\n")
        lines = head.split("\n")
        if not blank or lines.pop(0) != _PROOF:
            raise NoteError(f"not a proof, wanted {_PROOF} in its first line")
        extra = _decoded(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else b""
        index = lines.pop(0) if lines else ""
        if not index.startswith("index ") or not _SIZE.fullmatch(index[6:]):
            raise NoteError("a proof has no index")
        hashes = tuple(_hash(line) for line in lines)
        return cls(int(index[6:]), hashes, Note.parse(note), extra)

    def __str__(self) -> str:
        extra = [f"extra {_encoded(self.extra)}"] if self.extra else []
        lines = [_PROOF, *extra, f"index {self.index}", *hash_lines(self.hashes)]
        return "\n".join(lines) + f"\n\n{self.checkpoint}"

    def verify(self, leaf: bytes, *keys: VKey) -> Checkpoint:
        """The checkpoint by which the leaf with the hash ``leaf`` is in the log. Raises NoteError if it is not so."""
        self.checkpoint.verify(*keys)
        head = Checkpoint.parse(self.checkpoint.text)
        if not verify_inclusion(leaf, self.index, head.size, self.hashes, head.root):
            raise NoteError(f"the proof does not lead from leaf {self.index} to the root of {head.size} leaves")
        return head


def hash_lines(hashes: Sequence[bytes]) -> list[str]:
    """Hashes as proofs write them: base64, one a line."""
    return [_encoded(item) for item in hashes]


def _hash(line: str) -> bytes:
    found = _decoded(line)
    if len(found) != HASH_SIZE:
        raise NoteError(f"a proof has a hash of {len(found)} bytes, wanted {HASH_SIZE}")
    return found


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not _NO_NAME.search(name)


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _decoded(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError(f"not base64: {text[:80]!r}") from error
    if _encoded(raw) != text:  # one way only to write it
        raise NoteError(f"not canonical base64: {text[:80]!r}")
    return raw
