"""The email channel against a real Postfix and Dovecot."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Literal

import pytest
from channels.opened import resources
from servers.ca_site import PASSWORD, CaSite
from servers.polling import until
from servers.strip_starttls import StrippingProxy

from canary.channels import Sender
from canary.channels.email.channel import EmailChannel
from canary.channels.email.settings import EmailSettings
from canary.mail.way import read_way
from canary.mark import Keyring, new_probe_id
from canary.model import Attachment, Component, Failure, OwnFaultError, Person, Report, Seen
from canary.queues.replies.classify import classify
from canary.settings import Server

KEYS = Keyring([b"k" * 32])
PERSON = Person("Jana Novák", "jana@persona.test")


def report(**different: object) -> Report:
    probe = new_probe_id()
    mark = KEYS.make(probe, datetime.now(UTC))
    plain = Report(probe, "V01", mark, PERSON, f"Ihr Schlüssel {mark}", f"Grüße,\n.\nfrom me: {mark}\n")
    return replace(plain, **different)  # type: ignore[arg-type]


@asynccontextmanager
async def channel(
    site: CaSite,
    folder: Path,
    tls: str = "starttls",
    password: str = PASSWORD,
    dsn: bool = False,
    at: tuple[str, int] | None = None,
    submits_to: Literal["provider", "ca"] | None = None,
) -> AsyncIterator[EmailChannel]:
    """A persona with a mailbox of its own, who writes to anna@ca.test."""
    site.add_user("jana")
    site.add_user("anna")
    secret = folder / "secret"
    secret.write_text(password)
    host, port = at or (site.submissions if tls == "implicit" else site.submission)
    server = Server.model_validate(
        {
            "host": host,
            "port": port,
            "tls": tls,
            "ca_file": str(site.ca_file),
            "username": "jana",
            "password": {"file": str(secret)},
        }
    )
    settings = EmailSettings.model_validate(
        {"kind": "email", "to": "anna@ca.test", "arrives_in": "cpr", "approved_by": "the test", "request_dsn": dsn}
    )
    sender = Sender("own", PERSON, server, "jana+{mark}@persona.test", submits_to)
    opened = EmailChannel(settings, sender, resources())
    try:
        yield opened
    finally:
        await opened.close()


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_report_is_delivered_as_it_was_sent(tls: str, site: CaSite, tmp_path: Path) -> None:
    async with channel(site, tmp_path, tls) as opened:
        outgoing = opened.prepare(report())
        submission = await opened.submit(outgoing, within=60)
    assert submission.accepted, submission
    ((_, _, raw),) = until(lambda: site.messages("anna"), "the report in the mailbox")
    sent, found = (message_from_bytes(whole, policy=policy.default) for whole in (outgoing.payload, raw))
    assert raw.endswith(outgoing.payload.partition(b"\r\n\r\n")[2])
    assert [found[name] for name in sent] == [sent[name] for name in sent]
    assert found["Return-Path"] == f"<jana+{outgoing.report.mark}@persona.test>"
    assert [mark.probe for mark in KEYS.find_in_message(raw) if mark.genuine] == [outgoing.report.probe]
    way = read_way(raw, submission.at, submission.at + timedelta(seconds=60))
    assert way is not None
    assert [hop.tls != "" for hop in way.hops] == [True, *[False] * (len(way.hops) - 1)]
    assert all(hop.by and hop.seconds is not None and hop.back == hop.offset == 0 for hop in way.hops)


async def test_every_message_over_one_connection_arrives_once(site: CaSite, tmp_path: Path) -> None:
    async with channel(site, tmp_path) as opened:
        submissions = [await opened.submit(opened.prepare(report()), within=60) for _ in range(5)]
    assert all(submission.accepted for submission in submissions)
    told = [submission.artefacts[0][1].decode() for submission in submissions]
    assert ["using a kept connection" in one for one in told] == [False, True, True, True, True]
    order = [re.findall(r"[CS]: (?:[A-Z]+|[0-9]+)", one[one.index("C: MAIL") :])[:6] for one in told]
    assert order == [["C: MAIL", "C: RCPT", "C: DATA", "S: 250", "S: 250", "S: 354"]] * 5
    until(lambda: len(site.messages("anna")) == 5, "five reports in the mailbox")


@pytest.mark.parametrize(("submits_to", "failure"), [("ca", Failure.REJECTED), ("provider", Failure.OURS)])
async def test_a_refused_recipient_is_the_fault_of_whose_server_refuses(
    submits_to: Literal["ca", "provider"], failure: Failure, site: CaSite, tmp_path: Path
) -> None:
    site.reject_recipient("anna@ca.test", "550 5.2.1 this mailbox is closed")
    async with channel(site, tmp_path, submits_to=submits_to) as opened:
        submission = await opened.submit(opened.prepare(report()), within=60)
    assert submission.failure is failure
    assert submission.own_reason == {"ca": None, "provider": "recipient_refused"}[submits_to]
    assert "this mailbox is closed" in submission.reason
    assert submission.reason.startswith("550 5.2.1 ")
    assert submission.reason.endswith("(at RCPT TO)")


async def test_a_refused_attachment_is_theirs(site: CaSite, tmp_path: Path) -> None:
    site.refuse_attachments("552 5.7.0 attachments not accepted")
    file = Attachment("schlüssel.pem", "application/x-pem-file", b"-----BEGIN PRIVATE KEY-----\n")
    async with channel(site, tmp_path, submits_to="ca") as opened:
        refused = await opened.submit(opened.prepare(report(attachments=(file,))), within=60)
        taken = await opened.submit(opened.prepare(report()), within=60)
    assert refused.failure is Failure.REJECTED
    assert refused.reason == "552 5.7.0 attachments not accepted (at the end of DATA)"
    assert taken.accepted


async def test_a_wrong_password_is_ours_and_is_not_written_down(site: CaSite, tmp_path: Path) -> None:
    async with channel(site, tmp_path, password="not the right one") as opened:
        submission = await opened.submit(opened.prepare(report()), within=60)
        with pytest.raises(OwnFaultError) as caught:
            await opened.check()
    assert (submission.failure, submission.component, submission.own_reason) == (
        Failure.OURS,
        Component.SMTP,
        "auth_failed",
    )
    assert (caught.value.component, caught.value.reason) == (Component.SMTP, "auth_failed")
    assert "not the right one" not in repr(submission) + submission.artefacts[0][1].decode() + caught.value.detail


async def test_a_notification_of_delivery_comes_back_to_the_mark(site: CaSite, tmp_path: Path) -> None:
    async with channel(site, tmp_path, dsn=True) as opened:
        outgoing = opened.prepare(report())
        assert (await opened.submit(outgoing, within=60)).accepted
    ((_, _, raw),) = until(lambda: site.messages("jana"), "the notification in the sender's mailbox")
    notification = message_from_bytes(raw, policy=policy.default)
    assert notification.get_content_type() == "multipart/report"
    assert notification["Delivered-To"] == f"jana+{outgoing.report.mark}@persona.test"
    assert f"Original-Envelope-Id: {outgoing.report.mark}".encode() in raw
    seen, said = classify(raw)
    assert seen is Seen.DELIVERY_NOTICE
    assert "anna@ca.test" in said


async def test_check_finds_the_server_and_sends_nothing(site: CaSite, tmp_path: Path) -> None:
    async with channel(site, tmp_path) as opened:
        line = await opened.check()
    host, port = site.submission
    assert line == f"own submission {host}:{port} STARTTLS TLSv1.3, AUTH ok"
    assert site.messages("anna") == []


async def test_who_takes_starttls_out_on_the_way_learns_nothing(site: CaSite, tmp_path: Path) -> None:
    with StrippingProxy(site.submission) as proxy:
        async with channel(site, tmp_path, at=("127.0.0.1", proxy.address[1])) as opened:
            submission = await opened.submit(opened.prepare(report()), within=20)
            with pytest.raises(OwnFaultError, match="does not offer STARTTLS"):
                await opened.check()
        heard = b"".join(proxy.overheard)
    assert (submission.accepted, submission.component, submission.own_reason) == (
        False, Component.SMTP, "starttls_missing",
    )  # fmt: skip
    assert b"EHLO" in heard
    assert not any(word in heard for word in (b"AUTH", b"MAIL", b"anna", b"jana", PASSWORD.encode()))
