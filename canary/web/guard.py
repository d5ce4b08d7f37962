"""Before anything is answered: was it meant for us, by nobody's page but our own, by somebody who may.

A page that a person happens to look at can make his browser ask us. It can neither do anything here nor read anything:
Host is one of the names that we have (so no name of a stranger's that leads to our address, DNS rebinding), and what
a browser says of the page that asks (Origin, RFC 6454; Sec-Fetch-Site, W3C Fetch Metadata; Referer) is our own. That a
person follows a link to us from another page, a dashboard say, is right, and does nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response

from canary.web.access import Access, AccessRules

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")
_READS = ("GET", "HEAD")
_OPEN = re.compile(r"/metrics|/-/healthy|/-/ready|/evidence/(?!tile/entries(?:/|\Z)).*")
"""What is answered without the token; all else, and every page that comes, asks for it."""
_SIGNED = re.compile(r"/hooks/[^/]+")
"""What is answered without token and password: systems that push can show neither, but sign what they say."""
_ALWAYS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}


class Doorkeeper:
    """An application behind the rules in force."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        rules = self._access.rules
        told = _ALWAYS | dict(rules.headers)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(told)
            await send(message)

        refused = self._strange(scope, rules) or await _unknown(scope, rules)
        await (refused or self._app)(scope, receive, send_with_headers)

    def _strange(self, scope: Scope, rules: AccessRules) -> Response | None:
        headers = Headers(scope=scope)
        why = wrong_host(headers, rules, _local(scope)) or foreign_page(scope["method"], headers)
        if why is None:
            return None
        self._access.seldom.tell("a web request is refused", why=why)
        return PlainTextResponse(f"refused: {why}\n", status_code=403)


def _local(scope: Scope) -> str:
    """Our own address on the connection."""
    server = scope.get("server")
    return str(server[0]).lower() if server else ""


def wrong_host(headers: Headers, rules: AccessRules, local: str) -> str | None:
    """Why a request is not meant for us, by its Host; None if it is."""
    given = headers.getlist("host")
    match = _HOST.fullmatch(given[0]) if len(given) == 1 else None
    if match is None:
        return "it has no Host, more than one, or none that can be understood; want exactly one"
    host = match[1].strip("[]").lower().removesuffix(".")
    if rules.knows_host(host, local):
        return None
    return f"Host is {host}, want localhost, the address that we listen on, or a name of web.hosts"


def foreign_page(method: str, headers: Headers) -> str | None:
    """Why a request comes from somebody else's page; None if it does not, or only follows a link from there."""
    own = headers["host"].lower()
    mode, destination = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    is_link = method in _READS and mode == "navigate" and destination == "document"
    site = headers.get("sec-fetch-site", "none")
    if site not in ("none", "same-origin") and not is_link:
        return "a page of another site asks for it (Sec-Fetch-Site), want it asked for by none, or by our own"
    for name in ("origin", "referer"):
        if name == "referer" and method in _READS:
            continue  # a link, which older browsers tell in no other way; what is read stays unseen by that page
        if any(_of(value) != own for value in headers.getlist(name)):
            return f"a page of another site asks for it ({name.title()}), want it asked for by none, or by our own"
    return None


def _of(address: str) -> str | None:
    """Host and port of a page, as they stand in a Host header to it; None if it is none."""
    try:
        return urlsplit(address).netloc.lower() or None
    except ValueError:
        return None


async def _unknown(scope: Scope, rules: AccessRules) -> Response | None:
    """What is answered to somebody who may not have this; None if he may."""
    if _SIGNED.fullmatch(scope["path"]):
        return None
    authorization = Headers(scope=scope).get("authorization", "")
    if rules.has_token(authorization):
        return None
    if rules.token is not None and not _OPEN.fullmatch(scope["path"]):
        return _ask("Bearer", "want the token of web.token: Authorization: Bearer TOKEN")
    if rules.passwords and not await rules.passwords.admit(authorization):
        return _ask("Basic", "want a name and a password of basic_auth_users")
    return None


def _ask(scheme: str, wanted: str) -> Response:
    challenge = {"WWW-Authenticate": f'{scheme} realm="cpr-canary"'}
    return PlainTextResponse(f"refused: {wanted}\n", status_code=401, headers=challenge)
