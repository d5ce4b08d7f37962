"""The made-up history that reports are measured on is one that the ledger itself could have written."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.history import History, every_channel, write
from ledger.checking import is_whole

from canary.ledger import EventKind, Ledger
from canary.ledger.events import read

HISTORY = History(channels=6, interval=1800.0, days=10, outages=3.0, failures=0.01)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    folder = tmp_path_factory.mktemp("history")
    write(folder, HISTORY)
    return Ledger(folder, inline=True)


def test_it_is_whole_and_its_results_follow_from_its_events(ledger: Ledger) -> None:
    is_whole(ledger)
    assert list(ledger.check_results()) == []


def test_every_event_is_in_canonical_form(ledger: Ledger) -> None:
    for seq, body in ledger.leaves():
        event = read(body)
        assert event.seq == seq
        assert event.canonical() == body


def test_it_has_what_a_real_one_has(ledger: Ledger) -> None:
    rows = list(ledger.results())
    assert {row.channel for row in rows} == set(every_channel(HISTORY))
    assert len({row.outcome for row in rows}) > 6
    assert any(row.blind for row in rows)
    assert list(ledger.events(kind=EventKind.STOPPED))


def test_the_same_seed_gives_the_same_bytes(ledger: Ledger, tmp_path: Path) -> None:
    write(tmp_path, HISTORY)
    again = Ledger(tmp_path, inline=True)
    assert all(one == other for one, other in zip(ledger.leaves(), again.leaves(), strict=True))
