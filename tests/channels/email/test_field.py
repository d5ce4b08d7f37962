"""Submission servers as they are in the field: they offer what they cannot do, and are slow; the report is sent."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from channels.sending import PASSWORD, channel, login, ours, prepared, send
from servers.smtp_liar import WAYS, SmtpLiar
from servers.smtp_script import DROP, HANG, LATER, SmtpScript

from canary.budgets import Budget
from canary.channels.email import connection
from canary.model import Component

NAME = b64encode(b"u@probe.example").decode()
PROOF = b64encode(PASSWORD.encode()).decode()
PLAIN = b64encode(f"\0u@probe.example\0{PASSWORD}".encode()).decode()
ASKED = "334 VXNlcm5hbWU6"
"""The challenge of AUTH LOGIN for the name."""


def script(**replies: list[str]) -> SmtpScript:
    """A server that offers PLAIN and LOGIN, and takes LOGIN response by response, unless it is told."""
    usual = {
        "EHLO": ["250-mail.probe.example\r\n250 AUTH LOGIN PLAIN"],
        NAME.upper(): ["334 UGFzc3dvcmQ6"],
        PROOF.upper(): ["235 2.7.0 welcome"],
    }
    return SmtpScript(usual | replies)


# Pipelining


@pytest.mark.parametrize("way", list(WAYS))
async def test_a_server_that_is_not_up_to_pipelining_is_told_one_command_at_a_time(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SMTP_TOGETHER", Budget("a reply", seconds=0.2))
    async with SmtpLiar(way).running() as server, channel(server.port) as opened:
        for number in (1, 2, 3):
            sent = await opened.submit(prepared(opened), within=30)
            assert sent.accepted, sent
            assert (len(server.messages), server.connections) == (number, 2), "it is remembered"
    assert len(set(server.messages)) == 3


async def test_a_server_that_takes_nothing_either_way_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SMTP_TOGETHER", Budget("a reply", seconds=0.1))
    offer = {"EHLO": ["250-x\r\n250 PIPELINING"], "RCPT": ["503 5.5.1 bad sequence of commands"]}
    async with SmtpScript(offer).running() as server:
        submission = await send(server.port, submits_to="provider")
    assert ours(submission) == (Component.SMTP, "recipient_refused")
    assert submission.attempts == 1
    assert server.connections == 2


# AUTH


@pytest.mark.parametrize(
    ("auth", "attempt"),
    [
        pytest.param({"EHLO": ["250-x\r\n250 AUTH LOGIN"], "AUTH": [ASKED]}, 1, id="LOGIN without initial response"),
        pytest.param({"EHLO": ["250-x\r\n250 AUTH=LOGIN"], "AUTH": [ASKED]}, 1, id="in the old form"),
        pytest.param({"AUTH": ["535 5.7.8 no", ASKED]}, 1, id="PLAIN always refused"),
        pytest.param({"AUTH": ["504 5.5.4 unrecognized", ASKED]}, 1, id="PLAIN not known"),
        pytest.param({"AUTH": ["501 5.5.2 syntax", "504 what?", ASKED]}, 1, id="PLAIN not understood"),
        pytest.param(
            {"AUTH": ["501 no initial response", "334 ", ASKED], PLAIN.upper(): ["235 ok"]}, 1, id="PLAIN asks"
        ),
        pytest.param({"AUTH": ["334 "], PLAIN.upper(): ["235 ok"]}, 1, id="PLAIN forgets its response"),
        pytest.param({"AUTH": [DROP, ASKED]}, 1, id="PLAIN hangs up"),
        pytest.param({"AUTH": ["421 4.7.0 bye", ASKED]}, 1, id="PLAIN is sent away"),
        pytest.param({"AUTH": [HANG, ASKED]}, 1, id="PLAIN says nothing"),
        pytest.param({"AUTH": ["334 ", ASKED], PLAIN.upper(): ["334 more"]}, 1, id="PLAIN never ends"),
        pytest.param({"AUTH": ["535 5.7.8 no", DROP, ASKED]}, 1, id="PLAIN refused, then hung up"),
        pytest.param(
            {"EHLO": ["250-x\r\n250 AUTH LOGIN"], "AUTH": ["501 want a name", "334 UGFzc3dvcmQ6"]},
            1,
            id="LOGIN at once",
        ),
        pytest.param({"AUTH": ["454 4.7.0 for the moment", "454 4.7.0 too", "235 ok"]}, 2, id="for a moment"),
    ],
)
async def test_a_method_that_works_is_found(auth: dict[str, list[str]], attempt: int, tmp_path: Path) -> None:
    async with script(**auth).running() as server:
        submission = await send(server.port, timeout="500ms", **login(tmp_path))
    assert submission.accepted, submission.artefacts[0][1].decode()
    assert submission.attempts == attempt
    told = submission.artefacts[0][1].decode() + repr(submission)
    assert not any(secret in told for secret in (PASSWORD, PROOF, PLAIN))


@pytest.mark.parametrize("broken", ["535 5.7.8 no", DROP, HANG])
async def test_a_method_that_does_not_work_is_not_tried_again(broken: str, tmp_path: Path) -> None:
    """A login that fails each time is what accounts are locked for."""
    given = {"timeout": "500ms", **login(tmp_path)}
    async with script(AUTH=[broken, ASKED]).running() as server, channel(server.port, **given) as opened:
        for _ in range(3):
            assert (await opened.submit(prepared(opened), within=30)).accepted
            server.hang_up()
    assert [command for command in server.commands if command.startswith("AUTH PLAIN")] == [f"AUTH PLAIN {PLAIN}"]
    assert server.commands.count("AUTH LOGIN") == 3


@pytest.mark.parametrize("closes", [False, True], ids=["and stays", "and hangs up"])
async def test_a_wrong_password_is_told_as_such_and_each_method_tried_once(closes: bool, tmp_path: Path) -> None:
    refusal = "535 5.7.8 authentication failed"
    replies = [refusal, DROP, ASKED] if closes else [refusal, ASKED]
    async with script(**{"AUTH": replies, PROOF.upper(): [refusal]}).running() as server:
        submission = await send(server.port, **login(tmp_path))
    assert ours(submission) == (Component.SMTP, "auth_failed")
    assert submission.reason == f"{refusal} (at AUTH)"
    assert submission.attempts == 1
    assert server.verbs().count("AUTH") == (3 if closes else 2)


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        ("250-x\r\n250 AUTH XOAUTH2", "the server offers AUTH by XOAUTH2, want one of PLAIN, LOGIN, CRAM-MD5"),
        ("250-x\r\n250 AUTH GSSAPI NTLM", "by GSSAPI, NTLM, want one of"),
        ("250-x\r\n250 AUTH", "by nothing, want one of"),
        ("250 x", "does not offer AUTH"),
    ],
)
async def test_a_server_that_takes_no_password_is_told_as_such(offer: str, words: str, tmp_path: Path) -> None:
    async with SmtpScript({"EHLO": [offer]}).running() as server:
        submission = await send(server.port, **login(tmp_path))
    assert ours(submission) == (Component.SMTP, "auth_failed")
    assert words in submission.reason


# Slow servers


@pytest.mark.parametrize("verb", ["GREETING", "AUTH", "RCPT"])
async def test_a_slow_server_is_given_more_time_by_and_by(verb: str, tmp_path: Path) -> None:
    usual = {"GREETING": "220 x", "AUTH": "235 ok", "RCPT": "250 ok"}
    slow = {"EHLO": ["250-x\r\n250 AUTH PLAIN"], verb: [LATER + usual[verb]]}
    async with SmtpScript(slow).running() as server, channel(server.port, timeout="300ms", **login(tmp_path)) as opened:
        first = await opened.submit(prepared(opened), within=60)
        server.hang_up()
        second = await opened.submit(prepared(opened), within=60)
    assert first.accepted, first
    assert first.attempts > 1
    assert (second.accepted, second.attempts) == (True, 1)
    assert len(set(server.messages)) == 2


async def test_a_slow_server_is_not_waited_for_beyond_the_time_that_there_is() -> None:
    async with SmtpScript({"MAIL": [HANG]}).running() as server:
        submission = await send(server.port, within=2.4, timeout="300ms")
    assert ours(submission) == (Component.SMTP, "timeout")
    assert submission.attempts == 2
