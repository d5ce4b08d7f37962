"""The demo's servers as a mail program meets them."""

from __future__ import annotations

import asyncio
import gc
import imaplib
import smtplib
import ssl
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from demo.outside import Outside, report

from canary.demo.ca import DemoCa
from canary.demo.directory import ALIAS, by_slug

MEMBERS = ("maria", "peter", "judit")


async def test_alias_reaches_every_member_and_is_acknowledged_once(outside: Outside) -> None:
    message = report("Question about a CRL")
    await outside.send(message, tag="abc123")
    assert await outside.subjects() == {f"{slug}/CPR": ["Question about a CRL"] for slug in MEMBERS}
    (answer,) = await outside.read("researcher")
    assert "Question about a CRL" in answer["Subject"]
    assert "CPR-" in answer["Subject"]
    assert answer["Auto-Submitted"] == "auto-replied"
    assert answer["In-Reply-To"] == message["Message-ID"]
    assert answer["To"] == "robin.hayes+abc123@researcher.test"
    assert answer["Return-Path"] == "<>"


@pytest.mark.parametrize("slug", ["anna", "tomas"])
async def test_contact_files_reports_into_the_desks_queue(outside: Outside, slug: str) -> None:
    await outside.send(report("To one person"), to=by_slug(slug).address)
    assert await outside.subjects() == {"desk/CPR": ["To one person"]}
    assert len(await outside.read("researcher")) == 1


async def test_message_is_stored_as_it_was_sent_under_its_trace_headers(outside: Outside) -> None:
    message = report()
    message.add_attachment(bytes(range(256)) * 100, maintype="application", subtype="zip", filename="keys.zip")
    await outside.send(message, tag="abc")
    stored = (await outside.raw("maria", "CPR"))[0]
    head, received, body = (
        stored.partition(b"From: robin")[0],
        stored.count(b"Received: "),
        stored.partition(b"Subject: "),
    )
    assert head.startswith(b"Return-Path: <robin.hayes+abc@researcher.test>\r\nReceived: from mail.researcher.test")
    assert received == 2
    assert (body[1] + body[2]) == message.as_bytes(policy=policy.SMTP)


@pytest.mark.parametrize(
    "header", [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"List_Id": "<x.test>"}]
)
async def test_automatic_messages_are_not_answered(outside: Outside, header: dict[str, str]) -> None:
    await outside.send(report("Automatic", **header))
    assert "maria/CPR" in await outside.subjects()
    assert await outside.read("researcher") == []


async def test_submission_wants_tls_and_a_password(ca: DemoCa, outside: Outside) -> None:
    def work() -> None:
        with smtplib.SMTP("127.0.0.1", ca.submission_port) as server:
            with pytest.raises(smtplib.SMTPException):
                server.login("robin.hayes@researcher.test", ca.passwords["researcher"])
            assert server.mail("robin.hayes@researcher.test")[0] == 530
            server.starttls(context=outside.trust())
            server.ehlo()
            assert server.mail("robin.hayes@researcher.test")[0] == 530
            with pytest.raises(smtplib.SMTPAuthenticationError):
                server.login("robin.hayes@researcher.test", "wrong")
            with pytest.raises(smtplib.SMTPAuthenticationError):
                server.login("nobody@researcher.test", "wrong")

    await asyncio.to_thread(work)


async def test_submission_sends_only_in_the_users_own_name_and_to_nobody_outside(outside: Outside) -> None:
    def work() -> None:
        with outside.submission("researcher") as server:
            server.ehlo()
            assert server.mail("jo.summers@freemail.test")[0] == 553
            assert server.mail("robin.hayes+x@researcher.test")[0] == 250
            assert server.rcpt("someone@example.com")[0] == 550
            assert server.rcpt(ALIAS)[0] == 250

    await asyncio.to_thread(work)


async def test_mx_offers_starttls_and_refuses_strangers_and_relaying(ca: DemoCa, outside: Outside) -> None:
    def work() -> None:
        with smtplib.SMTP("127.0.0.1", ca.mx_port) as server:
            server.starttls(context=outside.trust())
            server.ehlo()
            assert server.mail("someone@example.com")[0] == 250
            assert server.rcpt("someone@example.com")[0] == 554
            assert server.rcpt("nobody@demo-ca.test")[0] == 550
            assert server.rcpt(ALIAS)[0] == 250
            assert server.data(report("Straight to the MX").as_bytes())[0] == 250

    await asyncio.to_thread(work)
    assert (await outside.subjects())["peter/CPR"] == ["Straight to the MX"]


async def test_imap_refuses_plain_text_and_wrong_passwords(ca: DemoCa, outside: Outside) -> None:
    def work() -> None:
        with pytest.raises((imaplib.IMAP4.error, OSError)):
            imaplib.IMAP4("127.0.0.1", ca.imap_port, timeout=1)
        with pytest.raises(ssl.SSLCertVerificationError):
            imaplib.IMAP4_SSL("127.0.0.1", ca.imap_port, ssl_context=ssl.create_default_context())
        imap = imaplib.IMAP4_SSL("127.0.0.1", ca.imap_port, ssl_context=outside.trust())
        with pytest.raises(imaplib.IMAP4.error):
            imap.login("maria.keller@demo-ca.test", "wrong")
        imap.shutdown()

    await asyncio.to_thread(work)


async def test_plain_text_if_asked(tmp_path: Path) -> None:
    async with DemoCa(tmp_path, tls=False) as ca:
        outside = Outside(ca)
        await outside.send(report("In the clear"))
        assert (await outside.subjects())["maria/CPR"] == ["In the clear"]
        assert "tls: none" in ca.configuration()
        assert not ca.ca_file.exists()


async def test_idle_survives_garbage_collection_and_tells_of_every_delivery(outside: Outside) -> None:
    imap = await asyncio.to_thread(outside.imap, "maria.keller@demo-ca.test")
    await asyncio.to_thread(imap.select, "CPR", True)

    def line_with(word: bytes) -> bytes:
        while True:
            line = imap.readline()
            assert line, "the server hung up"
            if word in line:
                return line

    imap.send(b"i1 IDLE\r\n")
    await asyncio.to_thread(line_with, b"+ Idling")
    for number in range(1, 6):
        for _ in range(5):
            gc.collect()
            await asyncio.sleep(0.05)
        await outside.send(report(f"Number {number}"))
        assert await asyncio.to_thread(line_with, b"EXISTS") == b"* %d EXISTS\r\n" % number
    imap.send(b"DONE\r\n")
    await asyncio.to_thread(line_with, b"i1 OK")
    await asyncio.to_thread(imap.logout)


async def test_many_deliveries_at_once_all_arrive(outside: Outside) -> None:
    names = {f"Report {number}" for number in range(60)}
    await asyncio.gather(*(outside.send(report(name), tag=name.split()[1]) for name in names))
    for slug in MEMBERS:
        stored = [str(m["Subject"]) for m in await outside.read(slug, "CPR")]
        assert len(stored) == 60
        assert set(stored) == names
    assert len(await outside.read("researcher")) == 60


async def test_hostile_headers_neither_break_delivery_nor_spread(outside: Outside) -> None:
    headers = (b"Subject: =?utf-8?q?a=0D=0ABcc:_x@y.test?=", b"Message-ID: <x@y>", b'Content-Type: multipart/;="')
    raw = b"\r\n".join((*headers, b"", b"\x00\xff", b""))

    def work() -> None:
        with outside.submission("researcher") as server:
            server.sendmail("robin.hayes@researcher.test", [ALIAS], raw)

    await asyncio.to_thread(work)
    assert len(await outside.raw("maria", "CPR")) == 1
    (answer,) = await outside.read("researcher")
    assert answer["Bcc"] is None
    assert "Bcc:" in answer["Subject"]


async def test_sender_addresses_that_would_inject_a_header_are_refused(ca: DemoCa) -> None:
    def work() -> list[int]:
        with smtplib.SMTP("127.0.0.1", ca.mx_port) as server:
            server.ehlo()
            wrong = ["<a@b>c@d.test>", '<"a b"@c.test>', "<a@b@c.test>"]
            return [server.docmd(f"MAIL FROM:{address}")[0] for address in wrong]

    assert all(code >= 500 for code in await asyncio.to_thread(work))


async def test_stopping_hangs_up_on_everybody(tmp_path: Path) -> None:
    async with DemoCa(tmp_path) as ca:
        outside = Outside(ca)
        imap = await asyncio.to_thread(outside.imap, "maria.keller@demo-ca.test")
        await asyncio.to_thread(imap.select, "CPR")
        smtp = await asyncio.to_thread(outside.submission, "researcher")
    last = await asyncio.to_thread(imap.readline)
    assert last == b"" or last.startswith(b"* BYE")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        await asyncio.to_thread(smtp.noop)
    imap.shutdown()
    smtp.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", ca.imap_port)


async def test_passwords_are_private_files(ca: DemoCa, tmp_path: Path) -> None:
    for slug, password in ca.passwords.items():
        file = ca.password_file(slug)
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_text().strip() == password
        assert password not in ca.configuration()
    assert len(set(ca.passwords.values())) == len(ca.passwords)


async def test_bounce_is_well_formed(ca: DemoCa, outside: Outside) -> None:
    ca.rules = replace(ca.rules, departed=frozenset({"judit"}))
    message = report()
    await outside.send(message, tag="abc")
    bounces = [m for m in await outside.read("researcher") if m.get_content_type() == "multipart/report"]
    (bounce,) = bounces
    words, status, headers = bounce.iter_parts()
    assert bounce["Content-Type"].params["report-type"] == "delivery-status"
    assert "no longer works here" in words.get_content()
    about = list(status.iter_parts())[-1]
    assert about["Final-Recipient"] == "rfc822; judit.sandor@demo-ca.test"
    assert about["Original-Recipient"] == f"rfc822; {ALIAS}"
    assert (about["Action"], about["Status"]) == ("failed", "5.1.1")
    original = message_from_bytes(headers.get_payload(decode=True), policy=policy.default)
    assert original["Message-ID"] == message["Message-ID"]
