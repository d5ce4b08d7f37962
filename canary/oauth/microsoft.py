"""Tokens of Microsoft Entra ID for an application's own rights, by msal, which is given our way to ask over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from canary.oauth.asking import Asking
from canary.oauth.token import TokenError
from canary.outside import HttpAnswer
from canary.settings import MicrosoftAuth


def from_microsoft(auth: MicrosoftAuth, asking: Asking) -> Mapping[str, Any]:
    """A token server's answer (RFC 6749 section 5.1). Raises TokenError, and what msal raises for garbage."""
    import msal  # only who logs in so needs it

    application = msal.ConfidentialClientApplication(
        auth.client_id,
        authority=f"{auth.authority.rstrip('/')}/{auth.tenant}",
        client_credential=_credential(auth, asking),
        http_client=_MsalHttp(auth.authority, asking),
        instance_discovery=False,  # it would ask another host whether this one is known
    )
    answer: Mapping[str, Any] = application.acquire_token_for_client([auth.scope])
    if "access_token" not in answer:
        raise asking.refused(auth.authority, answer.get("error"), answer.get("error_description"))
    return answer


def _credential(auth: MicrosoftAuth, asking: Asking) -> str | dict[str, str]:
    if auth.secret is not None:
        return asking.reveal(auth.secret, "secret")
    assert auth.certificate is not None
    pem = asking.reveal(auth.certificate, "certificate")
    _prove(pem.encode())
    return {"private_key": pem, "public_certificate": pem}


def _prove(pem: bytes) -> None:
    """Raise TokenError if the certificate and the key are not there, or do not belong to each other."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate

    try:
        key, certificate = load_pem_private_key(pem, password=None), load_pem_x509_certificate(pem)
    except (TypeError, ValueError):  # TypeError: it wants a password
        raise TokenError(
            "auth.certificate does not hold a certificate and its private key, want both in PEM and not encrypted"
        ) from None
    if not isinstance(key, RSAPrivateKey):
        raise TokenError("auth.certificate holds a key of another kind, want RSA: Microsoft takes no other")
    if key.public_key() != certificate.public_key():
        raise TokenError("auth.certificate holds a certificate and the private key of another one, want its own")


class _MsalHttp:
    """What msal asks with: the interface of its ``http_client``."""

    def __init__(self, origin: str, asking: Asking) -> None:
        self._origin, self._asking = origin, asking

    def post(self, url: str, params: Any = None, data: Any = None, headers: Any = None, **_: Any) -> _MsalAnswer:
        content = data if isinstance(data, bytes) else urlencode(data or {}).encode()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask(url, params, {**form, **(headers or {})}, content)

    def get(self, url: str, params: Any = None, headers: Any = None, **_: Any) -> _MsalAnswer:
        return self._ask(url, params, headers or {})

    def close(self) -> None:
        """There is nothing that is kept open."""

    def _ask(self, url: str, params: Any, headers: Mapping[str, str], content: bytes | None = None) -> _MsalAnswer:
        url = f"{url}?{urlencode(params)}" if params else url
        answer = self._asking.ask(url, self._origin, headers, content)
        if content is None and answer.status != 200:  # msal's words for that name neither code nor setting
            raise self._asking.refused(self._origin, f"{answer.status} {answer.reason[:50]}", answer.text)
        return _MsalAnswer(answer)


class _MsalAnswer:
    """An answer as msal reads it."""

    def __init__(self, answer: HttpAnswer) -> None:
        self.status_code, self.text = answer.status, answer.text
        self.headers: Mapping[str, str] = {}

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise TokenError(f"the token server answers {self.status_code}", away=True)
