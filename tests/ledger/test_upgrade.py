"""A ledger that a newer canary wrote is left alone, and said to be so."""

from __future__ import annotations

from pathlib import Path

import pytest

from canary.ledger import Ledger
from canary.ledger.version import VERSION
from canary.model import Component, OwnFaultError


def test_a_ledger_of_a_newer_canary_is_told_as_such_and_left_as_it_is(tmp_path: Path) -> None:
    newer = Ledger(tmp_path)
    with newer.engine.begin() as connection:
        connection.exec_driver_sql(f"PRAGMA user_version={VERSION + 1}")
    newer.close()
    before = (tmp_path / "ledger.sqlite").read_bytes()
    with pytest.raises(OwnFaultError) as refused:
        Ledger(tmp_path)
    assert refused.value.component is Component.STORE
    assert refused.value.detail == (
        f"the ledger was written by a newer canary (format {VERSION + 1}, this one knows {VERSION}): run that one"
    )
    assert (tmp_path / "ledger.sqlite").read_bytes() == before
