"""Every way in which a mailbox cannot be read is a fault of ours with its own name, and is tried again."""

from __future__ import annotations

import base64
import logging
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from queues.conftest import RESOURCES, Watch, folder, server_of
from queues.mails import mail, raw
from queues.recording_intake import RecordingIntake
from queues.tap import Tap
from servers import certificates
from servers.ca_site import CaSite, User
from servers.imap_script import ImapScript
from servers.polling import until
from servers.strip_starttls import StrippingProxy

from canary.echo import Echo
from canary.model import Component, OwnFaultError
from canary.queues.imap.faults import Reason, explain
from canary.queues.imap.settings import ImapSettings
from canary.queues.imap.watch import open_imap
from canary.settings import Server


def check(server: dict[str, Any], *, find_junk: bool = False) -> str:
    settings = {"kind": "imap", "server": server, "folders": [folder("CPR", "monitored")], "find_junk": find_junk}
    return open_imap("desk", ImapSettings.model_validate(settings), RESOURCES).check()


def refused(server: dict[str, Any], *, find_junk: bool = False) -> OwnFaultError:
    with pytest.raises(OwnFaultError) as raised:
        check(server, find_junk=find_junk)
    assert raised.value.component is Component.IMAP
    return raised.value


@contextmanager
def answering(*says: bytes, context: ssl.SSLContext | None = None) -> Iterator[tuple[str, int]]:
    """A server that says its piece to everybody, and then nothing more until the client leaves."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with plain:
                try:
                    client = context.wrap_socket(plain, server_side=True) if context else plain
                    for piece in says:
                        client.sendall(piece)
                        client.recv(4096)
                except OSError:
                    continue

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()
    finally:
        listener.close()


def at(address: tuple[str, int], **changes: Any) -> dict[str, Any]:
    account = {"username": "desk", "password": {"env": "PATH"}, "timeout": "500ms"}
    return {"host": address[0], "port": address[1], "tls": "none", **account, **changes}


def speaking_tls(chain: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context


# What works


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_both_kinds_of_tls_work(site: CaSite, desk: User, tls: str) -> None:
    port = site.imaps[1] if tls == "implicit" else site.imap[1]
    assert "CPR (monitored" in check(server_of(site, desk, tls=tls, port=port))


@pytest.mark.parametrize("password", ['"quotes" and \\ strokes', "Grüße, Łódź, 密码", " spaces "])
def test_passwords_of_any_kind_work(site: CaSite, password: str) -> None:
    user = site.add_user("odd", password, folders=["CPR"]) if password.isascii() else User("odd", password, "", "")
    if not password.isascii():  # the fixture's own session logs in by LOGIN, which takes ASCII alone
        site.add_user("odd", folders=["CPR"])
        site.dovecot.allow("odd", password)
    assert "CPR (monitored" in check(server_of(site, user))


# TLS


def test_an_unknown_authority_is_refused(site: CaSite, desk: User, tmp_path: Path) -> None:
    other = certificates.authority_file(certificates.authority(), tmp_path)
    assert refused(server_of(site, desk, ca_file=str(other))).reason == "tls_untrusted"


def test_the_systems_authorities_do_not_know_the_test_one(site: CaSite, desk: User) -> None:
    assert refused(server_of(site, desk, ca_file=None)).reason == "tls_untrusted"


def test_an_expired_certificate_is_refused(site: CaSite, desk: User, authority: trustme.CA, tmp_path: Path) -> None:
    context = speaking_tls(*certificates.expired_cert(authority, tmp_path))
    with answering(b"* OK hello\r\n", context=context) as address:
        assert refused(server_of(site, desk, port=address[1])).reason == "tls_expired"


def test_another_servers_certificate_is_refused(
    site: CaSite, desk: User, authority: trustme.CA, tmp_path: Path
) -> None:
    context = speaking_tls(*certificates.server_cert(authority, tmp_path, ["elsewhere.test"]))
    with answering(b"* OK hello\r\n", context=context) as address:
        assert refused(server_of(site, desk, port=address[1])).reason == "tls_untrusted"


def test_something_that_speaks_no_tls_is_refused(site: CaSite, desk: User) -> None:
    assert refused(server_of(site, desk, port=site.imap[1])).reason == "tls_failed"


def test_a_stripped_starttls_is_refused_and_no_password_sent(site: CaSite, desk: User) -> None:
    with Tap(site.imap, replace=(b" STARTTLS", b" XXXXXXXX")) as tap:
        assert refused(server_of(site, desk, tls="starttls", port=tap.address[1])).reason == "no_starttls"
        assert "LOGIN" not in tap.said()
        assert "AUTHENTICATE" not in tap.said()


def test_who_takes_starttls_out_on_the_way_learns_nothing(site: CaSite, desk: User) -> None:
    with StrippingProxy(site.imap, "imap") as proxy:
        error = refused(server_of(site, desk, tls="starttls", port=proxy.address[1]))
        heard = b"".join(proxy.overheard)
    assert error.reason == "no_starttls"
    assert b"CAPABILITY" in heard
    assert not any(word in heard for word in (b"LOGIN", b"AUTHENTICATE", b"desk", desk.password.encode()))


def test_bytes_slipped_in_before_tls_are_refused(site: CaSite, desk: User) -> None:
    slipped = b"negotiation now.\r\n* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n"
    with Tap(site.imap, replace=(b"negotiation now.\r\n", slipped)) as tap:
        error = refused(server_of(site, desk, tls="starttls", port=tap.address[1]))
    assert "before TLS began" in error.detail


def test_a_missing_ca_file_is_named(site: CaSite, desk: User, tmp_path: Path) -> None:
    error = refused(server_of(site, desk, ca_file=str(tmp_path / "gone.pem")))
    assert error.reason == "ca_file"
    assert "gone.pem" in error.detail


# Login


def test_a_wrong_password_is_told_without_it(
    site: CaSite, desk: User, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = tmp_path / "secret"
    secret.write_text("swordfish")
    error = refused(server_of(site, desk, password={"file": str(secret)}))
    assert error.reason == "login_refused"
    assert "desk" in error.detail
    assert "swordfish" not in error.detail + caplog.text


def test_a_server_that_repeats_the_password_does_not_get_it_printed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("swordfish")
    hello, capable = b"* OK [CAPABILITY IMAP4rev1] hello\r\n", b"* CAPABILITY IMAP4rev1\r\n"
    with _scripted(hello, capable, b'BAD what is "desk" "swordfish"?') as address:
        error = refused(at(address, password={"file": str(secret)}))
    assert error.reason == "login_refused"
    assert "swordfish" not in error.detail
    assert "<secret>" in error.detail


def test_a_server_that_cannot_tell_is_not_a_wrong_password() -> None:
    hello, capable = b"* OK hello\r\n", b"* CAPABILITY IMAP4rev1\r\n"
    with _scripted(hello, capable, b"NO [UNAVAILABLE] Temporary authentication failure.") as address:
        assert refused(at(address)).reason == "login_unavailable"


@contextmanager
def _scripted(hello: bytes, capabilities: bytes, login: bytes) -> Iterator[tuple[str, int]]:
    """A server that gets as far as the login."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listener.accept()
        with client, client.makefile("rb") as lines:
            client.sendall(hello)
            for line in lines:
                tag, command, *_ = line.split()
                answers = {b"CAPABILITY": capabilities + tag + b" OK done\r\n", b"LOGIN": tag + b" " + login + b"\r\n"}
                client.sendall(answers.get(command.upper(), tag + b" BAD what?\r\n"))

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()
    finally:
        listener.close()


def test_a_secret_that_is_not_there_is_named(site: CaSite, desk: User, tmp_path: Path) -> None:
    error = refused(server_of(site, desk, password={"file": str(tmp_path / "gone")}))
    assert error.reason == "secret"
    assert "gone" in error.detail


# Servers and networks


def test_nobody_listening_is_unreachable(site: CaSite, desk: User) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert refused(server_of(site, desk, port=port)).reason == "unreachable"


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (b"* BYE too many connections\r\n", "disconnected"),
        (b"* OK hello", "timeout"),
        (b"", "timeout"),
        (b"220 mail.test ESMTP\r\n", "disconnected"),
        (b"* OK [CAPABILITY IMAP4rev1] hello\r\n* CAPABILITY {999999999999}\r\n", "too_much"),
        (b"x" * 1_100_000, "too_much"),
    ],
)
def test_servers_that_say_nonsense(says: bytes, reason: str) -> None:
    with answering(says) as address:
        assert refused(at(address)).reason == reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.gaierror(-2, "Name or service not known"), Reason.DNS),
        (TimeoutError("timed out"), Reason.TIMEOUT),
        (ConnectionResetError(104, "reset"), Reason.DISCONNECTED),
        (ConnectionRefusedError(111, "refused"), Reason.UNREACHABLE),
        (ZeroDivisionError("what?"), Reason.UNEXPECTED),
    ],
)
def test_every_error_has_a_reason(error: Exception, reason: Reason) -> None:
    told = explain(error, Server.model_validate({"host": "imap.ca.test", "port": 993}), Echo())
    assert told.reason == reason.value
    assert "imap.ca.test:993" in told.detail


# Trying again


def test_a_watcher_tells_its_trouble_and_goes_on_when_it_is_over(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    server = server_of(site, desk)
    secret = Path(server["password"]["file"])
    right = secret.read_text()
    secret.unlink()
    watch(desk, server=server)
    until(lambda: "secret" in intake.reasons(), "the fault")
    mark = intake.probe()
    site.deliver("desk", raw(mail(f"About {mark}")), "CPR")
    secret.write_text(right)
    until(intake.found, "the report")


def test_a_wrong_password_is_not_tried_again_at_once(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("swordfish")
    server = server_of(site, desk, host="127.0.0.1", port=site.imap[1], tls="none", ca_file=None)
    with Tap(site.imap) as tap:
        watch(desk, server=server | {"password": {"file": str(secret)}, "port": tap.address[1]})
        first = until(intake.reasons, "the fault")
        with pytest.raises(AssertionError, match="in vain"):
            until(lambda: tap.connections > 1, "a second login", timeout=4)
    assert first == ["login_refused"]


ECHOES = {
    "quoted": lambda p: '"' + p.replace("\\", "\\\\").replace('"', '\\"') + '"',
    "plain": lambda p: p,
    "as a literal": lambda p: f"{{{len(p)}}} {p}",
    "in percents": lambda p: urllib.parse.quote(p, safe=""),
    "in Base64": lambda p: base64.b64encode(p.encode()).decode(),
    "in Base64 with the name": lambda p: base64.b64encode(f"\0desk\0{p}".encode()).decode(),
    "in Base64 with another name": lambda p: base64.b64encode(f"boss\0desk\0{p}".encode()).decode(),
    "as XOAUTH2": lambda p: base64.b64encode(f"user=desk\1auth=Bearer {p}\1\1".encode()).decode(),
    "in two pieces": lambda p: f"{p[:6]} and {p[6:]}",
    "backwards in pieces": lambda p: f"{p[6:]} {p[:6]}",
}


@pytest.mark.parametrize("capabilities", ["IMAP4rev1", "IMAP4rev1 AUTH=PLAIN"])
@pytest.mark.parametrize("way", list(ECHOES))
@pytest.mark.parametrize("password", ['sword"fish', "sword\\fish", "swordfish"])
def test_nothing_that_may_be_the_password_is_told_of_a_refused_login(
    tmp_path: Path, way: str, password: str, capabilities: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(password)
    script = ImapScript(capabilities=capabilities)
    said = f"NO [AUTHENTICATIONFAILED] what is {ECHOES[way](password)}?".encode()
    script.status = {"LOGIN": said, "AUTHENTICATE": said}
    script.answers["AUTHENTICATE"] = lambda _: [b"+ \r\n"]
    with script.running():
        error = refused(script.server(password={"file": str(secret)}))
    assert error.reason == "login_refused"
    assert "[AUTHENTICATIONFAILED]" in error.detail
    assert ECHOES[way](password) not in error.detail
    told = error.detail.partition(": ")[2]  # before it stands a port, whose digits may be some of the password's
    assert not Echo(password).suspected(told.replace("the password", ""))


@pytest.mark.parametrize("way", ["plain", "quoted", "in percents", "in Base64", "in Base64 with the name"])
@pytest.mark.parametrize("verb", ["STATUS", "LIST"])
def test_a_server_that_repeats_the_password_later_does_not_get_it_printed(tmp_path: Path, way: str, verb: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text('sword"\\fish')
    script = ImapScript()
    repeated = ECHOES[way]('sword"\\fish')
    script.status[verb] = f"NO what is {repeated}?".encode()
    with script.running():
        error = refused(script.server(password={"file": str(secret)}), find_junk=True)
    assert "<secret>" in error.detail
    assert not Echo('sword"\\fish').suspected(error.detail.partition(": ")[2].replace("<secret>", ""))
