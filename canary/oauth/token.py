"""An access token, as a token server gave it: how long it is good for, and for what, as far as that can be seen."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from canary.budgets import TOKEN
from canary.clock import Clock
from canary.model import CanaryError

_VALUE = re.compile(r"[A-Za-z0-9._~+/!-]+=*")
"""What a token may consist of (RFC 6750 section 2.1, and ``!``, as Salesforce's have it); nothing else is put into a
login."""
_USUAL, _LONGEST = 3600.0, 86400.0
"""Seconds that a token is taken to be good for if that is not said (RFC 6749 section 5.1), and at most."""
RENEWED_AT = 0.8
"""The part of its life after which another one is asked for."""
_TOLD = {"tid": "tenant", "aud": "audience", "roles": "roles", "scp": "scopes", "upn": "account"}
"""Claims that are told, of a token that is a JWT (RFC 7519), by what they are called there."""
_SHOWN = 100


class TokenError(CanaryError):
    """No access token was had: in words that name what to change.

    ``away`` says that the token server could not be asked or could not answer, rather than that it refused.
    """

    def __init__(self, said: str, *, away: bool = False) -> None:
        super().__init__(said)
        self.away = away


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. Times are the clock's monotonic seconds, but for ``expires``, UTC."""

    value: str = field(repr=False)
    got: float
    renew: float
    ends: float
    expires: datetime
    scopes: str = ""
    """What the token server says that it is for; empty if it does not."""
    claims: Mapping[str, str] = field(default_factory=dict)
    """What the token itself says, by the names of :data:`_TOLD`; nothing that was proved."""

    @classmethod
    def of(cls, answer: Mapping[str, Any], clock: Clock) -> Token:
        """The token in a token server's answer (RFC 6749 section 5.1). Raises TokenError if there is none."""
        value, kind = answer.get("access_token"), answer.get("token_type", "Bearer")
        if not isinstance(value, str) or not _VALUE.fullmatch(value) or len(value) > (TOKEN.number or 0):
            raise TokenError("the token server gave no access token that can be used (RFC 6750 section 2.1)", away=True)
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise TokenError(f"the token server gave a token of type {_shown(kind)}, want Bearer")
        life, now = _life(answer.get("expires_in")), clock.monotonic()
        expires = clock.now() + timedelta(seconds=life)
        return cls(
            value, now, now + RENEWED_AT * life, now + life, expires, _shown(answer.get("scope") or ""), _claims(value)
        )

    def told(self) -> str:
        """What was got, for people; never the token itself."""
        known = {**({"scopes": self.scopes} if self.scopes else {}), **self.claims}
        facts = [f"{name} {what}" for name, what in known.items()]
        return ", ".join([*facts, f"token until {self.expires:%Y-%m-%dT%H:%M:%SZ}"])


def _life(stated: Any) -> float:
    """Seconds that a token is good for; some servers say the number as text."""
    try:
        life = float(stated)
        return min(life, _LONGEST) if life > 0 else 0.0  # no number (NaN) is none either
    except (TypeError, ValueError, OverflowError):
        return _USUAL


def _claims(value: str) -> dict[str, str]:
    """What a JWT says of itself, unverified: for diagnosis. Nothing of a token that is none."""
    parts = value.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    found = {name: claims.get(claim) for claim, name in _TOLD.items()} if isinstance(claims, dict) else {}
    return {name: _shown(what) for name, what in found.items() if what}


def _shown(what: Any) -> str:
    """Something foreign, short and printable."""
    text = " ".join(map(str, what)) if isinstance(what, list | tuple) else str(what)
    text = text[:_SHOWN]
    return text if text.isprintable() else ascii(text)
