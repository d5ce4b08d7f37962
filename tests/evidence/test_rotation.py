"""Rotations: a chain of statements that both keys signed; nothing else lets a key take over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from evidence.logging_keys import ORIGIN, START, MemoryKeys

from canary.evidence.notes import Note, NoteError, sign
from canary.evidence.rotation import Rotation, chain, trusted
from canary.ledger import Event


@pytest.fixture
def keys(tmp_path: Path) -> MemoryKeys:
    return MemoryKeys(tmp_path / "signed", ORIGIN)


def rotations(keys: MemoryKeys, count: int = 3) -> list[Rotation]:
    until = START + timedelta(days=7)
    made = [Rotation.make(None, keys.make(1), START, START)]
    return made + [Rotation.make(keys.make(n), keys.make(n + 1), START, until) for n in range(1, count)]


def test_what_is_told_is_read_back(keys: MemoryKeys) -> None:
    for rotation in rotations(keys):
        assert Rotation.read(replace(rotation.event(), seq=5)) == rotation


def test_whoever_trusts_one_key_can_follow_to_the_newest(keys: MemoryKeys) -> None:
    told = rotations(keys, 4)
    one, two, three, four = (keys.make(n).vkey for n in (1, 2, 3, 4))
    assert trusted(one, told) == [one, two, three, four]
    assert trusted(three, told) == [three, four]
    assert trusted(keys.make(9).vkey, told) == [keys.make(9).vkey]


def test_a_broken_chain_is_refused(keys: MemoryKeys) -> None:
    first, second, third = rotations(keys)
    with pytest.raises(NoteError, match="took over from"):
        chain([first, third])
    with pytest.raises(NoteError, match="took over from"):
        chain([first, second, first])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"new": "nothing"}, "event 5 tells no rotation of keys"),
        ({"until": "2030-01-01T00:00:00.000000Z"}, "says something else than the event"),
        ({"old": None}, "says something else than the event"),
        ({"statement": 7}, "event 5 tells no rotation of keys"),
    ],
)
def test_an_event_that_says_otherwise_is_refused(keys: MemoryKeys, change: dict[str, Any], message: str) -> None:
    event = rotations(keys)[1].event()
    with pytest.raises(NoteError, match=message):
        Rotation.read(Event(event.kind, event.at, dict(event.body) | change, seq=5))


@pytest.mark.parametrize("signers", [(1,), (2,), (1, 9), (9, 2)])
def test_a_statement_needs_both_signatures(keys: MemoryKeys, signers: tuple[int, ...]) -> None:
    event = rotations(keys)[1].event()
    text = Note.parse(event.body["statement"]).text
    statement = str(sign(text, *(keys.make(number) for number in signers)))
    with pytest.raises(NoteError, match="not signed by"):
        Rotation.read(Event(event.kind, event.at, dict(event.body) | {"statement": statement}))
