"""The log's formats, read and verified: Merkle proofs (RFC 9162), signed notes, checkpoints, proofs (C2SP)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .findings import RefusedError, require

ED25519, COSIGNATURE = 0x01, 0x04
_HALVES = re.compile(r"[\ud800-\udfff]")  # of surrogate pairs: what is left of an argument that is no UTF-8
_SIZE = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf: SHA-256(0x00 || data), RFC 9162 section 2.1.1."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def check_inclusion(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> None:
    """RFC 9162 section 2.1.3.2. Raises RefusedError."""
    require(0 <= index < size, f"leaf {index} lies outside of a log of {size}")
    fn, sn, found = index, size - 1, leaf
    for step in proof:
        require(sn > 0, "the inclusion proof is too long")
        if fn & 1 or fn == sn:
            found = node_hash(step, found)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = node_hash(found, step)
        fn, sn = fn >> 1, sn >> 1
    require(sn == 0 and found == root, "the inclusion proof does not lead to the signed root")


def check_consistency(old: int, new: int, proof: list[bytes], old_root: bytes, new_root: bytes) -> None:
    """RFC 9162 section 2.1.4.2, for 0 < old < new. Raises RefusedError."""
    require(0 < old < new and bool(proof), f"no proof leads from {old} to {new} events")
    steps = proof if old & (old - 1) else [old_root, *proof]
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    found_old = found_new = steps[0]
    for step in steps[1:]:
        require(sn > 0, "the consistency proof is too long")
        if fn & 1 or fn == sn:
            found_old, found_new = node_hash(step, found_old), node_hash(step, found_new)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            found_new = node_hash(found_new, step)
        fn, sn = fn >> 1, sn >> 1
    require(sn == 0, "the consistency proof is too short")
    require(found_old == old_root, f"the log of {new} events does not begin with the signed one of {old}: a fork")
    require(found_new == new_root, f"the consistency proof does not lead to the signed root of {new} events")


@dataclass(frozen=True)
class Key:
    """A public key under a name: ``<name>+<hex id>+<base64(type || key)>``."""

    name: str
    type: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read a vkey. Raises RefusedError, also for an id that does not belong to the key."""
        name, _, rest = text.partition("+")
        number, _, encoded = rest.partition("+")
        require(not _HALVES.search(text), f"not a verifier key: {text!a:.80}")
        raw = decoded(encoded)
        require(bool(name) and len(raw) == 33 and raw[0] in (ED25519, COSIGNATURE), f"not a verifier key: {text:.80}")
        key = cls(name, raw[0], raw[1:])
        require(key.id.hex() == number, f"the key {name} has the id {key.id.hex()}, not {number:.20}")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encoded(bytes([self.type]) + self.public)}"

    @property
    def id(self) -> bytes:
        """The first four bytes of SHA-256(name || newline || type || key)."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public).digest()[:4]


@dataclass(frozen=True)
class Note:
    """A text and the signatures below it: name, key id, signature."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]

    @classmethod
    def parse(cls, raw: bytes) -> Note:
        """Read a signed note. Raises RefusedError."""
        whole = _text(raw)
        text, blank, lines = whole.rpartition("\n\n")
        require(bool(blank) and lines.endswith("\n"), "not a signed note")
        signatures, keys = [], set[tuple[str, bytes]]()
        for line in lines[:-1].split("\n"):
            dash, _, rest = line.partition(" ")
            name, _, encoded = rest.partition(" ")
            value = decoded(encoded)
            require(dash == "—" and bool(name) and len(value) > 4, f"not a signature line: {line:.80}")
            require((name, value[:4]) not in keys, f"has two signatures by {name:.80} ({value[:4].hex()})")
            keys.add((name, value[:4]))
            signatures.append((name, value[:4], value[4:]))
        return cls(text + "\n", tuple(signatures))

    def signed_at(self, key: Key) -> int | None:
        """When ``key`` signed, in POSIX seconds (0 where the signature has no time), or None if it did not.

        Raises RefusedError if a line says to be by the key and is not.
        """
        for name, number, signature in self.signatures:
            if (name, number) != (key.name, key.id):
                continue
            time, value, message = 0, signature, self.text.encode()
            if key.type == COSIGNATURE:
                time, value = int.from_bytes(signature[:8], "big"), signature[8:]
                message = f"cosignature/v1\ntime {time}\n{self.text}".encode()
            try:
                Ed25519PublicKey.from_public_bytes(key.public).verify(value, message)
            except InvalidSignature:
                raise RefusedError(f"the signature by {key.name} ({key.id.hex()}) is not genuine") from None
            return time
        return None


@dataclass(frozen=True)
class Head:
    """How large a log is, and its root hash at that size."""

    origin: str
    size: int
    root: bytes
    note: Note
    raw: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Head:
        """Read a signed checkpoint. Raises RefusedError."""
        note = Note.parse(raw)
        lines = note.text[:-1].split("\n")
        require(len(lines) == 3 and all(lines), "not a checkpoint, wanted origin, size and root hash, a line each")
        require(bool(_SIZE.fullmatch(lines[1])), f"not a size: {lines[1]:.40}")
        return cls(lines[0], int(lines[1]), a_hash(lines[2]), note, raw)


def read_proof(raw: bytes) -> tuple[bytes, int, list[bytes], bytes]:
    """``extra``, index, hashes and checkpoint of an inclusion proof (C2SP tlog-proof). Raises RefusedError."""
    head, blank, note = _text(raw).partition("\n\n")
    lines = head.split("\n")
    require(bool(blank) and lines.pop(0) == "c2sp.org/tlog-proof@v1", "not a tlog-proof")
    extra = decoded(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else b""
    index = lines.pop(0) if lines else ""
    require(index.startswith("index ") and bool(_SIZE.fullmatch(index[6:])), "a proof without an index")
    return extra, int(index[6:]), [a_hash(line) for line in lines], note.encode()


def read_consistency(raw: bytes) -> tuple[int, list[bytes], bytes]:
    """Old size, hashes and newer checkpoint of a consistency proof, as a witness is sent it. Raises RefusedError."""
    head, blank, note = _text(raw).partition("\n\n")
    lines = head.split("\n")
    old = lines.pop(0)
    good = bool(blank) and old.startswith("old ") and _SIZE.fullmatch(old[4:])
    require(bool(good), "not a consistency proof")
    return int(old[4:]), [a_hash(line) for line in lines], note.encode()


def a_hash(line: str) -> bytes:
    """A SHA-256 in base64. Raises RefusedError."""
    raw = decoded(line)
    require(len(raw) == 32, f"a hash of {len(raw)} bytes")
    return raw


def decoded(text: str) -> bytes:
    """Base64 that is written the one right way. Raises RefusedError."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedError(f"not base64: {text:.80}") from error
    require(encoded(raw) == text, f"not canonical base64: {text:.80}")
    return raw


def encoded(raw: bytes) -> str:
    """``raw`` in base64 with padding (RFC 4648 section 4)."""
    return base64.b64encode(raw).decode("ascii")


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError("not UTF-8") from error
    require(all(character >= " " or character == "\n" for character in text), "control characters in a text")
    return text
