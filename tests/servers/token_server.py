"""A token server on loopback, with TLS: it gives, ends and revokes tokens, and is as bad at it as a test wants.

It speaks as three providers do: RFC 6749 at ``/token``, Microsoft Entra ID below ``/TENANT/``, Google's exchange of a
signed assertion (RFC 7523) at ``/google``. Mail servers ask it without TLS whether a token is good (RFC 7662).
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import trustme
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from canary.clock import Clock

TENANT = "11111111-2222-3333-4444-555555555555"
Behaviour = Callable[[BaseHTTPRequestHandler], None]


@cache
def rsa_key() -> str:
    """A private key in PEM, made once: it takes a while."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@dataclass
class Given:
    """A token that was given."""

    value: str
    ends: float
    expires: datetime
    mailboxes: tuple[str, ...]
    revoked: bool = False


@dataclass(frozen=True)
class Asked:
    """What was asked of the token server: its path, its form, and its headers in small letters."""

    path: str
    form: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)


class TokenServer:
    """Gives tokens of ``life`` seconds for ``mailboxes``. Everything it does wrong is set on it, and ends by heal."""

    def __init__(self, authority: trustme.CA) -> None:
        self._authority, self._lock = authority, threading.Lock()
        self._clock, self._clients = Clock(), count()
        self._servers: list[ThreadingHTTPServer] = []
        self.over = threading.Event()
        self.asked: list[Asked] = []
        self.given: list[Given] = []
        self.refresh_tokens = {"refresh-1"}
        self.heal()

    def heal(self) -> None:
        """As on the first day."""
        self.life: float | str | None = 3600
        self.mailboxes: tuple[str, ...] = ("desk", "alice")
        self.tenant = TENANT
        self.roles: tuple[str, ...] = ("IMAP.AccessAsApp", "SMTP.SendAsApp")
        self.rotates = False
        self.padding = 0
        self.refusal: tuple[int, Mapping[str, Any]] | None = None
        self.behaviour: Behaviour | None = None
        self.token_endpoint: str | None = None
        with self._lock:
            self.asked.clear()
            self.given.clear()
            self.refresh_tokens = {"refresh-1"}

    # Where it is

    @property
    def url(self) -> str:
        """Its address, over TLS."""
        return f"https://localhost:{self._servers[0].server_port}"

    @property
    def introspection(self) -> str:
        """Where mail servers ask after a token."""
        return f"http://127.0.0.1:{self._servers[1].server_port}/introspect"

    def generic(self, **changes: Any) -> dict[str, Any]:
        """The ``auth`` of a configuration that asks it by a new client's own credentials; a PEM file is to be added."""
        client = {"client_id": f"canary-{next(self._clients)}", "client_secret": {"env": "PATH"}}
        return {"kind": "oauth", "token_url": f"{self.url}/token", **client, **changes}

    def microsoft(self, **changes: Any) -> dict[str, Any]:
        """The ``auth`` of an application that is registered with Microsoft, likewise."""
        client = {"tenant": TENANT, "client_id": f"canary-{next(self._clients)}", "authority": self.url}
        proof = {} if "certificate" in changes else {"secret": {"env": "PATH"}}
        return {"kind": "microsoft", **client, **proof, **changes}

    def google_key(self, **changes: Any) -> str:
        """The key of a service account, as Google gives it; its token server is this one."""
        account = {"client_email": "canary@project.iam.gserviceaccount.com", "private_key_id": "k1", "client_id": "1"}
        return json.dumps(
            {
                "type": "service_account",
                "private_key": rsa_key(),
                "token_uri": f"{self.url}/google",
                **account,
                **changes,
            }
        )

    def __enter__(self) -> Self:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        for trust in (context, None):
            server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
            server.daemon_threads = True
            if trust is not None:
                server.socket = trust.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            self._servers.append(server)
            threading.Thread(target=server.serve_forever, args=(0.05,), name="token server", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    # What it gives

    def revoke(self) -> None:
        """Every token that was given so far is good for nothing."""
        for given in self.given:
            given.revoked = True

    def is_good(self, value: str) -> Given | None:
        """The token, if it was given, and neither has ended nor was revoked."""
        now = self._clock.monotonic()
        return next((g for g in self.given if g.value == value and not g.revoked and now < g.ends), None)

    def answer(self, asked: Asked) -> tuple[int, Mapping[str, Any]]:
        """What is answered where nothing is set that it does wrong."""
        if asked.path.endswith("/.well-known/openid-configuration"):
            return self._discovery(asked)
        if self.refusal is not None:
            return self.refusal
        wrong = self._wrong(asked)
        return (400, wrong) if wrong else (200, self._token(asked))

    def _discovery(self, asked: Asked) -> tuple[int, Mapping[str, Any]]:
        tenant = asked.path.split("/")[1]
        if tenant != self.tenant:
            said = f"AADSTS90002: Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
            return 400, {"error": "invalid_tenant", "error_description": said}
        endpoint = self.token_endpoint or f"{self.url}/{tenant}/oauth2/v2.0/token"
        authorize = f"{self.url}/{tenant}/oauth2/v2.0/authorize"
        return 200, {"token_endpoint": endpoint, "authorization_endpoint": authorize, "issuer": self.url}

    def _wrong(self, asked: Asked) -> Mapping[str, Any] | None:
        grant = asked.form.get("grant_type")
        if grant == "refresh_token" and asked.form.get("refresh_token") not in self.refresh_tokens:
            return {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
        known = ("refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        return None if grant in known else {"error": "unsupported_grant_type"}

    def _token(self, asked: Asked) -> Mapping[str, Any]:
        with self._lock:
            value = self._value(len(self.given))
            life = float(self.life) if isinstance(self.life, int | float) else 3600.0
            expires = self._clock.now() + timedelta(seconds=life)
            self.given.append(Given(value, self._clock.monotonic() + life, expires, self.mailboxes))
            answer: dict[str, Any] = {"access_token": value, "token_type": "Bearer"}
            if self.life is not None:
                answer["expires_in"] = self.life
            if "scope" in asked.form:
                answer["scope"] = asked.form["scope"]
            if self.rotates:
                self.refresh_tokens = {f"refresh-{len(self.given) + 1}"}
                answer["refresh_token"] = next(iter(self.refresh_tokens))
        return answer

    def _value(self, number: int) -> str:
        claims = {
            "tid": self.tenant,
            "roles": self.roles,
            "aud": "https://outlook.office365.com",
            "n": number,
            "pad": "x" * self.padding,
        }
        parts = ({"alg": "none"}, claims)
        return ".".join(
            [*(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts), "c2ln"]
        )

    def introspected(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """What is said of a token; in whose name, the mail server takes from the login."""
        given = self.is_good(form.get("token", ""))
        if given is None:
            return {"active": False}
        return {"active": True, "username": given.mailboxes[0], "scope": "mail"}


def _handler(server: TokenServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def do_GET(self) -> None:
            self._do(b"")

        def do_POST(self) -> None:
            self._do(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def _do(self, content: bytes) -> None:
            with suppress(OSError):
                parts = urlsplit(self.path)
                form = dict(parse_qsl(content.decode() or parts.query))
                if parts.path == "/introspect":
                    reply(self, 200, server.introspected(form))
                    return
                asked = Asked(parts.path, form, {name.lower(): value for name, value in self.headers.items()})
                server.asked.append(asked)
                if server.behaviour is not None:
                    server.behaviour(self)
                else:
                    reply(self, *server.answer(asked))

        def log_message(self, *_: Any) -> None:
            """Nothing is written down."""

    return Handler


def reply(handler: BaseHTTPRequestHandler, status: int, said: object, headers: Iterable[tuple[str, str]] = ()) -> None:
    """An answer: text and bytes as they are, anything else as JSON."""
    content = said if isinstance(said, bytes) else (said if isinstance(said, str) else json.dumps(said)).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(content)))
    for name, value in headers:
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(content)
