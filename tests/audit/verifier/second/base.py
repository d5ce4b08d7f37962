"""What everything else here stands on: refusals, canonical JSON, base64, openssl."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")
"""What makes an Ed25519 key in 32 bytes a SubjectPublicKeyInfo (RFC 8410)."""


class Bad(Exception):  # noqa: N818  # a verdict, not an error
    """The bundle is refused."""


def must(good: object, why: str) -> None:
    if not good:
        raise Bad(why)


def digest(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def hexed(raw: bytes) -> str:
    return sha256(raw).hexdigest()


def unbase(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    must(base64.b64encode(raw).decode() == text, "base64 in another form")
    return raw


def parsed(raw: bytes) -> Any:
    """Canonical JSON."""
    value = json.loads(raw.decode())
    must(written(value).encode() == raw, "JSON in another form")
    return value


def written(value: Any) -> str:
    if isinstance(value, dict):
        order = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{written(key)}:{written(value[key])}" for key in order) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    if isinstance(value, float) or (type(value) is int and abs(value) >= 2**53):
        return _number(float(value))
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """ECMA-262, Number::toString."""
    must(abs(value) < float("inf"), "no finite number")
    if value == int(value) and abs(value) < 1e21:
        return str(int(Decimal(repr(value))))
    if 1e-6 <= abs(value) < 1e21:
        return format(Decimal(repr(value)), "f")
    mantissa, exponent = repr(value).split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"


def openssl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)


@lru_cache(maxsize=4096)
def genuine(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature is right, as openssl finds."""
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / part for part in ("key", "message", "signature")]
        for path, content in zip(paths, (ED25519_PREFIX + public, message, signature), strict=True):
            path.write_bytes(content)
        key, text, signed = map(str, paths)
        done = openssl("pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", key, "-in", text,
                       "-sigfile", signed)  # fmt: skip
    return done.returncode == 0
