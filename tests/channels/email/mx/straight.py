"""A persona that has no provider: it hands its reports to the mail servers of ca.test, as a real resolver tells."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import trustme
from channels.opened import resources
from channels.sending import PERSON, prepared
from servers.speaking import saying, speaking
from servers.validating_dns import Zone, validating_dns

from canary.channels import Sender
from canary.channels.email.channel import EmailChannel
from canary.channels.email.settings import EmailSettings
from canary.clock import Clock
from canary.model import Submission
from canary.settings import MxSettings

ONE = "@ IN MX 10 mx\nmx IN A 127.0.0.1\n"
"""The records of a domain with one mail server."""
ENFORCED = "version: STSv1\r\nmode: enforce\r\nmx: mx.ca.test\r\nmax_age: 86400\r\n"
STS = '_mta-sts IN TXT "v=STSv1; id=20260101;"\nmta-sts IN A 127.0.0.1\n'
"""The records of a domain that has a policy of MTA-STS."""
HTTP = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n"


@contextmanager
def resolver(folder: Path, records: str, **zone: Any) -> Iterator[dict[str, Any]]:
    """The setting of a resolver that knows these records of ca.test, validated."""
    folder = folder / "dns"
    folder.mkdir(exist_ok=True)
    with validating_dns(folder, {"ca.test": Zone(records, **zone)}) as port:
        yield {"address": "127.0.0.1", "port": port, "validates": True}


class _Once(Random):
    """Chance by which nothing is tried a second time: the pause before that is too long, whatever the time is."""

    def uniform(self, a: float, b: float) -> float:
        return 1e6


def channel(
    mx: Mapping[str, Any],
    port: int,
    to: str = "problems@ca.test",
    state: Path | None = None,
    clock: Clock | None = None,
    **given: Any,
) -> EmailChannel:
    """The channel of such a persona; ``mx`` is its resolver, ``port`` where mail servers listen."""
    settings = MxSettings.model_validate(
        {"helo": "canary.probe.example", "resolver": dict(mx), "port": port, "timeout": "30s"} | given
    )
    address = EmailSettings.model_validate({"kind": "email", "to": to, "arrives_in": "cpr", "approved_by": "the test"})
    sender = Sender("own", PERSON, None, "robin+{mark}@probe.example", mx=settings)
    return EmailChannel(address, sender, resources(rng=_Once(1), state=state, clock=clock))


async def send(mx: Mapping[str, Any], port: int, within: float = 60.0, **given: Any) -> Submission:
    """What comes of one report."""
    opened = channel(mx, port, **given)
    try:
        return await opened.submit(prepared(opened), within=within)
    finally:
        await opened.close()


def serving(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """A server's TLS with a certificate for these names."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


def trusting(authority: trustme.CA, folder: Path) -> dict[str, str]:
    """The setting that trusts this authority."""
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return {"ca_file": str(file)}


@asynccontextmanager
async def policy(authority: trustme.CA, text: str = ENFORCED, head: str = HTTP) -> AsyncIterator[dict[str, int]]:
    """The server of a policy of MTA-STS, as a setting."""
    context = serving(authority, "mta-sts.ca.test")
    async with speaking(saying(head.encode(), text.encode()), context) as url:
        yield {"policy_port": int(url.rpartition(":")[2])}
