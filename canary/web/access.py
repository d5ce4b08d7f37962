"""Who may ask our web server, and what for: made whole from the configuration, then put in force at once."""

from __future__ import annotations

import hmac
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from canary.clock import Clock
from canary.config import ConfigError
from canary.config.sections import Web
from canary.model import Component, OwnFaultError
from canary.settings import Secret, is_loopback
from canary.threads import in_thread
from canary.web import file
from canary.web.passwords import Passwords
from canary.web.seldom import Seldom

_LONG_ENOUGH = 16
_NO_BEARER = re.compile(r"[^!-~]")
_LOOK_AGAIN = 1.0

_log = structlog.get_logger("canary.web")


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What holds: ``hosts`` are names and addresses by which we may be asked, ``headers`` stand in each answer."""

    hosts: frozenset[str]
    token: bytes | None = field(repr=False)
    passwords: Passwords
    headers: Mapping[str, str]
    tls: ssl.SSLContext | None

    def told(self) -> str:
        """What holds, in a few words for whoever checks a configuration."""
        asked = [("a token", self.token), ("names and passwords", self.passwords)]
        wanted = [what for what, there in asked if there] or ["nothing"]
        return f"{'TLS' if self.tls else 'in the clear'}, asks for {' and '.join(wanted)}"

    def knows_host(self, host: str, local: str) -> bool:
        """Whether we may be asked by this name; ``local`` is our own address on the connection."""
        return host in self.hosts or is_loopback(host) or host == local

    def has_token(self, authorization: str) -> bool:
        """Whether an Authorization header (RFC 6750) has the token; compared in constant time."""
        scheme, _, given = authorization.partition(" ")
        return self.token is not None and scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), self.token)


def rules(web: Web) -> AccessRules:
    """What a section ``web`` wants. Raises ConfigError, or OwnFaultError for a secret or file that cannot be used."""
    hosts = frozenset({web.host.lower(), *(host.lower() for host in web.hosts)})
    return _with_file(AccessRules(hosts, _token(web.token), Passwords({}), {}, None), web.config_file)


def _token(secret: Secret | None) -> bytes | None:
    if secret is None:
        return None
    try:
        token = secret.reveal()
    except ValueError as error:
        raise OwnFaultError(Component.HTTP, "token", f"web.token: {error}") from None
    if len(token) < _LONG_ENOUGH or _NO_BEARER.search(token):
        wanted = f"at least {_LONG_ENOUGH} printable ASCII characters without a space"
        raise OwnFaultError(Component.HTTP, "token", f"web.token is shorter or has others, want {wanted}")
    return token.encode()


def _with_file(rules: AccessRules, path: Path | None) -> AccessRules:
    if path is None:
        return rules
    found = file.read(path)
    try:
        tls = found.context()
    except OSError as error:
        raise OwnFaultError(Component.HTTP, "tls", f"{path}: tls_server_config cannot be used: {error}") from error
    return replace(
        rules,
        passwords=Passwords(found.basic_auth_users),
        headers={str(name): value for name, value in found.http_server_config.headers.items()},
        tls=tls,
    )


class Access:
    """The rules in force. Another section ``web`` takes their place whole; files of the old one are read on change."""

    def __init__(self, web: Web, clock: Clock | None = None) -> None:
        """The rules of ``web`` come into force, its files being read now. Raises what :func:`rules` raises."""
        self._clock = clock or Clock()
        self.seldom = Seldom(self._clock)
        self._seen: tuple[object, ...] | None = _as_they_are(web.config_file)
        self.rules, self._web = rules(web), web

    def tls(self) -> ssl.SSLContext | None:
        """What the next connection is made with."""
        return self.rules.tls

    def change(self, web: Web, following: AccessRules) -> None:
        """From now on ``following`` holds, which :func:`rules` made of ``web``."""
        self.rules, self._web, self._seen = following, web, None

    async def follow_files(self) -> None:
        """Read the web configuration file again when it, a certificate or a key is another one; until cancelled.

        What cannot be used is told, and looked at again; the rules in force stay.
        """
        while True:
            await self._clock.sleep(_LOOK_AGAIN)
            web, seen = self._web, self._seen
            if web.config_file is None:
                continue
            now = await in_thread(lambda path=web.config_file: _as_they_are(path))  # type: ignore[misc]  # mypy infers no default
            if now == seen:
                continue
            try:
                following = await in_thread(lambda path=web.config_file: _with_file(self.rules, path))  # type: ignore[misc]
            except (ConfigError, OwnFaultError) as error:
                self.seldom.tell(
                    "the web configuration file cannot be used, what was read before stays", error=str(error)
                )
                continue
            if web is self._web:  # or a reload came between
                self.rules, self._seen = following, now
                if seen is not None:
                    _log.info("web configuration file read again", file=str(web.config_file))


def _as_they_are(path: Path | None) -> tuple[object, ...]:
    """What tells whether the file at ``path``, or one that it names, is another one now."""
    if path is None:
        return ()
    try:
        files = [path, *file.read(path).files()]
    except ConfigError:
        files = [path]
    return tuple(_stamp(found) for found in files)


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return str(path), found.st_ino, found.st_size, found.st_mtime_ns
