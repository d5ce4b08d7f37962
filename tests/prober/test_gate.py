"""The gate: what keeps a probe from being sent, as everything stood at one moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from builders import START, a_probe, after
from metrics.recorded import settings

from canary.config import Config, load
from canary.ledger import OpenProbe, State, Totals
from canary.ledger.events import Hold
from canary.model import Case, Probe
from canary.prober.gate import Gate

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


def test_a_probe_is_counted_once_whether_it_is_begun_or_open_or_both(config: Config) -> None:
    config = config.model_copy(update={"limits": config.limits.model_copy(update={"open_probes": 10})})
    known = probes(9)
    assert reason(Gate(config, state_of(known), known, None)) is None
    assert reason(Gate(config, state_of(known), {}, None)) is None
    assert reason(Gate(config, State(), known, None)) is None
    tenth = probes(10)
    assert reason(Gate(config, state_of(known), tenth, None)) is Hold.CAP
    assert reason(Gate(config, state_of(tenth), {}, None)) is Hold.CAP


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
