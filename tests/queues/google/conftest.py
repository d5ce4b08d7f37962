"""What the tests of Google's platform share: a token server, and a place where secrets are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import trustme
from queues.recording_intake import RecordingIntake
from servers.token_server import TokenServer

from canary.queues import loop


@pytest.fixture(scope="session")
def google_tokens(authority: trustme.CA) -> Iterator[TokenServer]:
    with TokenServer(authority) as running:
        yield running


@pytest.fixture
def tokens(google_tokens: TokenServer, monkeypatch: pytest.MonkeyPatch) -> TokenServer:
    """The token server as on its first day; the key of the service account is in the environment."""
    monkeypatch.setenv("KEY", google_tokens.google_key())
    google_tokens.heal()
    return google_tokens


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody minds how often this one is asked."""
    monkeypatch.setattr(loop, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(loop, "REFUSED_PAUSE", 0.05)


@pytest.fixture
def intake() -> RecordingIntake:
    return RecordingIntake()


def found_in(intake: RecordingIntake) -> list[Any]:
    """Where something was found, in order."""
    return [found.place.queue for found in intake.found()]
