"""Tokens of Microsoft Entra ID: msal, pointed at the tests' own token server."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
import trustme
from oauth.conftest import SECRET, got, refusal
from servers.token_server import TENANT, TokenServer, rsa_key

from canary.oauth import Tokens
from canary.oauth.words import AADSTS

Made = Callable[[dict[str, Any]], Tokens]
OTHER = "99999999-2222-3333-4444-555555555555"


def certificate(authority: trustme.CA, kind: trustme.KeyType = trustme.KeyType.RSA) -> str:
    """A certificate and its key, as an operator puts them into one file."""
    leaf = authority.issue_cert("canary.ca.test", key_type=kind)
    return (leaf.private_key_pem.bytes() + leaf.cert_chain_pems[0].bytes()).decode()


def test_by_a_secret(server: TokenServer, tokens: Made) -> None:
    token = got(tokens(server.microsoft(secret={"env": "SECRET"})))
    discovery, question = server.asked
    assert discovery.path == f"/{TENANT}/v2.0/.well-known/openid-configuration"
    assert question.form["grant_type"] == "client_credentials"
    assert question.form["scope"] == "https://outlook.office365.com/.default"
    assert question.form["client_secret"] == SECRET
    assert f"tenant {TENANT}" in token.told()
    assert "roles IMAP.AccessAsApp SMTP.SendAsApp" in token.told()


def test_by_a_certificate(
    server: TokenServer, tokens: Made, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTIFICATE", certificate(authority))
    got(tokens(server.microsoft(certificate={"env": "CERTIFICATE"})))
    question = server.asked[-1].form
    header, claims, _ = question["client_assertion"].split(".")
    assert "client_secret" not in question
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["x5t#S256"]
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["aud"] == f"{server.url}/{TENANT}/oauth2/v2.0/token"


@pytest.mark.parametrize("wrong", ["no PEM at all", "the key alone", "another one's key", "cut short", "no RSA"])
def test_a_certificate_that_cannot_prove_anything_is_told_before_anybody_is_asked(
    server: TokenServer, tokens: Made, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    whole = certificate(authority)
    held = {
        "no PEM at all": "hunter2",
        "the key alone": rsa_key(),
        "another one's key": rsa_key() + whole[whole.index("-----BEGIN CERTIFICATE") :],
        "cut short": whole[:400],
        "no RSA": certificate(authority, trustme.KeyType.ECDSA),
    }
    monkeypatch.setenv("CERTIFICATE", held[wrong])
    error = refusal(tokens(server.microsoft(certificate={"env": "CERTIFICATE"})))
    assert str(error).startswith("auth.certificate ")
    assert "want " in str(error)
    assert "hunter2" not in str(error)
    assert not server.asked


def test_a_wrong_tenant_is_told(server: TokenServer, tokens: Made) -> None:
    error = refusal(tokens(server.microsoft(tenant=OTHER)))
    assert "AADSTS90002" in str(error)
    assert "set auth.tenant" in str(error)
    assert not error.away


@pytest.mark.parametrize("code", [65001, 90033, 7000222])
def test_a_code_is_told_with_what_to_change(server: TokenServer, tokens: Made, code: int) -> None:
    said = f"AADSTS{code}: something. Trace ID: 1 Correlation ID: 2 Timestamp: 2026-11-28 12:00:00Z"
    server.refusal = 401, {"error": "invalid_client", "error_description": said, "error_codes": [code]}
    error = refusal(tokens(server.microsoft()))
    assert f"AADSTS{code}: something" in str(error)
    assert str(error).endswith(AADSTS[code])
    assert error.away == (code == 90033)


def test_a_secret_that_the_token_server_repeats_is_not_told(server: TokenServer, tokens: Made) -> None:
    server.refusal = 401, {"error": "invalid_client", "error_description": f"AADSTS7000215: {SECRET} is wrong"}
    error = refusal(tokens(server.microsoft(secret={"env": "SECRET"})))
    assert "<secret> is wrong" in str(error)
    assert SECRET not in str(error)


def test_a_token_endpoint_on_another_host_is_not_asked(server: TokenServer, tokens: Made) -> None:
    server.token_endpoint = f"https://login.evil.test/{TENANT}/oauth2/v2.0/token"
    error = refusal(tokens(server.microsoft(secret={"env": "SECRET"})))
    assert "sends us on to https://login.evil.test:443" in str(error)
    assert len(server.asked) == 1


def test_a_token_of_another_tenant_says_so(server: TokenServer, tokens: Made) -> None:
    server.tenant = OTHER
    token = got(tokens(server.microsoft(tenant=OTHER)))
    assert f"tenant {OTHER}" in token.told()
