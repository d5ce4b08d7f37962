"""What a ticket system pushes when something changes, a webhook: whether it is the system's own, and of now.

It is a hint to look at once, and nothing in it is read: who could forge or repeat it gains a look.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field

from canary.settings import Settings

_LONG_ENOUGH = 16
_WINDOW = timedelta(minutes=5)
"""How far the time of what is pushed may be from ours."""


class Webhook(Settings):
    """How a system shows that what it pushes is its own: in ``header``, by what both know.

    That is ``prefix`` and the HMAC (RFC 2104) of the body; or the secret itself, ``sign: secret``. ``time`` is the
    header of when it was pushed, by ISO 8601 or in seconds since 1970, which is signed before the body.
    """

    header: str
    sign: Literal["sha256", "sha1", "secret"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = Field("", max_length=40)
    time: str | None = None


def why_not_own(webhook: Webhook, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
    """Why what was pushed at ``now`` (UTC) is not taken for the system's own; None if it is.

    ``headers`` are found whatever case their names are in. Compared in constant time. Raises ValueError for a secret
    that can be guessed.
    """
    if len(secret) < _LONG_ENOUGH:
        raise ValueError(f"the secret of a webhook is shorter than {_LONG_ENOUGH} characters, want a longer one")
    given = headers.get(webhook.header, "")
    if not given.startswith(webhook.prefix):
        return f"{webhook.header} does not begin with {webhook.prefix}"
    shown = given.removeprefix(webhook.prefix)
    if webhook.sign == "secret":
        return None if hmac.compare_digest(shown.encode(), secret.encode()) else f"{webhook.header} is another secret"
    time = headers.get(webhook.time, "") if webhook.time else ""
    wanted = hmac.digest(secret.encode(), time.encode() + body, webhook.sign)
    if not hmac.compare_digest(_decoded(shown, webhook.encoding), wanted):
        return f"{webhook.header} is no signature of it by our secret"
    pushed = _parsed(time) if webhook.time else now
    if pushed is None or abs(now - pushed) > _WINDOW:
        return f"{webhook.time} is not within {_WINDOW.seconds // 60} minutes of our clock"
    return None


def _decoded(text: str, encoding: str) -> bytes:
    try:
        return bytes.fromhex(text) if encoding == "hex" else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""


def _parsed(text: str) -> datetime | None:
    try:
        if text.isascii() and text.isdigit():
            return datetime.fromtimestamp(int(text), UTC)
        parsed = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
