"""Tokens of any token server (RFC 6749), by a refresh token or by the client's own credentials.

oauthlib makes the question and reads the answer. It has no HTTP and needs no other package, so what is asked goes our
way, within our budget; authlib asks by a client of its own, whose answers nobody counts.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

import structlog

from canary.oauth.asking import Asking
from canary.outside import HttpAnswer
from canary.settings import GenericAuth, Secret

_log = structlog.get_logger(__name__)
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class Generic:
    """Asks one token server. It may give another refresh token with each answer, which counts from then on."""

    def __init__(self, auth: GenericAuth) -> None:
        self._auth = auth
        self._given, self._newest, self._is_told = "", "", False

    def __call__(self, asking: Asking) -> Mapping[str, Any]:
        """A token server's answer (RFC 6749 section 5.1). Raises TokenError, and what oauthlib raises for garbage."""
        from oauthlib.oauth2 import OAuth2Error  # only who logs in so needs it
        from oauthlib.oauth2.rfc6749.parameters import parse_token_response

        said = self._asked(asking)
        try:
            answer: Mapping[str, Any] = parse_token_response(said.text)
        except OAuth2Error as error:
            raise asking.refused(self._auth.token_url, error.error, error.description) from error
        newest = answer.get("refresh_token")
        if self._auth.refresh_token is not None and isinstance(newest, str) and newest not in ("", self._newest):
            self._keep(newest, self._auth.refresh_token)
        return answer

    def _asked(self, asking: Asking) -> HttpAnswer:
        from oauthlib.oauth2.rfc6749.parameters import prepare_token_request

        auth, headers, more = self._auth, dict(FORM), dict[str, Any]()
        secret = asking.reveal(auth.client_secret, "client_secret") if auth.client_secret is not None else None
        by_header = secret is not None and auth.client_auth == "basic"
        if secret is not None and by_header:
            pair = f"{quote_plus(auth.client_id)}:{quote_plus(secret)}"  # RFC 6749 section 2.3.1
            headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
        elif secret is not None:
            more["client_secret"] = secret
        if auth.refresh_token is not None:
            more["refresh_token"] = self._refresh_token(asking)
        if auth.audience is not None:
            more["audience"] = auth.audience
        if auth.scopes:
            more["scope"] = list(auth.scopes)
        grant = "client_credentials" if auth.refresh_token is None else "refresh_token"
        body = prepare_token_request(grant, include_client_id=not by_header, client_id=auth.client_id, **more)
        return asking.ask(auth.token_url, auth.token_url, headers, body.encode())

    def _keep(self, newest: str, secret: Secret) -> None:
        """Go by another refresh token from now on, and after a restart."""
        self._newest = newest
        if newest.isprintable() and secret.keep(newest):
            self._given = newest
        elif not self._is_told:
            self._is_told = True
            _log.warning(
                "the token server gave another refresh token, which is lost with this process: "
                "give auth.refresh_token as a file in a folder that can be written",
                token_url=self._auth.token_url,
            )

    def _refresh_token(self, asking: Asking) -> str:
        """The newest one that the token server gave, until the operator gives another one."""
        assert self._auth.refresh_token is not None
        given = asking.reveal(self._auth.refresh_token, "refresh_token")
        if given != self._given:
            self._given, self._newest = given, given
        return self._newest
