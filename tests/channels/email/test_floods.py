"""What a submission server may cost that never stops, or says little at a time: it is given up, and told as ours."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from channels.sending import channel, prepared, send
from servers.smtp_script import FLOOD, TRICKLE, SmtpScript

from canary.budgets import Budget
from canary.channels.email import connection
from canary.model import Component, OwnFaultError

LINES = {
    "many lines": "250-x\r\n" + FLOOD,
    "one line": "250-xxxxxxxxxxxxxxxx" + FLOOD,
    "no reply": "x" + FLOOD,
}
LATE = {"a byte at a time": "2" + TRICKLE, "a line at a time": "250-x\r\n" + TRICKLE}


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
        told = await send(server.port, 2.0, timeout="1s")
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
