"""The gate: what keeps a probe from being sent, as everything stood at one moment."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from builders import START, a_probe, after
from hypothesis import given
from hypothesis import strategies as st
from metrics.recorded import settings

from canary.config import Config, load
from canary.ledger import OpenProbe, State, Totals
from canary.ledger.events import Hold
from canary.model import Case, OwnFaultError, Probe
from canary.prober.gate import STOP_ALL, Gate, clear_stop, stop_all, stop_reason

CHANNEL = "problem-report-0"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load(settings(tmp_path, channels=2))


def probes(number: int) -> dict[str, Probe]:
    made = [replace(a_probe(f"probe{n:03}22222222"), channel=CHANNEL) for n in range(number)]
    return {probe.id: probe for probe in made}


def state_of(known: dict[str, Probe]) -> State:
    open_ = {name: OpenProbe(Case(probe), "m" * 40, (1, START)) for name, probe in known.items()}
    return State(open=open_)


def reason(gate: Gate, channel: str = CHANNEL) -> Hold | None:
    found = gate.obstacle(channel, after(10))
    return found.reason if found else None


def capped(config: Config, cap: int) -> Config:
    return config.model_copy(update={"limits": config.limits.model_copy(update={"open_probes": cap})})


def test_a_probe_is_counted_once_whether_it_is_begun_or_open_or_both(tmp_path: Path) -> None:
    config = capped(load(settings(tmp_path, channels=1)), 10)
    known = probes(9)
    assert reason(Gate(config, state_of(known), known, None)) is None
    assert reason(Gate(config, state_of(known), {}, None)) is None
    assert reason(Gate(config, State(), known, None)) is None
    tenth = probes(10)
    assert reason(Gate(config, state_of(known), tenth, None)) is Hold.CAP
    assert reason(Gate(config, state_of(tenth), {}, None)) is Hold.CAP


@given(st.integers(1, 60), st.lists(st.integers(0, 2), min_size=1, max_size=200))
def test_channels_whose_probes_stay_open_leave_room_for_the_others(cap: int, turns: list[int]) -> None:
    channels = {f"channel-{number}": SimpleNamespace(max_per_hour=1000) for number in range(4)}
    config: Any = SimpleNamespace(channels=channels, limits=SimpleNamespace(open_probes=cap), blackouts=())
    known: dict[str, Probe] = {}
    for number, turn in enumerate(turns):
        name = f"channel-{turn}"
        if reason(Gate(config, state_of(known), {}, None), name) is None:
            known[f"probe{number}"] = replace(a_probe(f"probe{number}"), channel=name)
    stuck = Counter(probe.channel for probe in known.values())
    assert len(known) <= cap
    if cap >= len(channels):
        assert reason(Gate(config, state_of(known), {}, None), "channel-3") is None
    if set(turns) == {0} and len(turns) >= cap >= 16:
        assert cap // 2 - 4 <= stuck["channel-0"] <= cap // 2


def test_a_channel_is_told_that_what_is_left_is_for_others(config: Config) -> None:
    found = Gate(capped(config, 10), state_of(probes(4)), {}, None).obstacle(CHANNEL, after(10))
    assert found is not None
    assert found.detail == "cap of 10 open probes: 4 are of this channel, what is left is for the others"
    assert reason(Gate(capped(config, 10), state_of(probes(3)), {}, None)) is None


def test_what_is_begun_counts_for_the_rate_of_its_own_channel(config: Config) -> None:
    cap = config.channels[CHANNEL].max_per_hour
    recent = {CHANNEL: tuple(START - timedelta(minutes=n) for n in range(cap - 2))}
    assert reason(Gate(config, State(recent=recent), probes(1), None)) is None
    assert reason(Gate(config, State(recent=recent), probes(2), None)) is Hold.CAP
    assert reason(Gate(config, State(recent=recent), probes(2), None), "problem-report-1") is None


def test_the_kill_switch_comes_before_all_else_and_a_pause_holds_one_channel_or_all(config: Config) -> None:
    one, every = (State(totals=Totals(paused={name: "maintenance"})) for name in (CHANNEL, "*"))
    assert reason(Gate(config, one, {}, "enough")) is Hold.STOPPED
    assert reason(Gate(config, one, {}, None)) is Hold.PAUSED
    assert reason(Gate(config, one, {}, None), "problem-report-1") is None
    assert reason(Gate(config, every, {}, None), "problem-report-1") is Hold.PAUSED


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


KINDS: dict[str, Callable[[Path], object]] = {
    "a symbolic link": lambda switch: switch.symlink_to(switch.parent / "nowhere"),
    "a FIFO": os.mkfifo,
    "a folder": Path.mkdir,
    "a socket": bind,
}
"""Everything that may stand there instead of a file."""


@pytest.mark.parametrize("what", KINDS)
def test_a_kill_switch_of_any_kind_counts_as_thrown_and_can_be_reset(tmp_path: Path, what: str) -> None:
    KINDS[what](tmp_path / STOP_ALL)
    assert stop_reason(tmp_path) == f"the kill switch is {what}, which counts too"
    stop_all(tmp_path, "enough")
    assert stop_reason(tmp_path) == f"the kill switch is {what}, which counts too"
    assert clear_stop(tmp_path)
    assert (stop_reason(tmp_path), list(tmp_path.iterdir())) == (None, [])


def test_a_link_to_a_file_of_somebody_else_is_neither_read_nor_written(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("a secret\n")
    (tmp_path / STOP_ALL).symlink_to(other)
    assert "secret" not in (stop_reason(tmp_path) or "")
    stop_all(tmp_path, "enough")
    clear_stop(tmp_path)
    assert other.read_text() == "a secret\n"


def test_a_folder_that_cannot_be_looked_into_counts_as_a_kill_switch(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert stop_reason(loop) == "the kill switch cannot be read: Too many levels of symbolic links"
    (tmp_path / "file").touch()
    assert stop_reason(tmp_path / "file") == "the kill switch cannot be read: Not a directory"
    assert stop_reason(tmp_path / "not-made-yet") is None


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (b"enough\nis enough", "enough"),
        (b"", "no reason given"),
        (b"\n", "no reason given"),
        (b"caf\xe9", "caf\ufffd"),
        (b"x" * 10_000_000, "x" * 4096),
    ],
)
def test_the_reason_is_the_first_line_whatever_is_in_the_file(tmp_path: Path, content: bytes, read: str) -> None:
    (tmp_path / STOP_ALL).write_bytes(content)
    assert stop_reason(tmp_path) == read


def test_it_is_thrown_whatever_can_be_written_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    stop_all(tmp_path, "lone \udcff surrogate")
    assert stop_reason(tmp_path) == "lone ? surrogate"
    assert (tmp_path / STOP_ALL).stat().st_mode & 0o777 == 0o600
    with pytest.raises(OSError, match="No such file"):
        stop_all(tmp_path / "nowhere", "enough")


def test_one_that_cannot_be_removed_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / STOP_ALL / "inside").mkdir(parents=True)
    with pytest.raises(OwnFaultError, match=f"{tmp_path / STOP_ALL} cannot be removed: .*; remove it by hand"):
        clear_stop(tmp_path)
    assert not clear_stop(tmp_path / "nowhere")
