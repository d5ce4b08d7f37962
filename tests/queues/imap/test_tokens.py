"""A mailbox that is logged in to by tokens: Dovecot's own oauth2, and a token server that ends and revokes them."""

from __future__ import annotations

import base64
from threading import Event
from typing import Any

import pytest
from queues.conftest import RESOURCES, Watch, folder, looked, server_of
from queues.recording_intake import RecordingIntake
from servers.ca_site import CaSite, User
from servers.imap_script import ImapScript
from servers.polling import until

from canary.model import OwnFaultError
from canary.queues.imap.settings import ImapSettings
from canary.queues.imap.watch import ImapWatcher, open_imap


def by_token(site: CaSite, user: User, auth: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The mailbox's server, with tokens instead of a password."""
    given = server_of(site, user, **changes)
    del given["password"]
    return given | {"auth": {**(auth or site.tokens.generic()), "ca_file": str(site.ca_file)}}


def scripted(site: CaSite, script: ImapScript) -> dict[str, Any]:
    """A scripted server, and tokens for it."""
    server = script.server(auth={**site.tokens.generic(), "ca_file": str(site.ca_file)})
    del server["password"]
    return server


def watcher(server: dict[str, Any]) -> ImapWatcher:
    settings = {"kind": "imap", "server": server, "folders": [folder("CPR", "monitored")]}
    return open_imap("desk", ImapSettings.model_validate(settings), RESOURCES)


def refused(server: dict[str, Any]) -> OwnFaultError:
    with pytest.raises(OwnFaultError) as raised:
        watcher(server).check()
    return raised.value


def test_check_says_what_was_got_and_never_the_token(site: CaSite, desk: User) -> None:
    said = watcher(by_token(site, desk, site.tokens.generic(scopes=["mail.read", "mail.send"]))).check()
    (given,) = site.tokens.given
    assert "desk on 127.0.0.1" in said
    assert f"by AUTH=OAUTHBEARER (scopes mail.read mail.send, tenant {site.tokens.tenant}" in said
    assert "roles IMAP.AccessAsApp SMTP.SendAsApp" in said
    assert f", token until {given.expires:%Y-%m-%dT%H:%M}" in said
    assert "CPR (monitored, 0 messages)" in said
    assert given.value not in said


def test_mail_is_found_with_a_token(site: CaSite, intake: RecordingIntake, desk: User, watch: Watch) -> None:
    watch(desk, server=by_token(site, desk))
    looked(intake, "cpr")
    assert intake.reasons() == []
    assert len(site.tokens.given) == 1


def test_a_token_is_renewed_before_it_ends(site: CaSite, intake: RecordingIntake, desk: User, watch: Watch) -> None:
    """It has ended by the time of the next connection, and nobody was refused for that."""
    site.tokens.life = 1
    watch(desk, server=by_token(site, desk))
    looked(intake, "cpr")
    until(lambda: site.tokens.is_good(site.tokens.given[0].value) is None, "the end of the first token")
    site.dovecot.restart()
    looked(intake, "cpr")
    assert len(site.tokens.given) > 1
    assert "login_refused" not in intake.reasons()


def test_a_token_that_was_revoked_is_renewed_at_once_and_nothing_is_told(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    watch(desk, server=by_token(site, desk))
    looked(intake, "cpr")
    site.tokens.revoke()
    site.dovecot.restart()
    looked(intake, "cpr")
    assert len(site.tokens.given) == 2
    assert "login_refused" not in intake.reasons()


def test_a_mailbox_that_takes_no_token_has_two_asked_for_and_no_more(site: CaSite, desk: User) -> None:
    site.tokens.mailboxes = ("boss",)
    asked = watcher(by_token(site, desk))
    for _ in range(3):
        with pytest.raises(OwnFaultError) as raised:
            asked.check()
        assert raised.value.reason == "login_refused"
    assert "refuses the login of desk" in raised.value.detail
    assert "status invalid_token" in raised.value.detail
    assert "look at username" in raised.value.detail
    assert len(site.tokens.given) == 2
    assert not any(given.value in raised.value.detail for given in site.tokens.given)


def test_a_token_of_another_tenant_shows_itself(site: CaSite, desk: User) -> None:
    """The server is one tenant's, and the application was registered with another one."""
    site.tokens.tenant, site.tokens.mailboxes = "99999999-2222-3333-4444-555555555555", ("boss",)
    error = refused(by_token(site, desk, site.tokens.microsoft(tenant=site.tokens.tenant)))
    assert error.reason == "login_refused"
    assert f", tenant {site.tokens.tenant}" in error.detail.partition("shown was: ")[2]


def test_two_watches_share_one_token(site: CaSite, desk: User) -> None:
    server = by_token(site, desk)
    one, other = watcher(server), watcher(server)
    one.check()
    other.check()
    assert len(site.tokens.given) == 1


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "wrong secret": ({"error": "invalid_client"}, "look at auth.client_id"),
    "revoked grant": ({"error": "invalid_grant", "error_description": "revoked"}, "another auth.refresh_token"),
    "wrong scope": ({"error": "invalid_scope"}, "look at auth.scope"),
    "a code of Microsoft's": (
        {"error": "invalid_client", "error_description": "AADSTS7000222: The provided client secret keys are expired."},
        "the client secret has expired",
    ),
}


@pytest.mark.parametrize("refusal", list(REFUSALS))
def test_what_a_token_server_refuses_is_told_with_what_to_change(site: CaSite, desk: User, refusal: str) -> None:
    said, words = REFUSALS[refusal]
    site.tokens.refusal = 400, said
    error = refused(by_token(site, desk))
    assert error.reason == "token_refused"
    assert said["error"] in error.detail
    assert words in error.detail


def test_a_refresh_token_that_the_server_changes_each_time_is_followed(
    site: CaSite, desk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFRESH", "refresh-1")
    site.tokens.rotates = True
    asked = watcher(by_token(site, desk, site.tokens.generic(refresh_token={"env": "REFRESH"}, client_secret=None)))
    for _ in range(3):
        asked.check()
        site.tokens.revoke()
    questions = [question.form for question in site.tokens.asked]
    assert {question["grant_type"] for question in questions} == {"refresh_token"}
    assert [question["refresh_token"] for question in questions] == ["refresh-1", "refresh-2", "refresh-3"]


def test_a_token_as_long_as_microsofts_is_taken(site: CaSite, desk: User) -> None:
    site.tokens.padding = 2500
    assert "CPR (monitored, 0 messages)" in watcher(by_token(site, desk)).check()


def test_a_token_server_that_hangs_keeps_no_other_watch_from_looking_and_ours_from_stopping(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    over = Event()
    site.tokens.behaviour = lambda _: bool(over.wait(15))  # type: ignore[assignment]
    alice = site.add_user("alice", folders=["Other"])
    waiting = watch(desk, server=by_token(site, desk))
    watch(alice, server=server_of(site, alice), folders=[folder("Other", "other")])
    until(lambda: bool(site.tokens.asked), "a question to the token server")
    looked(intake, "other")
    waiting.stop()
    assert not waiting.running
    assert not over.is_set()
    over.set()


PROBLEM = base64.b64encode(b'{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}')


@pytest.mark.parametrize(("mechanism", "answer"), [("XOAUTH2", ""), ("OAUTHBEARER", "AQ==")])
def test_the_problem_with_a_token_is_answered_and_told(site: CaSite, mechanism: str, answer: str) -> None:
    script = ImapScript(capabilities=f"IMAP4rev1 LOGINDISABLED AUTH={mechanism}")
    script.answers["AUTHENTICATE"] = lambda _: [b"+ \r\n", b"+ %s\r\n" % PROBLEM]
    script.status["AUTHENTICATE"] = b"NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)"
    with script.running():
        error = refused(scripted(site, script))
    assert error.reason == "login_refused"
    assert "Invalid credentials (Failure) (status 400, scope https://mail.google.com/, schemes Bearer)" in error.detail
    assert script.commands.count(answer) == 2, "one for each of two tokens"


@pytest.mark.parametrize("said", [b"+ !!!\r\n", b"+ AAA\r\n"])
def test_a_server_that_asks_by_what_is_no_base64_is_told(site: CaSite, said: bytes) -> None:
    script = ImapScript(capabilities="IMAP4rev1 AUTH=XOAUTH2")
    script.answers["AUTHENTICATE"] = lambda _: [b"+ \r\n", said]
    script.status["AUTHENTICATE"] = b"NO no"
    with script.running():
        assert refused(scripted(site, script)).reason in ("protocol", "login_refused")


def test_a_server_that_takes_no_tokens_is_told_what_to_set(site: CaSite) -> None:
    script = ImapScript(capabilities="IMAP4rev1 AUTH=PLAIN")
    with script.running():
        error = refused(scripted(site, script))
    assert error.reason == "login_unsupported"
    assert "takes PLAIN only; wanted OAUTHBEARER or XOAUTH2" in error.detail
    assert not [command for command in script.commands if command.upper().startswith(("LOGIN", "AUTH"))]


def test_one_mechanism_that_is_broken_falls_back_to_the_other(site: CaSite) -> None:
    script = ImapScript(capabilities="IMAP4rev1 AUTH=OAUTHBEARER AUTH=XOAUTH2")
    script.answers["AUTHENTICATE"] = lambda rest: [b"+ \r\n"] if b"XOAUTH2" in rest else []
    script.endings["AUTHENTICATE"] = lambda rest: b"OK done" if b"XOAUTH2" in rest else b"BAD what?"
    with script.running():
        said = watcher(scripted(site, script)).check()
    assert "by AUTH=XOAUTH2 (" in said
    assert "AUTH=OAUTHBEARER is offered and does not work" in said
