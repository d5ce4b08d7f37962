"""A persona that submits reports by email to a scripted server, and what is asked of each submission."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from channels.opened import resources

from canary.channels import Sender
from canary.channels.email.channel import EmailChannel
from canary.channels.email.settings import EmailSettings
from canary.mark import Keyring, new_probe_id
from canary.model import Component, Failure, Person, Report, Submission
from canary.settings import Server

KEYS = Keyring([b"k" * 32])
PERSON = Person("Jana Novák", "jana@persona.test")
PASSWORD = "tr0ub4dor & three"


def report(**different: Any) -> Report:
    probe = new_probe_id()
    mark = KEYS.make(probe, datetime.now(UTC))
    given = {"subject": f"Key compromise {mark}", "text": f"Hello,\n.\n..dots\n{mark}\n"} | different
    return Report(probe=probe, variant="V01", mark=mark, person=PERSON, **given)


def settings(to: str = "problems@ca.test", **different: Any) -> EmailSettings:
    given = {"kind": "email", "to": to, "arrives_in": "cpr", "approved_by": "the test"} | different
    return EmailSettings.model_validate(given)


def sender(port: int, tls: str = "none", **different: Any) -> Sender:
    server = {"host": "127.0.0.1", "port": port, "tls": tls, "timeout": "20s"} | different
    return Sender("own", PERSON, Server.model_validate(server), "jana+{mark}@persona.test")


def login(folder: Path, password: str = PASSWORD) -> dict[str, Any]:
    """The settings of a login, with its password in a file as an operator keeps it."""
    file = folder / "password"
    file.write_text(password + "\n")
    return {"username": "jana", "password": {"file": str(file)}}


@asynccontextmanager
async def channel(
    port: int, to: str = "problems@ca.test", dsn: bool = False, **server: Any
) -> AsyncIterator[EmailChannel]:
    opened = EmailChannel(settings(to, request_dsn=dsn), sender(port, **server), resources())
    try:
        yield opened
    finally:
        await opened.close()


async def send(
    port: int, *, within: float = 30.0, to: str = "problems@ca.test", dsn: bool = False, **server: Any
) -> Submission:
    async with channel(port, to, dsn, **server) as opened:
        return await opened.submit(opened.prepare(report()), within=within)


def transcript(submission: Submission) -> str:
    ((name, content),) = submission.artefacts
    assert name == "smtp-transcript.txt"
    return content.decode()


def ours(submission: Submission) -> tuple[Component | None, str | None]:
    assert (submission.accepted, submission.failure, submission.uncertain) == (False, Failure.OURS, False)
    assert submission.reason
    return submission.component, submission.own_reason
