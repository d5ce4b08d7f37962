"""A submission server belongs to the sender: what it refuses is our own fault, unless the CA's server is behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from channels.sending import login, ours, send
from servers.smtp_script import SmtpScript

from canary.model import Component, Failure

OFFER = "250-mail.probe.example\r\n250-PIPELINING\r\n250 AUTH PLAIN"
REFUSED = {
    "not allowed to send as": (
        "END",
        "554 5.2.252 SendAsDenied; u@probe.example not allowed to send as robin+x@probe.example",
        "sender_refused",
    ),
    "not allowed to send as, in lines": (
        "RCPT",
        "550-5.7.60 SMTP; Client does not have\r\n550 5.7.60 permissions to send as this sender",
        "sender_refused",
    ),
    "not allowed to send at all": ("MAIL", "550 5.7.1 your account has been suspended", "sender_refused"),
    "own quota": ("RCPT", "550 5.4.5 Daily user sending limit exceeded", "quota"),
    "own quota at MAIL": ("MAIL", "550 5.4.5 Daily user sending limit exceeded", "quota"),
    "own quota, in German": ("END", "554 Ihr t\xe4gliches Versandlimit ist erreicht", "quota"),
    "relay denied": ("RCPT", "550 5.7.1 Unable to relay", "relay_denied"),
    "relay denied at DATA": ("DATA", "554 5.7.1 <problems@ca.example>: Relay access denied", "relay_denied"),
    "authentication required": ("RCPT", "530 5.7.0 Authentication required", "auth_failed"),
    "authentication required at DATA": ("DATA", "530 5.7.1 Client was not authenticated", "auth_failed"),
    "outbound filter": ("END", "550 5.7.1 Outgoing mail was classified as spam", "message_refused"),
    "listed": ("RCPT", "554 5.7.1 Client host [192.0.2.9] blocked using dnsbl.example", "blocklisted"),
}


@pytest.mark.parametrize("logged_in", [True, False], ids=["with a login", "without"])
@pytest.mark.parametrize(("verb", "reply", "own_reason"), REFUSED.values(), ids=list(REFUSED))
async def test_what_the_provider_refuses_is_ours(
    verb: str, reply: str, own_reason: str, logged_in: bool, tmp_path: Path
) -> None:
    given: dict[str, Any] = login(tmp_path) if logged_in else {}
    async with SmtpScript({"EHLO": [OFFER], verb: [reply]}).running() as server:
        submission = await send(server.port, **given)
    assert ours(submission) == (Component.SMTP, own_reason)
    assert submission.attempts == 1


@pytest.mark.parametrize("verb", ["RCPT", "DATA", "END"])
@pytest.mark.parametrize("reply", ["550 5.1.1 user unknown", "552 5.3.4 Message too big", "554 nein"])
async def test_after_a_login_any_refusal_is_ours(verb: str, reply: str, tmp_path: Path) -> None:
    async with SmtpScript({"EHLO": [OFFER], verb: [reply]}).running() as server:
        submission = await send(server.port, **login(tmp_path))
        assert ours(submission)[0] is Component.SMTP
        said = await send(server.port, submits_to="ca", **login(tmp_path))
    assert (said.failure, said.component) == (Failure.REJECTED, None)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "END"])
async def test_a_provider_that_puts_off_for_ever_is_ours(verb: str, tmp_path: Path) -> None:
    async with SmtpScript({"EHLO": [OFFER], verb: ["452 4.3.1 Insufficient system storage"]}).running() as server:
        submission = await send(server.port, within=2.4, **login(tmp_path))
    assert ours(submission) == (Component.SMTP, "deferred")
    assert submission.attempts == 2


@pytest.mark.parametrize("verb", ["RCPT", "DATA", "END"])
@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 host mx.ca.example said: 550 5.1.1 user unknown",
        "550-5.1.1 mx.mail-host.example[203.0.113.9] said:\r\n550 5.1.1 550 no such user (in reply to RCPT TO command)",
        "550 5.0.0 Remote server returned '550 5.1.1 unknown'",
    ],
)
async def test_what_the_cas_server_said_through_the_provider_is_theirs(verb: str, reply: str, tmp_path: Path) -> None:
    async with SmtpScript({"EHLO": [OFFER], verb: [reply]}).running() as server:
        submission = await send(server.port, **login(tmp_path))
    assert (submission.failure, submission.component, submission.own_reason) == (Failure.REJECTED, None, None)
