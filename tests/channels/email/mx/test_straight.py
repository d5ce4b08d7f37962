"""Reports of a sender that has no provider: by a real resolver, to a real Postfix and to scripted servers."""

from __future__ import annotations

import ssl
from email import message_from_bytes, policy
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
import trustme
from channels.email.mx import straight
from channels.email.mx.straight import ENFORCED, HTTP, ONE, STS, channel, resolver, send, serving, trusting
from channels.sending import prepared
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate
from servers.ca_site import CaSite
from servers.polling import until
from servers.smtp_script import SmtpScript

from canary.budgets import MX_KNOWN
from canary.channels import UnusableError
from canary.channels.email.mx.delivery import Straight
from canary.channels.email.mx.names import Names
from canary.clock import Clock
from canary.ledger.events import probe as record
from canary.model import Failure, MailServer, Submission
from canary.settings import MxSettings, NameServer

OFFERED = {"EHLO": ["250-mx.ca.test\r\n250 STARTTLS"]}
TWO = "@ IN MX 10 a\n@ IN MX 20 b\na IN A 127.0.0.1\nb IN A 127.0.0.2\n"


def at(submission: Submission) -> MailServer:
    assert submission.mail_server is not None, submission
    return submission.mail_server


async def test_a_report_is_delivered_to_the_server_that_the_dns_names(site: CaSite, tmp_path: Path) -> None:
    site.add_user("anna")
    with resolver(tmp_path, ONE) as mx:
        opened = channel(mx, site.mx[1], "anna@ca.test", ca_file=str(site.ca_file))
        outgoing = opened.prepare(prepared(opened).report)
        submission = await opened.submit(outgoing, within=60)
        line = await opened.check()
    assert submission.accepted, submission
    ((_, _, raw),) = until(lambda: site.messages("anna"), "the report in the mailbox")
    found = message_from_bytes(raw, policy=policy.default)
    assert found["Return-Path"] == f"<robin+{outgoing.report.mark}@probe.example>"
    assert "from canary.probe.example (" in found.get_all("Received")[-1]
    mail_server = MailServer(
        "mx.ca.test", "127.0.0.1", "TLSv1.3", "verified", policy_said="MTA-STS: ca.test has no record of a policy"
    )
    assert at(submission) == mail_server
    assert record.read_submission(record.submitted("p", submission.at, submission, {})).mail_server == mail_server
    assert line == (
        "own MX mx.ca.test (127.0.0.1) STARTTLS TLSv1.3, certificate verified; "
        "MTA-STS: ca.test has no record of a policy"
    )


@pytest.mark.parametrize(
    ("verb", "said", "taken_by"),
    [
        ("GREETING", "421 4.3.2 busy", "b"),
        ("MAIL", "451 4.3.0 later", "b"),
        ("RCPT", "450 4.2.0 greylisted", "b"),
        ("END", "451 4.3.0 later", "b"),
        ("DATA", "<close the connection>", "b"),
        ("RCPT", "550 5.1.1 no such user", None),
        ("GREETING", "554 no service", None),
        ("END", "<close the connection>", None),
        ("RCPT", "250 ok", "a"),
    ],
)
async def test_the_next_server_is_tried_after_no_and_never_after_never(
    verb: str, said: str, taken_by: str | None, tmp_path: Path
) -> None:
    first, second = SmtpScript({verb: [said]}), SmtpScript()
    async with first.running() as one, second.running("127.0.0.2", one.port):
        with resolver(tmp_path, TWO) as mx:
            submission = await send(mx, first.port)
    assert submission.accepted == (taken_by is not None)
    assert at(submission).host == f"{taken_by or 'a'}.ca.test"
    assert len(second.messages) == (taken_by == "b")
    assert second.connections == (taken_by == "b")
    assert submission.uncertain == ((verb, taken_by) == ("END", None))


async def test_every_address_of_a_server_is_tried_and_a_domain_without_mx_is_its_own_server(tmp_path: Path) -> None:
    async with SmtpScript().running() as server:
        for records, host in (
            ("@ IN MX 10 mx\nmx IN A 127.0.0.3\nmx IN A 127.0.0.1\nmx IN AAAA ::1\n", "mx.ca.test"),
            ("@ IN MX 10 mx\nmx IN CNAME real\nreal IN A 127.0.0.1\n", "mx.ca.test"),
            ("@ IN A 127.0.0.1\n", "ca.test"),
        ):
            with resolver(tmp_path, records) as mx:
                submission = await send(mx, server.port)
            assert submission.accepted, submission
            assert (at(submission).host, at(submission).address) == (host, "127.0.0.1")


async def test_servers_of_one_preference_are_tried_in_the_order_of_the_seed(tmp_path: Path) -> None:
    records = "@ IN MX 5 first\n" + "".join(f"@ IN MX 10 mx{number}\n" for number in range(6)) + "@ IN MX 20 last\n"
    with resolver(tmp_path, records) as mx:
        server = NameServer.model_validate(mx)
        orders = [(await Names(server, Random(seed)).exchangers("ca.test", 20)).hosts for seed in (1, 1, 2, 3, 4)]
    assert {(order[0], order[-1]) for order in orders} == {("first.ca.test", "last.ca.test")}
    assert len({frozenset(order) for order in orders}) == 1
    assert orders[0] == orders[1]
    assert len(set(orders)) > 1


@pytest.mark.parametrize(
    ("names", "tls", "certificate"),
    [
        (None, "", ""),
        (("mx.ca.test",), "TLSv1.3", "verified"),
        (("other.test",), "TLSv1.3", "Hostname mismatch, certificate is not valid for 'mx.ca.test'."),
    ],
)
async def test_nobody_need_have_a_certificate_and_what_it_is_is_told(
    names: tuple[str, ...] | None, tls: str, certificate: str, tmp_path: Path, authority: trustme.CA
) -> None:
    secured = serving(authority, *names) if names else None
    async with SmtpScript(OFFERED if secured else {}, tls=secured).running() as server:
        with resolver(tmp_path, ONE) as mx:
            submission = await send(mx, server.port, **trusting(authority, tmp_path))
    assert submission.accepted, submission
    assert (at(submission).tls, at(submission).certificate) == (tls, certificate)


@pytest.mark.parametrize("refusal", ["454 4.7.0 TLS is not available", "220 go ahead, in plain text"])
async def test_who_offers_tls_and_has_none_gets_it_without(refusal: str, tmp_path: Path, authority: trustme.CA) -> None:
    old = serving(authority, "mx.ca.test")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    old.set_ciphers("AES128-SHA256")  # which nobody takes any more
    async with SmtpScript({**OFFERED, "STARTTLS": [refusal]}, tls=old).running() as server:
        with resolver(tmp_path, ONE) as mx:
            submission = await send(mx, server.port, **trusting(authority, tmp_path))
    assert submission.accepted, submission
    assert (at(submission).tls, at(submission).certificate) == ("", "")
    assert b"opening another connection, without TLS" in submission.artefacts[0][1]


@pytest.mark.parametrize(
    ("text", "mode", "taken"),
    [
        (ENFORCED, "enforce", False),
        (ENFORCED.replace("enforce", "testing"), "testing", True),
        (ENFORCED.replace("enforce", "none"), "none", True),
        ("no policy", "", True),
    ],
)
async def test_a_policy_is_held_as_it_says(
    text: str, mode: str, taken: bool, tmp_path: Path, authority: trustme.CA
) -> None:
    async with (
        SmtpScript(OFFERED, tls=serving(authority, "other.test")).running() as server,
        straight.policy(authority, text) as where,
    ):
        with resolver(tmp_path, ONE + STS) as mx:
            submission = await send(mx, server.port, **where, **trusting(authority, tmp_path))
    assert submission.accepted is taken, submission
    assert at(submission).policy == mode
    assert at(submission).certificate.startswith("Hostname mismatch")
    assert submission.failure is (None if taken else Failure.REJECTED)
    assert not server.messages or taken


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (HTTP, "MTA-STS: enforce, policy 20260101, fetched now"),
        (HTTP.replace("text/plain", "text/html"), "its media type is 'text/html', want text/plain"),
        (HTTP.replace("200 OK", "404 Not Found"), "404 Not Found"),
        (HTTP.replace("200 OK", "302 Found\r\nlocation: https://127.0.0.1/"), "302 Found"),
        (HTTP + "x" * 70_000 + "\r\n", "more than 65536 bytes"),
    ],
)
async def test_a_policy_that_cannot_be_had_is_told_and_demands_nothing(
    head: str, said: str, tmp_path: Path, authority: trustme.CA
) -> None:
    async with (
        SmtpScript(OFFERED, tls=serving(authority, "mx.ca.test")).running() as server,
        straight.policy(authority, head=head) as where,
    ):
        with resolver(tmp_path, ONE + STS) as mx:
            submission = await send(mx, server.port, **where, **trusting(authority, tmp_path))
    assert submission.accepted, submission
    assert said in at(submission).policy_said
    assert at(submission).policy == ("enforce" if head == HTTP else "")


async def test_a_policy_is_kept_while_it_holds_though_its_server_is_gone(tmp_path: Path, authority: trustme.CA) -> None:
    async with SmtpScript(OFFERED, tls=serving(authority, "mx.ca.test")).running() as server:
        with resolver(tmp_path, ONE + STS) as mx:
            async with straight.policy(authority) as where:
                opened = channel(mx, server.port, **where, **trusting(authority, tmp_path))
                fetched = await opened.submit(prepared(opened), within=60)
            kept = await opened.submit(prepared(opened), within=60)
        assert (at(fetched).policy, at(kept).policy) == ("enforce", "enforce")
        assert at(kept).policy_said == "MTA-STS: enforce, policy 20260101"


@pytest.mark.parametrize("later", [ONE + STS, ONE], ids=["its server is gone", "its record is gone"])
async def test_a_policy_outlasts_a_restart_so_that_nobody_wins_who_keeps_it_from_us(
    later: str, tmp_path: Path, authority: trustme.CA
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    async with SmtpScript(OFFERED, tls=serving(authority, "mx.ca.test")).running() as server:
        with resolver(tmp_path, ONE + STS) as mx:
            async with straight.policy(authority) as where:
                given = {**where, **trusting(authority, tmp_path)}
                assert (await send(mx, server.port, state=state, **given)).accepted
    async with SmtpScript(OFFERED, tls=serving(authority, "other.test")).running() as server:
        with resolver(tmp_path, later) as mx:  # each `send` opens a channel of its own, as a restart does
            held = await send(mx, server.port, state=state, **given)
            forgotten = await send(mx, server.port, **given)
    assert (held.failure, at(held).policy) == (Failure.REJECTED, "enforce")
    assert not at(held).policy_said.endswith("cannot be had"), held
    assert forgotten.accepted, "which shows that what was kept is why it is held"


async def test_what_is_kept_and_damaged_is_told_and_begun_anew(tmp_path: Path, authority: trustme.CA) -> None:
    file = tmp_path / "mta-sts.own.json"
    file.write_text('{"ca.test": {"mode": "enfo')
    file.chmod(0o600)
    async with SmtpScript(OFFERED, tls=serving(authority, "mx.ca.test")).running() as server:
        with resolver(tmp_path, ONE + STS) as mx:
            async with straight.policy(authority) as where:
                given = {**where, **trusting(authority, tmp_path), "state": tmp_path}
                told = await send(mx, server.port, **given)
            again = await send(mx, server.port, **given)
    assert told.accepted
    assert "policy 20260101, fetched now; " in at(told).policy_said
    assert f"{file} holds no policies: Invalid JSON" in at(told).policy_said
    assert at(again).policy_said == "MTA-STS: enforce, policy 20260101"


async def test_what_cannot_be_kept_is_told_and_held_all_the_same(tmp_path: Path, authority: trustme.CA) -> None:
    async with SmtpScript(OFFERED, tls=serving(authority, "mx.ca.test")).running() as server:
        with resolver(tmp_path, ONE + STS) as mx:
            async with straight.policy(authority) as where:
                given = {**where, **trusting(authority, tmp_path), "state": tmp_path / "missing"}
                told = await send(mx, server.port, **given)
    assert told.accepted
    assert at(told).policy == "enforce"
    assert "mta-sts.own.json cannot be written: [Errno 2]" in at(told).policy_said


@pytest.mark.parametrize(
    ("signed", "validates", "right", "certificate"),
    [
        (True, True, True, "pinned"),
        (True, True, False, "none that the DNS pins"),
        (True, False, False, "unable to get local issuer certificate"),
        (False, True, False, "unable to get local issuer certificate"),
    ],
)
async def test_a_certificate_is_pinned_where_the_dns_is_validated(
    signed: bool, validates: bool, right: bool, certificate: str, tmp_path: Path
) -> None:
    unknown = trustme.CA()
    leaf = unknown.issue_cert("other.test")
    secured = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    leaf.configure_cert(secured)
    shown = load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes())
    key = shown.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = sha256(key if right else b"another").hexdigest()
    async with SmtpScript(OFFERED, tls=secured).running() as server:
        with resolver(tmp_path, f"{ONE}_{server.port}._tcp.mx IN TLSA 3 1 1 {pin}\n", signed=signed) as mx:
            submission = await send({**mx, "validates": validates}, server.port)
    assert at(submission).certificate == certificate
    assert at(submission).dane is (signed and validates)
    assert submission.accepted is (right or not (signed and validates)), submission


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ("@ IN MX 0 .\n", "ca.test takes no mail: it has a null MX"),
        ("@ IN MX 0 .\n@ IN MX 10 .\n", "ca.test takes no mail: it has a null MX"),
        ("@ IN MX 10 192.0.2.1.\n", "is named as one by the DNS"),
    ],
)
async def test_check_says_what_is_the_cas(records: str, said: str, tmp_path: Path) -> None:
    with resolver(tmp_path, records) as mx, pytest.raises(UnusableError, match=said):
        await channel(mx, 25).check()


def test_a_domain_that_names_other_servers_each_time_is_not_remembered_for_ever() -> None:
    way = Straight(MxSettings(helo="canary.persona.test"), Clock(), Random(1))
    assert way._manners_of("mx.ca.test") is way._manners_of("mx.ca.test")
    assert MX_KNOWN.number is not None
    for number in range(3 * MX_KNOWN.number):
        way._manners_of(f"mx{number}.ca.test")
        assert len(way._manners) <= MX_KNOWN.number
