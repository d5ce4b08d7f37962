"""Signatures of mail providers (DKIM, RFC 6376 and 8463) on messages that were found: somebody else's word.

The keys come from the auditor, who asked for them in DNS. A copy whose signature verifies was sent, as it was found,
through whoever holds the key: the CA cannot have made it up, unless that is itself.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from .findings import RefusedError, require
from .limits import LARGEST_FIELD, MOST_SIGNATURES, MOST_SIGNED

PublicKey = RSAPublicKey | Ed25519PublicKey

_SHORTEST_RSA = 1024
"""Bits of a key that a signature counts by (RFC 8301 section 3.2)."""
_SPACES, _LINE_END, _TRAILING = re.compile(rb"[ \t]+"), re.compile(rb"\r\n|\n|\r"), re.compile(rb"[ \t]+(?=\r\n)")
_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SIGNATURE = re.compile(rb"((?:^|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")
"""The tag ``b`` of a signature's own field, which is signed as if it were empty."""


@dataclass(frozen=True)
class Signed:
    """A good signature: of which domain, by the key of which selector, and when, if it says so."""

    domain: str
    selector: str
    at: datetime | None


@dataclass(frozen=True)
class Keys:
    """The keys that the auditor brings, by the name under which DNS has them; a name may have had several."""

    by_name: Mapping[str, tuple[PublicKey, ...]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Keys:
        """A line a key: its name in DNS, a space, and the record as it stands there (RFC 6376 section 3.6.1), with or
        without the quotes of dig. Raises RefusedError that names the line."""
        found: dict[str, list[PublicKey]] = {}
        for number, line in enumerate(text.splitlines(), 1):
            name, _, record = line.strip().partition(" ")
            if not name or name.startswith("#"):
                continue
            try:
                key = _key("".join(re.findall(r'"([^"]*)"', record)) if '"' in record else record)
            except (RefusedError, ValueError, UnsupportedAlgorithm) as error:
                raise RefusedError(f"line {number}: no key of {name!r:.80}: {error}") from error
            found.setdefault(name.lower().rstrip("."), []).append(key)
        return cls({name: tuple(keys) for name, keys in found.items()})


@dataclass
class Providers:
    """Whose signatures the copies of reports carry that were found, as they are looked at."""

    keys: Keys
    copies: int = 0
    signed: Counter[str] = field(default_factory=Counter)
    """By domain: how many of the copies it signed."""
    wanted: Counter[str] = field(default_factory=Counter)
    """By name in DNS: how many name a key there that was not given."""

    def look(self, raw: bytes) -> None:
        """Look at one copy more, by all keys."""
        self.copies += 1
        self.signed.update({good.domain for good in signed(raw, self.keys)})
        self.wanted.update(name for name in names(raw) if name not in self.keys.by_name)

    def to_json(self) -> dict[str, Any]:
        """What was found, for machines."""
        return {"copies": self.copies, "signed": dict(self.signed), "keys_wanted": dict(self.wanted)}


def names(raw: bytes) -> list[str]:
    """Under which names DNS has the keys of a message's signatures."""
    return list(dict.fromkeys(f"{tags['s']}._domainkey.{tags['d']}".lower() for _, tags in _signatures(raw)))


def signed(raw: bytes, keys: Keys) -> list[Signed]:
    """The signatures of a message that are good by one of the keys."""
    return [
        Signed(tags["d"].lower(), tags["s"].lower(), _time(tags.get("t")))
        for index, tags in _signatures(raw)
        for key in (keys.by_name.get(f"{tags['s']}._domainkey.{tags['d']}".lower(), ()))
        if _is_good(raw, index, tags, key)
    ]


def _key(record: str) -> PublicKey:
    tags = _tags(record)
    require(tags.get("v", "DKIM1") == "DKIM1" and "p" in tags, "it has no tag 'p' of DKIM1")
    content = _decoded(tags["p"])
    require(bool(content), "it was revoked")
    if tags.get("k", "rsa") == "ed25519":
        return Ed25519PublicKey.from_public_bytes(content)
    key = load_der_public_key(content)
    require(isinstance(key, RSAPublicKey), "it is no RSA key")
    assert isinstance(key, RSAPublicKey)
    require(key.key_size >= _SHORTEST_RSA, f"it has {key.key_size} bits, wanted are {_SHORTEST_RSA} at least")
    return key


def _signatures(raw: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """The place of each signature among the fields, and its tags; those that say too little are left out."""
    number = 0
    for index, one in enumerate(_fields(raw)[0]):
        if _name(one) != b"dkim-signature" or (number := number + 1) > MOST_SIGNATURES:
            continue
        try:
            tags = _tags(one.partition(b":")[2].decode("ascii"))
        except (RefusedError, UnicodeDecodeError):
            continue
        if {"a", "b", "bh", "d", "h", "s"} <= tags.keys():
            yield index, tags


def _is_good(raw: bytes, index: int, tags: Mapping[str, str], key: PublicKey) -> bool:
    """Whether a signature is over the whole message as it stands."""
    fields, body = _fields(raw)
    header_way, _, body_way = tags.get("c", "simple/simple").lower().partition("/")
    wanted = [name.strip().lower().encode() for name in tags["h"].split(":")]
    right = {"rsa-sha256": RSAPublicKey, "ed25519-sha256": Ed25519PublicKey}.get(tags["a"].lower())
    if right is None or not isinstance(key, right) or "l" in tags or b"from" not in wanted:
        return False  # one with l says nothing of what follows the first so many bytes
    if sum(_name(one) == b"from" for one in fields) != 1:
        return False  # another one above it would be what people see, and is not signed
    if len(wanted) > MOST_SIGNED or not {header_way, body_way or "simple"} <= {"simple", "relaxed"}:
        return False
    try:
        same = sha256(_body(body, relaxed=body_way == "relaxed")).digest() == _decoded(tags["bh"])
        content = _header(fields, index, wanted, relaxed=header_way == "relaxed")
        return same and _verifies(key, _decoded(tags["b"]), content)
    except RefusedError:
        return False


def _verifies(key: PublicKey, signature: bytes, content: bytes) -> bool:
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, sha256(content).digest())  # RFC 8463 section 3
        else:
            key.verify(signature, content, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _fields(raw: bytes) -> tuple[list[bytes], bytes]:
    """The header's fields, each as it stands with its line end, and the body; every line end is CRLF."""
    head, _, body = _LINE_END.sub(b"\r\n", raw).partition(b"\r\n\r\n")
    return [one for one in re.split(rb"(?<=\n)(?![ \t])", head + b"\r\n") if one], body


def _name(one: bytes) -> bytes:
    return one.partition(b":")[0].strip().lower()


def _header(fields: list[bytes], index: int, wanted: list[bytes], *, relaxed: bool) -> bytes:
    """What is signed of the header: of fields of the same name the lowest first (RFC 6376 section 5.4.2)."""
    by_name: dict[bytes, list[bytes]] = {}
    for number, one in enumerate(fields):
        require(len(one) <= LARGEST_FIELD, "a field is too long")
        if number != index:
            by_name.setdefault(_name(one), []).append(one)
    picked = [by_name[name].pop() for name in wanted if by_name.get(name)]
    name, _, value = fields[index].partition(b":")
    own = name + b":" + _SIGNATURE.sub(rb"\1", value, count=1)
    if not own.endswith(b"\r\n"):
        own += b"\r\n"
    return b"".join(map(_relaxed, picked) if relaxed else picked) + (_relaxed(own) if relaxed else own)[:-2]


def _relaxed(one: bytes) -> bytes:
    """A field in the relaxed way (RFC 6376 section 3.4.2)."""
    name, _, value = one.partition(b":")
    return name.strip().lower() + b":" + _SPACES.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ") + b"\r\n"


def _body(body: bytes, *, relaxed: bool) -> bytes:
    """RFC 6376 sections 3.4.3 and 3.4.4."""
    if relaxed:
        body = _TRAILING.sub(b"", _SPACES.sub(b" ", body + b"\r\n"))
    body = body.rstrip(b"\r\n")
    return body + b"\r\n" if body or not relaxed else b""


def _tags(text: str) -> dict[str, str]:
    """RFC 6376 section 3.2. Raises RefusedError for a tag that is there twice, or is none."""
    found: dict[str, str] = {}
    for tag in filter(str.strip, text.split(";")):
        name, sign, value = (part.strip() for part in tag.partition("="))
        require(bool(sign) and bool(_TAG.fullmatch(name)) and name not in found, f"{tag.strip()!r:.80} is no tag")
        found[name] = value if name not in ("b", "bh", "p") else "".join(value.split())
    return found


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise RefusedError(f"is no base64: {error}") from error


def _time(text: str | None) -> datetime | None:
    return datetime.fromtimestamp(int(text), UTC) if text and re.fullmatch(r"[0-9]{1,11}", text, re.ASCII) else None
