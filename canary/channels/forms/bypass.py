"""An agreed way around a form's CAPTCHA: each request to the form's own host is signed, for that request and a minute.

The header is ``v1.EXPIRES.NONCE.MAC``: until when it holds (POSIX seconds), 16 hexadecimal digits that are used once,
and in hexadecimal the HMAC-SHA-256 (RFC 2104) by the agreed key over these lines, joined by LF: ``v1``, EXPIRES, NONCE,
the method, the host as in the Host header in lower case, the path without its query. The
other side is in ``docs/captcha-bypass/``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from hmac import digest
from random import Random
from urllib.parse import urlsplit

from canary.channels import Resources
from canary.channels.forms.home import Address, Home
from canary.channels.forms.settings import BypassSettings, FormSettings
from canary.model import Component, OwnFaultError

HEADER = "CPR-Canary-Bypass"
_SHORTEST = 32
"""Characters of a key that nobody finds by trying."""


class Bypass:
    """Signs the requests of one form's visits."""

    def __init__(self, settings: BypassSettings, url: str, now: Callable[[], datetime], rng: Random) -> None:
        """Raises OwnFaultError(CONFIG) for a key that is not there, or too short."""
        self._own, self._seconds, self._now, self._rng = Home(url, ()), settings.valid_for, now, rng
        try:
            self._key = settings.key.reveal()
        except (OSError, ValueError) as error:
            raise OwnFaultError(Component.CONFIG, "secret_missing", f"bypass.key: {error}") from error
        if len(self._key) < _SHORTEST:
            said = f"bypass.key has {len(self._key)} characters, want {_SHORTEST} at least"
            raise OwnFaultError(Component.CONFIG, "bypass_key", said)

    def headers(self, method: str, url: str, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers of a request as it is to be sent: signed on its way to the form's own host, else never."""
        others = {name: value for name, value in headers.items() if name.lower() != HEADER.lower()}
        there = Address.of(url)
        if there is None or not self._own.has(url):
            return others
        return others | {HEADER: self._signed(method, there.place, urlsplit(url).path or "/")}

    def _signed(self, method: str, host: str, path: str) -> str:
        head = ["v1", str(int(self._now().timestamp() + self._seconds)), f"{self._rng.getrandbits(64):016x}"]
        said = "\n".join([*head, method.upper(), host, path])
        return ".".join([*head, digest(self._key.encode(), said.encode(), "sha256").hex()])


def bypass_of(settings: FormSettings, resources: Resources) -> Bypass | None:
    """What signs the requests of that form; None where nothing is agreed. Raises OwnFaultError(CONFIG)."""
    if settings.bypass is None:
        return None
    return Bypass(settings.bypass, settings.url, resources.clock.now, resources.rng)
