"""A ledger that a newer canary wrote is left alone, and said to be so."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from canary.ledger import Ledger
from canary.ledger.version import VERSION
from canary.model import Component, OwnFaultError


def test_a_ledger_of_a_newer_canary_is_told_as_such_and_left_as_it_is(tmp_path: Path) -> None:
    Ledger(tmp_path).close()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()
    before = (tmp_path / "ledger.sqlite").read_bytes()
    with pytest.raises(OwnFaultError) as refused:
        Ledger(tmp_path)
    assert refused.value.component is Component.STORE
    assert refused.value.detail == (
        f"the ledger was written by a newer canary (format {VERSION + 1}, this one knows {VERSION}): run that one"
    )
    assert (tmp_path / "ledger.sqlite").read_bytes() == before
