"""What a submission server may cost that never stops, or says little at a time: it is given up, and told as ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from channels.opened import resources
from servers.smtp_script import FLOOD, TRICKLE, SmtpScript

from canary.budgets import Budget
from canary.channels import Sender
from canary.channels.email import connection
from canary.channels.email.channel import EmailChannel
from canary.channels.email.settings import EmailSettings
from canary.mark import Keyring, new_probe_id
from canary.model import Component, Outgoing, OwnFaultError, Person, Report, Submission
from canary.settings import Server

KEYS = Keyring([b"k" * 32])
PERSON = Person("Jana Novák", "jana@persona.test")
LINES = {
    "many lines": "250-x\r\n" + FLOOD,
    "one line": "250-xxxxxxxxxxxxxxxx" + FLOOD,
    "no reply": "x" + FLOOD,
}
LATE = {"a byte at a time": "2" + TRICKLE, "a line at a time": "250-x\r\n" + TRICKLE}


@asynccontextmanager
async def channel(port: int, **server: Any) -> AsyncIterator[EmailChannel]:
    given = {"host": "127.0.0.1", "port": port, "tls": "none", "timeout": "20s", **server}
    settings = {"kind": "email", "to": "problems@ca.test", "arrives_in": "cpr", "approved_by": "the test"}
    sender = Sender("own", PERSON, Server.model_validate(given), "jana+{mark}@persona.test")
    opened = EmailChannel(EmailSettings.model_validate(settings), sender, resources())
    try:
        yield opened
    finally:
        await opened.close()


def prepared(opened: EmailChannel) -> Outgoing:
    probe = new_probe_id()
    mark = KEYS.make(probe, datetime.now(UTC))
    return opened.prepare(Report(probe, "V01", mark, PERSON, f"Key compromise {mark}", f"{mark}\n"))


async def send(port: int, within: float = 0.5, **server: Any) -> Submission:
    async with channel(port, **server) as opened:
        return await opened.submit(prepared(opened), within=within)


@pytest.mark.parametrize("said", list(LINES))
@pytest.mark.parametrize("verb", ["GREETING", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "END"])
async def test_a_reply_without_an_end_is_given_up(verb: str, said: str, tmp_path: Any) -> None:
    (tmp_path / "secret").write_text("swordfish")
    offer = {"EHLO": ["250-x\r\n250 AUTH PLAIN"], verb: [LINES[said]]}
    async with SmtpScript(offer).running() as server:
        told = await send(server.port, 30.0, username="jana", password={"file": str(tmp_path / "secret")})
    assert not told.accepted
    assert told.uncertain == (verb == "END")
    assert (
        "long" in told.reason
        or "8192 bytes" in told.reason
        or "no SMTP reply" in told.reason
        or "Malformed" in told.reason
    )
    assert told.uncertain or (told.component, told.own_reason) == (Component.SMTP, "protocol_error")
    assert len(told.reason) < 10_000


@pytest.mark.parametrize("said", list(LATE))
@pytest.mark.parametrize("verb", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "END"])
async def test_a_reply_that_never_becomes_whole_is_given_up(verb: str, said: str) -> None:
    async with SmtpScript({verb: [LATE[said]]}).running() as server:
        told = await send(server.port, timeout="300ms")
    assert not told.accepted
    assert told.uncertain == (verb == "END")
    assert told.uncertain or (told.component, told.own_reason) == (Component.SMTP, "timeout")


async def test_opening_has_a_limit_for_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SMTP_OPENING", Budget("a connection", seconds=0.2))
    async with SmtpScript({"EHLO": ["250" + TRICKLE]}).running() as server, channel(server.port) as opened:
        with pytest.raises(
            OwnFaultError, match=r"no connection within 0.2 s, greeting, TLS and AUTH included"
        ) as raised:
            await opened.check()
    assert (raised.value.component, raised.value.reason) == (Component.SMTP, "timeout")


@pytest.mark.parametrize("at", ["END", "EHLO"])
async def test_a_flood_that_nobody_asked_for_ends_the_connection(at: str) -> None:
    usual = {"END": "250 queued", "EHLO": "250 x"}[at]
    async with SmtpScript({at: [usual + "\r\n" + FLOOD, usual]}).running() as server, channel(server.port) as opened:
        first = await opened.submit(prepared(opened), within=30)
        assert first.accepted or at == "EHLO"
        (writer,) = server._writers[:1]
        async with asyncio.timeout(20):
            with suppress(ConnectionError):
                await writer.wait_closed()  # by us: the script goes on for ever
        second = await opened.submit(prepared(opened), within=30)
    assert second.accepted
    assert server.connections >= 2
