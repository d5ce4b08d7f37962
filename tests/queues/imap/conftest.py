"""The pauses of the watcher, short enough for a test."""

from __future__ import annotations

import pytest

from canary.queues import loop
from canary.queues.imap import memory, search, watch


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of tenths of seconds; how they grow is as it is."""
    monkeypatch.setattr(search, "TRIED_AGAIN_AFTER", 0.2)
    for module, name in (
        (search, "AGAIN_AFTER"),
        (memory, "AGAIN_AFTER"),
        (loop, "FIRST_PAUSE"),
        (watch, "FIRST_PAUSE"),
    ):
        monkeypatch.setattr(module, name, 0.1)
