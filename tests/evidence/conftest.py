"""The ledger and the patience of the evidence that runs in a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from canary.evidence import generation as module
from canary.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_RETRY", 0.05)
    monkeypatch.setattr(module, "_LAST_RETRY", 0.2)
