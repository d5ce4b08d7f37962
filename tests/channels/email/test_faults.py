"""Every row of the page of whose fault what is, in its section about mail: run through the channel, and judged."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import START, a_case, reply, report
from channels.sending import login, send
from docs.fault_table import Row, sections
from judging import verdict
from servers.certificates import stranger_cert
from servers.smtp_liar import SmtpLiar
from servers.smtp_script import DROP, HANG, SmtpScript
from servers.speaking import saying, speaking

from canary.budgets import Budget
from canary.channels.email import connection
from canary.model import Seen, Sighting, Submission

OFFER = "250-mail.probe.example\r\n250 AUTH PLAIN"
SAID = "550 5.1.1 host mx.ca.example said: 550 5.1.1 no such user"
Check = Callable[[Path], Awaitable[Submission]]


def scripted(
    verb: str = "QUIT", said: str = "221 bye", /, within: float = 30.0, *, logs_in: bool = True, **given: Any
) -> Check:
    """A server that says this to a verb, told by a sender that logs in."""

    async def run(folder: Path) -> Submission:
        async with SmtpScript({"EHLO": [OFFER], verb: [said]}).running() as server:
            return await send(server.port, within, **(login(folder) if logs_in else {}), **given)

    return run


async def not_there(folder: Path) -> Submission:
    async with SmtpScript().running() as server:
        port = server.port
    return await send(port, **login(folder))


async def no_name(folder: Path) -> Submission:
    return await send(587, host="no-such-host.invalid", tls="starttls", **login(folder))


async def not_verified(folder: Path) -> Submission:
    secured = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    secured.load_cert_chain(*stranger_cert(folder))
    async with SmtpScript(tls=secured, implicit=True).running() as server:
        return await send(server.port, tls="implicit", **login(folder))


async def no_password(folder: Path) -> Submission:
    async with SmtpScript({"EHLO": [OFFER]}).running() as server:
        return await send(server.port, username="u", password={"file": str(folder / "absent")})


def tokens(answered: bytes) -> Check:
    """A sender that logs in by a token, and a token server that answers this."""

    async def run(_folder: Path) -> Submission:
        async with SmtpScript({"EHLO": [OFFER]}).running() as server, speaking(saying(answered)) as url:
            client = {"client_id": "u", "client_secret": {"env": "PATH"}}
            auth = {"kind": "oauth", "token_url": url, **client}
            return await send(server.port, within=3, username="u", auth=auth)

    return run


async def loses_commands(_folder: Path) -> Submission:
    async with SmtpLiar("the rest of a packet is thrown away").running() as server:
        return await send(server.port)


CHECKS: dict[str, Check] = {
    "DNS: the submission server has no name": no_name,
    "connect: nobody listens": not_there,
    "connect: no greeting in time": scripted("GREETING", HANG, 0.3),
    "greeting: refused": scripted("GREETING", "554 no service"),
    "greeting: no SMTP": scripted("GREETING", "SSH-2.0-OpenSSH_9.2"),
    "TLS: not offered": scripted(tls="starttls"),
    "TLS: a certificate that does not verify": not_verified,
    "AUTH: the password is not there": no_password,
    "AUTH: the token server gives no token": tokens(b'HTTP/1.1 400 Bad\r\n\r\n{"error": "invalid_client"}'),
    "AUTH: the token server does not answer": tokens(b"220 mail.test ESMTP\r\n"),
    "AUTH: refused": scripted("AUTH", "535 5.7.8 no"),
    "AUTH: no method that takes a password": scripted("EHLO", "250-x\r\n250 AUTH XOAUTH2"),
    "MAIL: refused": scripted("MAIL", "550 5.7.1 no"),
    "MAIL: refused, and the CA's server said it": scripted("MAIL", SAID),
    "RCPT: refused by the provider": scripted("RCPT", "550 5.1.1 user unknown"),
    "RCPT: a login is asked for": scripted("RCPT", "530 5.7.0 Authentication required", logs_in=False),
    "RCPT: relaying is denied": scripted("RCPT", "550 5.7.1 Unable to relay", logs_in=False),
    "RCPT: the sender has sent too much": scripted("RCPT", "550 5.4.5 Daily user sending limit exceeded"),
    "RCPT: our address is on a blocklist": scripted(
        "RCPT", "554 5.7.1 Client host [192.0.2.1] blocked using dnsbl.example"
    ),
    "RCPT: refused, and the CA's server said it": scripted("RCPT", SAID),
    "RCPT: refused by the CA's own server": scripted("RCPT", "550 5.1.1 user unknown", submits_to="ca"),
    "RCPT: put off for ever by the provider": scripted("RCPT", "451 4.7.1 later", 2.4),
    "RCPT: put off for ever by the CA's own server": scripted("RCPT", "451 4.7.1 later", 2.4, logs_in=False),
    "RCPT: commands said together are lost": loses_commands,
    "DATA: refused by the provider": scripted("DATA", "554 5.5.1 no"),
    "DATA: refused by the CA's own server": scripted("DATA", "554 5.5.1 no", logs_in=False),
    "DATA: the connection is lost, each time": scripted("DATA", DROP, 2.4),
    "after the dot: refused by the provider's filter": scripted("END", "550 5.7.1 outgoing spam"),
    "after the dot: the sender may not send as itself": scripted(
        "END", "554 5.2.252 SendAsDenied; u not allowed to send as v"
    ),
    "after the dot: refused, and the CA's server said it": scripted("END", SAID),
    "after the dot: refused by the CA's own server": scripted("END", "552 5.7.0 no attachments", logs_in=False),
    "after the dot: no reply, and it is seen nowhere": scripted("END", DROP),
    "after the dot: no reply, and it is seen": scripted("END", DROP),
    "accepted: and seen nowhere": scripted(),
    "accepted: and a bounce comes back": scripted(),
    "accepted: and a notice of a delay comes back": scripted(),
}
SEEN: dict[str, list[Sighting]] = {
    "RCPT: commands said together are lost": [report()],
    "after the dot: no reply, and it is seen": [report()],
    "accepted: and a bounce comes back": [reply(Seen.BOUNCE)],
    "accepted: and a notice of a delay comes back": [reply(Seen.DELAY_NOTICE), report(at=30.0)],
}


@pytest.mark.parametrize("row", sections()["Mail"], ids=str)
async def test_each_row_is_so(row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SMTP_TOGETHER", Budget("a reply", seconds=0.2))
    submission = replace(await CHECKS[str(row)](tmp_path), at=START)
    found = verdict(a_case(*SEEN.get(str(row), []), submission=submission))
    fault = f"{submission.component}/{submission.own_reason}" if submission.component else ""
    assert (found.outcome, fault) == (row.outcome, row.told_as), submission


def test_no_check_is_without_a_row() -> None:
    assert CHECKS.keys() == {str(row) for row in sections()["Mail"]}
