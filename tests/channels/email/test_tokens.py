"""Submission by tokens: to Postfix with Dovecot's SASL and a token server, and to servers that refuse them."""

from __future__ import annotations

import asyncio
import base64
import json
from threading import Event
from typing import Any

import pytest
from channels.email.submitting import channel, ours, send, transcript
from servers.ca_site import CaSite
from servers.smtp_script import SmtpScript

from canary.model import Component


@pytest.fixture
def jana(site: CaSite) -> dict[str, Any]:
    """The submission server of somebody who logs in by a token."""
    site.add_user("jana")
    site.add_user("anna")
    site.tokens.mailboxes = ("jana",)
    host, port = site.submission
    auth = {**site.tokens.generic(), "ca_file": str(site.ca_file)}
    return {
        "host": host, "port": port, "tls": "starttls", "ca_file": str(site.ca_file), "username": "jana", "auth": auth,
    }  # fmt: skip


@pytest.mark.parametrize("padding", [0, 2500], ids=["short", "as long as Microsoft's"])
async def test_a_message_is_submitted_by_a_token(site: CaSite, jana: dict[str, Any], padding: int) -> None:
    site.tokens.padding = padding
    submission = await send(to="anna@ca.test", **jana)
    assert submission.accepted, submission.reason
    said = transcript(submission)
    assert "C: AUTH OAUTHBEARER" in said
    assert site.tokens.given[0].value not in said
    assert base64.b64encode(site.tokens.given[0].value.encode())[:60].decode() not in said


async def test_check_says_what_was_got(site: CaSite, jana: dict[str, Any]) -> None:
    async with channel(**jana) as opened:
        said = await opened.check()
    assert f"AUTH by OAUTHBEARER ok (tenant {site.tokens.tenant}" in said
    assert "token until " in said
    assert site.tokens.given[0].value not in said


async def test_a_token_that_was_revoked_is_renewed_at_once(site: CaSite, jana: dict[str, Any]) -> None:
    async with channel(**jana) as opened:
        await opened.check()
        site.tokens.revoke()
        assert "ok (" in await opened.check()
    assert len(site.tokens.given) == 2


async def test_a_mailbox_that_takes_no_token_is_our_fault_with_what_to_change(
    site: CaSite, jana: dict[str, Any]
) -> None:
    site.tokens.mailboxes = ("boss",)
    submission = await send(to="anna@ca.test", **jana)
    assert ours(submission) == (Component.SMTP, "auth_failed")
    assert "look at username" in submission.reason
    assert f"shown was: tenant {site.tokens.tenant}" in submission.reason
    assert len(site.tokens.given) == 2


async def test_what_the_token_server_refuses_is_our_fault_with_what_to_change(
    site: CaSite, jana: dict[str, Any]
) -> None:
    site.tokens.refusal = 401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret."}
    submission = await send(to="anna@ca.test", **jana)
    assert ours(submission) == (Component.SMTP, "token_refused")
    assert "put the Value of the secret, not its ID" in submission.reason
    assert "connecting to" not in transcript(submission), "nobody is connected to without a token"


PROBLEM = base64.b64encode(json.dumps({"status": "401", "schemes": "Bearer", "scope": "https://mail.test/"}).encode())


@pytest.mark.parametrize(("method", "answer"), [("XOAUTH2", ""), ("OAUTHBEARER", base64.b64encode(b"\x01").decode())])
@pytest.mark.parametrize("padding", [0, 2500])
async def test_the_problem_with_a_token_is_answered_and_told(
    site: CaSite, method: str, answer: str, padding: int
) -> None:
    """An empty line for XOAUTH2, the one byte of RFC 7628 section 3.2.3 for OAUTHBEARER."""
    site.tokens.padding = padding
    told, refused = f"334 {PROBLEM.decode()}", "535 5.7.8 no such token"
    replies = {"EHLO": [f"250-x\r\n250 AUTH {method}"], answer: [refused], "AUTH": ["334 " if padding else told]}
    script = SmtpScript(replies, otherwise=told)
    async with script.running():
        auth = {**site.tokens.generic(), "ca_file": str(site.ca_file)}
        submission = await send(script.port, username="jana", auth=auth)
    assert ours(submission) == (Component.SMTP, "auth_failed")
    assert "535 5.7.8 no such token (status 401, scope https://mail.test/, schemes Bearer)" in submission.reason
    assert script.commands.count(answer) == 2, "one for each of two tokens"


async def test_a_token_server_that_hangs_is_told_and_holds_up_nobody_else(site: CaSite, jana: dict[str, Any]) -> None:
    over = Event()
    site.tokens.behaviour = lambda _: bool(over.wait(15))  # type: ignore[assignment]
    waiting = asyncio.ensure_future(send(to="anna@ca.test", within=3.0, **jana))
    async with SmtpScript().running() as other:
        assert (await send(other.port)).accepted
    assert not waiting.done()
    assert ours(await waiting) == (Component.SMTP, "token_unavailable")
    over.set()
