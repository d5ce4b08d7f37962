"""A ticket system that is logged in to by access tokens, which end, are revoked, and are not to be had."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import trustme
from queues.recording_intake import RecordingIntake
from queues.tickets.conftest import QUEUES, looked_at
from queues.tickets.contract.base import Answer, Asked
from queues.tickets.contract.salesforce_case import SalesforceCase
from servers.certificates import authority_file
from servers.polling import until
from servers.token_server import TokenServer

from canary.clock import Clock
from canary.model import OwnFaultError
from canary.queues import WatchResources, loop
from canary.queues.tickets.login import by_secret
from canary.queues.tickets.settings import TicketSettings
from canary.queues.tickets.watch import TicketWatcher, open_tickets


class Salesforce(SalesforceCase):
    """It takes every token that the token server holds for good."""

    login: ClassVar[str] = ""

    def __init__(self, tokens: TokenServer) -> None:
        super().__init__()
        self._tokens = tokens

    def answer(self, asked: Asked) -> Any:
        kind, _, token = asked.login.partition(" ")
        if kind != "Bearer" or self._tokens.is_good(token) is None:
            return Answer([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}], 401)
        return super().answer(asked)


@pytest.fixture
def tokens(authority: trustme.CA) -> Iterator[TokenServer]:
    with TokenServer(authority) as running:
        yield running


@pytest.fixture
def salesforce(tokens: TokenServer) -> Iterator[Salesforce]:
    with Salesforce(tokens) as running:
        running.arrive("CPR", "a-stranger", age=3600)
        yield running


@pytest.fixture
def watcher(
    salesforce: Salesforce, tokens: TokenServer, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TicketWatcher]:
    monkeypatch.setenv("SECRET", "s3cr3t~of-the-client")
    monkeypatch.setattr(loop, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(loop, "REFUSED_PAUSE", 0.05)
    given = {
        "kind": "tickets", "preset": "salesforce-case", "url": salesforce.url, "queues": QUEUES[:1], "poll": "50ms",
        "auth": {**tokens.generic(), "ca_file": str(authority_file(authority, tmp_path))},
    }  # fmt: skip
    made = open_tickets("desk", TicketSettings.model_validate(given), WatchResources(Clock()))
    yield made
    made.stop()


def test_looks_share_a_token_and_one_that_is_revoked_is_replaced(
    watcher: TicketWatcher, salesforce: Salesforce, tokens: TokenServer
) -> None:
    intake = RecordingIntake()
    watcher.start(intake)
    looked_at(intake, "cpr")
    looked_at(intake, "cpr")
    assert len(tokens.given) == 1
    tokens.given[0].revoked = True
    until(lambda: len(tokens.given) == 2, "another token", 60)
    mark = intake.probe()
    salesforce.arrive("CPR", mark)
    until(intake.genuine, "the report", 60)
    assert intake.reasons() == []
    assert not [given.value for given in tokens.given if given.value in intake.details()]


def test_a_token_server_that_refuses_is_told_and_asked_no_more_than_now_and_then(
    watcher: TicketWatcher, tokens: TokenServer
) -> None:
    tokens.refusal = 401, {"error": "invalid_client"}
    with pytest.raises(OwnFaultError, match="no access token") as refused:
        watcher.check()
    assert refused.value.reason == "token_refused"
    with pytest.raises(OwnFaultError):
        watcher.check()
    assert len(tokens.asked) == 1


def test_a_token_server_that_is_away_is_no_refusal(watcher: TicketWatcher, tokens: TokenServer) -> None:
    tokens.refusal = 503, {}
    with pytest.raises(OwnFaultError) as away:
        watcher.check()
    assert away.value.reason == "token_unavailable"


@pytest.mark.parametrize("secret", ['quoted "sesame"', "back\\slash-sesame", "sésame-ouvre-toi", "plain-sesame"])
def test_a_password_in_the_body_is_known_however_an_answer_repeats_it(secret: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(secret)
    given = {
        "kind": "tickets", "preset": "znuny", "url": "https://tickets.ca.test", "queues": QUEUES[:1],
        "username": "canary", "password": {"file": str(tmp_path / "password")},
    }  # fmt: skip
    login = by_secret(TicketSettings.model_validate(given))
    assert login.body == {"UserLogin": "canary", "Password": secret}
    repeated = login.echo.removed(f"cannot read {json.dumps(login.body)} or {secret}")
    assert repeated.count("<secret>") == 2
    assert "sesame" not in repeated
    assert "ouvre" not in repeated
