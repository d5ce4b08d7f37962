"""Every row of the page of whose fault what is, about who has no provider: run through the channel, and judged."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import trustme
from builders import START, a_case, report
from channels.email.mx.straight import ONE, STS, policy, resolver, send, serving, trusting
from docs.fault_table import Row, sections
from judging import verdict
from servers.ports import LOOPBACK
from servers.smtp_script import DROP, SmtpScript

from canary.model import Sighting, Submission

SECTION = "Straight to the CA's servers"
TWO = "@ IN MX 20 b\n@ IN MX 10 a\na IN A 127.0.0.1\nb IN A 127.0.0.2\n"
OFFERED = "250-mx.ca.test\r\n250 STARTTLS"


@dataclass(frozen=True)
class Check:
    """What the DNS says, and what the server says to a verb: two servers if there are two replies.

    ``named`` is whom its certificate is for, if it offers TLS. A report that arrived was ``seen``.
    """

    records: str = ONE
    verb: str = "QUIT"
    says: Sequence[str] = ("221 bye",)
    named: str | None = None
    zone: dict[str, Any] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    seen: bool = False

    async def run(self, folder: Path, authority: trustme.CA) -> Submission:
        tls = serving(authority, self.named) if self.named else None
        async with AsyncExitStack() as stack:
            port = 0
            for number, said in enumerate(self.says, 1):
                offers = {"EHLO": [OFFERED]} if tls else {}
                server = SmtpScript({**offers, self.verb: [said]}, tls=tls)
                port = (await stack.enter_async_context(server.running(f"127.0.0.{number}", port))).port
            given = {**trusting(authority, folder), **self.given}
            if STS in self.records:
                given |= await stack.enter_async_context(policy(authority))
            mx = stack.enter_context(resolver(folder, self.records, **self.zone))
            return await send(mx, port or _closed(), **given)


def _closed() -> int:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def deaf() -> Iterator[int]:
    """A port at which connections are never made: the queue of those that wait is full."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex((LOOPBACK, port))
        yield port
        for client in waiting:
            client.close()


async def no_answer(folder: Path, _authority: trustme.CA) -> Submission:
    with deaf() as port, resolver(folder, ONE) as mx:
        return await send(mx, port, timeout="1s")


async def no_resolver(_folder: Path, _authority: trustme.CA) -> Submission:
    return await send({"address": LOOPBACK, "port": _closed()}, 25, 1.0)


PIN = f"_{{port}}._tcp.mx IN TLSA 3 1 1 {sha256(b'another key').hexdigest()}\n"


async def not_pinned(folder: Path, authority: trustme.CA) -> Submission:
    async with SmtpScript({"EHLO": [OFFERED]}, tls=serving(authority, "mx.ca.test")).running() as server:
        with resolver(folder, ONE + PIN.format(port=server.port)) as mx:
            return await send(mx, server.port, **trusting(authority, folder))


Run = Callable[[Path, trustme.CA], Awaitable[Submission]]
CHECKS: dict[str, Check | Run] = {
    "DNS: our resolver does not answer": no_resolver,
    "DNS: an answer that does not validate (DNSSEC)": Check(zone={"spoilt": {"MX 10 mx": "MX 20 mx"}}),
    "DNS: the domain does not exist": Check(given={"to": "cpr@gone.ca.test"}),
    "DNS: it takes no mail (null MX)": Check("@ IN MX 0 .\n@ IN A 127.0.0.1\n"),
    "DNS: its mail server does not exist": Check("@ IN MX 10 gone\n@ IN A 127.0.0.1\n"),
    "DNS: its mail server has no address": Check('@ IN MX 10 mx\nmx IN TXT "moved"\n'),
    "DNS: its mail server is none that its MTA-STS names": Check(
        "@ IN MX 10 other\nother IN A 127.0.0.1\n" + STS, named="other.ca.test"
    ),
    "connect: no answer at all": no_answer,
    "connect: nobody listens": Check(says=()),
    "connect: nobody listens at the first, the next takes it": Check(
        "@ IN MX 10 a\n@ IN MX 20 b\na IN A 127.0.0.9\nb IN A 127.0.0.1\n", seen=True
    ),
    "greeting: never comes": Check(verb="GREETING", says=(DROP,)),
    "greeting: refused": Check(verb="GREETING", says=("554 no SMTP service here",)),
    "greeting: our address is on a blocklist": Check(
        verb="GREETING", says=("554 5.7.1 Client host [192.0.2.1] blocked using dnsbl.example",)
    ),
    "TLS: our file of CAs to trust is not there": Check(given={"ca_file": "/nonexistent.pem"}),
    "TLS: not offered, and its MTA-STS demands it": Check(ONE + STS),
    "TLS: a certificate that does not fit its MTA-STS": Check(ONE + STS, named="other.test"),
    "TLS: a certificate that its DNS does not pin (DANE)": not_pinned,
    "TLS: a certificate that does not verify, and nothing demands it": Check(named="other.test", seen=True),
    "RCPT: refused": Check(verb="RCPT", says=("550 5.7.1 relay access denied",)),
    "RCPT: our host may not write for the sender's domain": Check(
        verb="RCPT", says=("550 5.7.23 SPF validation failed for probe.example",)
    ),
    "RCPT: put off by the first, the next takes it": Check(
        TWO, verb="RCPT", says=("451 4.7.1 later", "250 ok"), seen=True
    ),
    "RCPT: put off for ever": Check(verb="RCPT", says=("451 4.7.1 later",)),
    "DATA: the connection is lost, each time": Check(verb="DATA", says=(DROP,)),
    "after the dot: refused": Check(verb="END", says=("552 5.7.0 no attachments",)),
    "after the dot: no reply, and it is seen nowhere": Check(verb="END", says=(DROP,)),
}


@pytest.mark.parametrize("row", sections()[SECTION], ids=str)
async def test_each_row_is_so(row: Row, tmp_path: Path, authority: trustme.CA) -> None:
    check = CHECKS[str(row)]
    run = check.run if isinstance(check, Check) else check
    submission = replace(await run(tmp_path, authority), at=START)
    sightings: list[Sighting] = [report()] if isinstance(check, Check) and check.seen else []
    found = verdict(a_case(*sightings, submission=submission))
    fault = f"{submission.component}/{submission.own_reason}" if submission.component else ""
    assert (found.outcome, fault) == (row.outcome, row.told_as), submission
    assert submission.accepted == (row.outcome == "arrived")


def test_no_check_is_without_a_row() -> None:
    assert CHECKS.keys() == {str(row) for row in sections()[SECTION]}
