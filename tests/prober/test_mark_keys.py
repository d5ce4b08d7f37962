"""The mark keys of a ledger: the same ones ever after; nothing is missing for want of a key."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from builders import a_probe
from hypothesis import given, settings
from hypothesis import strategies as st
from prober.simulated import Simulated

from canary.keyring import FileKeyring
from canary.ledger import Event, EventKind, Ledger
from canary.ledger import events as record
from canary.mark import Keyring, new_probe_id
from canary.model import Outcome, OwnFaultError
from canary.prober.mark_keys import (
    LostKeyError,
    RecallingKeyring,
    go_on_without,
    keys_of,
    lost_before,
    rotate_keys,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger(tmp_path / "state", inline=True)) as opened:
        yield opened


def key_file(ledger: Ledger) -> Path:
    return ledger.folder / "mark.key"


def start(ledger: Ledger, keys: Keyring) -> None:
    """Record a start with these keys, and a probe."""
    ledger.append(Event(EventKind.STARTED, NOW, {"mark_key": keys.ids[0]})).result()
    probe = a_probe(new_probe_id())
    ledger.append(record.scheduled(probe, keys.make(probe.id, NOW))).result()


def begun(ledger: Ledger) -> FileKeyring:
    keys = keys_of(ledger)
    start(ledger, keys)
    return keys


SPOILT: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_text(""),
    "cut off": lambda path: path.write_text(path.read_text()[:40]),
    "garbled": lambda path: path.write_text("x" + path.read_text()),
    "binary": lambda path: path.write_bytes(bytes(range(256))),
    "of another ledger": lambda path: path.write_text("ab" * 32),
}
"""What may have become of the key file."""


@pytest.mark.parametrize("name", SPOILT)
def test_a_ledger_with_probes_is_not_gone_on_with_without_its_key(ledger: Ledger, name: str) -> None:
    [key] = begun(ledger).ids
    SPOILT[name](key_file(ledger))
    for use in (keys_of, rotate_keys):
        with pytest.raises(LostKeyError) as error:
            use(ledger)
        for words in (str(key_file(ledger)), f"back-up of the state folder (the key {key})", "--lost REASON"):
            assert words in error.value.detail
    assert key_file(ledger).exists() is (name != "missing")


@pytest.mark.parametrize("name", SPOILT)
def test_whoever_says_so_goes_on_without_and_the_next_start_tells(ledger: Ledger, name: str) -> None:
    before = begun(ledger)
    SPOILT[name](key_file(ledger))
    spoilt = key_file(ledger).read_bytes() if name != "missing" else None
    go_on_without(ledger, "the disk died")
    after = keys_of(ledger)
    assert (lost_before(after, ledger), after.ids == before.ids) == ("the disk died", False)
    assert keys_of(ledger).ids == after.ids  # until it has started
    start(ledger, after)
    assert lost_before(keys_of(ledger), ledger) is None
    kept = [path.read_bytes() for path in ledger.folder.glob("mark.key.old-*")]
    assert kept == ([] if spoilt is None else [spoilt])


def test_what_is_not_lost_is_not_thrown_away(ledger: Ledger) -> None:
    begun(ledger)
    with pytest.raises(OwnFaultError, match="nothing is lost, leave out --lost"):
        go_on_without(ledger, "I thought so")
    key_file(ledger).chmod(0o644)
    with pytest.raises(OwnFaultError, match="mode 0644 lets others read the mark key") as error:
        go_on_without(ledger, "I thought so")
    assert not isinstance(error.value, LostKeyError)
    assert [path.name for path in ledger.folder.glob("mark.key*")] == ["mark.key"]


def test_without_a_probe_nothing_is_at_stake(ledger: Ledger) -> None:
    ledger.append(Event(EventKind.STARTED, NOW, {"mark_key": keys_of(ledger).ids[0]})).result()
    key_file(ledger).unlink()
    assert keys_of(ledger).ids


def test_a_ledger_that_no_start_told_its_key_keeps_the_one_that_is_there(ledger: Ledger) -> None:
    keys = keys_of(ledger)
    ledger.append(record.scheduled(a_probe("p" * 16), "m" * 40)).result()
    assert keys_of(ledger).ids == keys.ids
    key_file(ledger).unlink()
    with pytest.raises(LostKeyError, match=r"is missing, and the ledger beside it has probes: put it back from a"):
        keys_of(ledger)
    go_on_without(ledger, "the disk died")
    assert lost_before(keys_of(ledger), ledger) == "the disk died"


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["start", "rotate", "drop the oldest"]), max_size=8))
def test_however_it_is_rotated_the_key_in_force_is_taken_and_another_is_not(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    with closing(Ledger(tmp_path_factory.mktemp("state"), inline=True)) as ledger:
        in_force = begun(ledger).ids[0]
        for step in steps:
            if step == "rotate":
                rotate_keys(ledger)
            elif step == "start":
                in_force = begun(ledger).ids[0]
            else:
                lines = key_file(ledger).read_text().splitlines()[:-1]
                kept = "".join(f"{line}\n" for line in lines)
                before, text = keys_of(ledger).ids, key_file(ledger).read_text()
                key_file(ledger).write_text(kept)
                if in_force in before[:-1]:
                    assert keys_of(ledger).ids == before[:-1]
                else:
                    with pytest.raises(LostKeyError):
                        keys_of(ledger)
                    key_file(ledger).write_text(text)


def test_by_heart_only_the_mark_itself_is_recognised() -> None:
    old, new = (Keyring([secrets.token_bytes(32)]) for _ in range(2))
    probe, other = new_probe_id(), new_probe_id()
    marks = {probe: old.make(probe, NOW)}
    ring = RecallingKeyring(new, marks.get)
    assert ring.read(marks[probe].upper()).genuine
    assert [mark.probe for mark in ring.find(f"Re: {marks[probe]} {old.make(other, NOW)}") if mark.genuine] == [probe]
    assert not ring.read(marks[probe][:-1] + ("a" if marks[probe][-1] != "a" else "q")).genuine
    assert ring.read(ring.make(other, NOW)).genuine
    assert (repr(ring), ring.ids) == (repr(new), new.ids)


@pytest.mark.parametrize("lost", [False, True])
def test_what_was_on_its_way_when_the_key_was_lost_is_judged_rightly(simulated: Simulated, lost: bool) -> None:
    """Arrived if it arrived, and missing only if it truly did not."""
    sent: list[str] = []

    async def sending(canary: Simulated) -> None:
        sent.append(await canary.prober.probe("channel-0"))
        await canary.until(lambda: canary.events(EventKind.SUBMITTED) and (lost or canary.ca.letters))
        assert canary.events(EventKind.SIGHTING) == []

    async def judging(canary: Simulated) -> None:
        [event] = await canary.until(lambda: canary.events(EventKind.DEADLINE, probe=sent[0]))
        assert event.body["outcome"] == (Outcome.MISSING if lost else Outcome.ARRIVED)
        sightings = canary.events(EventKind.SIGHTING)
        assert [event.body["forgery"] for event in sightings] == ([] if lost else [None])

    simulated.ca.lost |= {"channel-0"} if lost else set()
    simulated.live(sending, scheduled=False)
    simulated.key = secrets.token_bytes(32)
    simulated.live(judging, scheduled=False)
