"""One report through the email channel, to a server that a test has started."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from channels.opened import resources

from canary.channels import Sender
from canary.channels.email.channel import EmailChannel
from canary.channels.email.settings import EmailSettings
from canary.mark import Keyring, new_probe_id
from canary.model import Component, Failure, Outgoing, Person, Report, Submission
from canary.settings import Server

KEYS = Keyring([b"k" * 32])
PERSON = Person("Robin Hayes", "robin@probe.example")
PASSWORD = "tr0ub4dor & three"


def login(folder: Path) -> dict[str, Any]:
    """The settings of a login, with its password in a file as an operator keeps it."""
    file = folder / "password"
    file.write_text(PASSWORD + "\n")
    return {"username": "u@probe.example", "password": {"file": str(file)}}


@asynccontextmanager
async def channel(
    port: int,
    to: str = "problems@ca.example",
    submits_to: Literal["provider", "ca"] | None = None,
    **server: Any,
) -> AsyncIterator[EmailChannel]:
    """The channel of a persona that submits to 127.0.0.1."""
    given = {"host": "127.0.0.1", "port": port, "tls": "none", "timeout": "20s", **server}
    settings = {"kind": "email", "to": to, "arrives_in": "cpr", "approved_by": "the test"}
    sender = Sender("own", PERSON, Server.model_validate(given), "robin+{mark}@probe.example", submits_to)
    opened = EmailChannel(EmailSettings.model_validate(settings), sender, resources())
    try:
        yield opened
    finally:
        await opened.close()


def prepared(opened: EmailChannel) -> Outgoing:
    """A new report, as the channel would send it."""
    probe = new_probe_id()
    mark = KEYS.make(probe, datetime.now(UTC))
    return opened.prepare(Report(probe, "V01", mark, PERSON, f"Key compromise {mark}", f"{mark}\n"))


async def send(port: int, within: float = 30.0, **given: Any) -> Submission:
    """What comes of one report."""
    async with channel(port, **given) as opened:
        return await opened.submit(prepared(opened), within=within)


def ours(submission: Submission) -> tuple[Component | None, str | None]:
    """The part of ours that failed, and how, of a submission that is our own fault."""
    assert (submission.accepted, submission.failure, submission.uncertain) == (False, Failure.OURS, False), submission
    assert submission.reason
    return submission.component, submission.own_reason
