"""What is in force, as events: every channel, however many there are."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import START
from prober.simulated import Simulated

from canary.config import Config, load
from canary.ledger import EventKind, Inventory, Ledger, inventories
from canary.ledger.events import LARGEST, numbered, placed
from canary.model import Stage
from canary.prober.in_force import openable, sealed_anew, snapshot
from canary.sealing import FILE, SealingKey

SEALING = SealingKey(b"k" * 32)
EXAMPLE = Path(__file__).parents[2] / "deploy/cpr-canary.example.yaml"


def example(channels: int = 0, **more: Any) -> dict[str, Any]:
    """The shipped example, with so many more aliases."""
    config: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")) | more
    config["blind_drills"][0]["date"] = str(config["blind_drills"][0]["date"])
    for window in config["blackouts"]:
        window |= {key: window[key].isoformat() for key in ("from", "until")}
    for number in range(channels):
        extra = copy.deepcopy(config["channels"]["problem-alias"])
        config["channels"][f"alias-{number}"] = extra | {"to": f"alias-{number}@example-ca.example"}
    return config


def loaded(folder: Path, config: dict[str, Any]) -> Config:
    path = folder / "canary.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return load(path)


@pytest.mark.parametrize("channels", [0, 1000])
def test_every_channel_is_in_it_as_it_is_configured(tmp_path: Path, channels: int) -> None:
    config = loaded(tmp_path, example(channels))
    events = snapshot(config, START, SEALING)
    assert all(len(placed(event, 10**9)[0]) <= LARGEST for event in events)
    assert (len(events) > 1) == (channels > 100)
    ledger = Ledger(tmp_path / "state", inline=True)
    written = ledger.append(*events).result()
    ledger.close()
    [found] = inventories(written)
    by_number = {event.seq: event for event in written}
    assert all(by_number[seq].body["channels"][slug] == found.channels[slug] for slug, seq in numbered(written).items())
    assert numbered(written).keys() == config.channels.keys()
    assert list(found.channels) == list(config.channels)
    for slug, channel in found.channels.items():
        settings = config.channels[slug]
        assert channel["variants"] == list(config.variants_of(slug))
        assert channel["senders"] == list(config.senders_of(slug))
        for name in ("kind", "approved_by", "interval", "deadline", "give_up", "reachability_only"):
            assert channel[name] == getattr(settings, name)
        within = {stage: channel[f"{stage}_within"] for stage in Stage if stage.may_be_owed}
        assert {stage: limit for stage, limit in within.items() if limit is not None} == settings.owed()
        assert channel["arrives_in"] == list(settings.arrives_in)
        assert channel["disclosed_in"] == list(settings.disclosed_in)
    assert [blackout["reason"] for blackout in found.blackouts] == ["the web site moves to another data centre"]
    assert [drill["name"] for drill in found.blind_drills] == ["autumn night drill"]
    assert found.retention == {"events": 730 * 86_400.0, "messages": 90 * 86_400.0, "traces": 90 * 86_400.0}
    assert found.python.startswith("3.")


def told(folder: Path, config: dict[str, Any]) -> Inventory:
    [found] = inventories(snapshot(loaded(folder, config), START, SEALING))
    return found


def test_what_a_channel_means_is_in_it(tmp_path: Path) -> None:
    """Where a report goes, and where it is to be seen: which server, account and folder, and what that is for."""
    found = told(tmp_path, example())
    desk = {
        "watch": "desk", "kind": "imap", "role": "monitored", "server": "imap.example-ca.example:993",
        "account": {"sealed": SEALING.sealed("canary-desk")}, "name": "CPR",
    }  # fmt: skip
    alias, form = found.channels["problem-alias"], found.channels["report-form"]
    assert alias["target"] == {"targets": ["example-ca.example"], "to": "problem-report@example-ca.example"}
    assert form["target"] == {"url": "https://www.example-ca.example/report-a-problem", "posts_to": []}
    assert alias["queues"] == form["queues"] == {"cpr": desk}
    members = found.channels["ccadb-alias"]["queues"]
    assert {queue: place["watch"] for queue, place in members.items()} == {
        "anna-cpr": "anna", "ben-cpr": "ben", "chloe-cpr": "chloe",
    }  # fmt: skip
    roles = {queue: (place["role"], place["name"]) for queue, place in found.watches["desk"]["queues"].items()}
    assert roles == {
        "cpr": ("monitored", "CPR"), "general": ("other", "INBOX"), "quarantine": ("quarantine", "Quarantine"),
        "cpr-junk": ("junk", "\\Junk"),
    }  # fmt: skip


def test_a_person_is_sealed_and_can_be_opened(tmp_path: Path) -> None:
    """No address of a person and no account stands in the record, and the key opens each."""
    config = example()
    config["watch"]["anna"]["folders"][0]["name"] = "Shared/anna.berg@example-ca.example/CPR"
    events = snapshot(loaded(tmp_path, config), START, SEALING)
    text = b"".join(placed(event, 1)[0] for event in events).decode()
    assert not [name for name in ("anna.berg", "ben.costa", "canary-anna", "canary-desk") if name in text]
    [found] = inventories(events)
    anna = found.channels["contact-anna"]
    assert anna["target"]["to"] == {"sealed": SEALING.sealed("anna.berg@example-ca.example")}
    assert anna["target"]["targets"] == ["example-ca.example"]
    everything = set(re.findall(r'"sealed":"([0-9a-f]{64})"', text))
    assert everything == {SEALING.sealed(text) for _, text in openable(loaded(tmp_path, config), whole=True)}
    assert dict(openable(loaded(tmp_path, config)))["contact-ben"] in ("ben.costa@example-ca.example", "canary-ben")
    assert not [text for _, text in openable(loaded(tmp_path, config)) if text.startswith("{")]


@pytest.mark.parametrize(
    ("changed", "shows"),
    [
        (lambda c: c["watch"]["desk"]["server"].update(host="imap.elsewhere.example"), "queues"),
        (lambda c: c["watch"]["desk"]["server"].update(username="another"), "queues"),
        (lambda c: c["watch"]["desk"]["folders"][0].update(name="Easy"), "queues"),
        (lambda c: c["channels"]["problem-alias"].update(to="easy@example-ca.example"), "target"),
        (lambda c: c["channels"]["problem-alias"].update(arrives_in="anna-cpr"), "arrives_in"),
        (lambda c: c["channels"]["problem-alias"].update(deadline="2h"), "deadline"),
        (lambda c: c["channels"]["problem-alias"].update(request_dsn=True), "settings"),
    ],
)
def test_whatever_else_a_channel_means_from_now_on_shows(
    tmp_path: Path, changed: Callable[[dict[str, Any]], None], shows: str
) -> None:
    config = example()
    before = told(tmp_path, config).channels["problem-alias"]
    changed(config)
    after = told(tmp_path, config).channels["problem-alias"]
    assert before[shows] != after[shows]


def test_an_alias_with_more_members_than_an_event_has_room_for(tmp_path: Path) -> None:
    config = example()
    folders = [{"name": f"CPR/{n}", "queue": f"member-{n}", "role": "monitored"} for n in range(1000)]
    config["watch"]["desk"]["folders"] += folders
    config["channels"]["problem-alias"]["arrives_in"] = [folder["queue"] for folder in folders]
    events = snapshot(loaded(tmp_path, config), START, SEALING)
    assert all(len(placed(event, 10**9)[0]) <= LARGEST for event in events)
    [found] = inventories(events)
    alias = found.channels["problem-alias"]
    assert len(alias["arrives_in"]) == 1000
    assert alias["queues"].keys() == {"sha256"}


def test_a_key_that_was_lost_is_told_once(tmp_path: Path) -> None:
    """Whatever became of it: what is sealed from now on differs, and what was sealed before stays closed."""
    config, other = loaded(tmp_path, example()), SealingKey(b"o" * 32)
    with closing(Ledger(tmp_path / "state", inline=True)) as ledger:
        assert sealed_anew(ledger, SEALING, START) == []  # nothing is sealed yet
        ledger.append(*snapshot(config, START, SEALING)).result()
        assert sealed_anew(ledger, SEALING, START) == []
        [lost] = sealed_anew(ledger, other, START)
        assert (lost.body["component"], lost.body["reason"]) == ("config", "sealing_key")
        assert f"by the key {SEALING.id}, and {ledger.folder / FILE} has {other.id}" in lost.body["detail"]
        ledger.append(lost, *snapshot(config, START, other)).result()
        assert sealed_anew(ledger, other, START) == []


def test_each_start_tells_what_was_in_force_before_and_the_first_after_a_loss_tells_of_it(simulated: Simulated) -> None:
    """One by hand in between is in force for nobody else, and nothing comes before what a schedule goes by."""

    async def begun(canary: Simulated) -> None:
        await canary.until(lambda: canary.events(EventKind.CONFIGURED)[lives:])

    for lives, scheduled in enumerate((True, False, True, True)):
        if lives == 2:
            (simulated.folder / "state" / FILE).unlink()
        simulated.live(begun, scheduled=scheduled)
    with closing(Ledger(simulated.folder / "state", inline=True)) as ledger:
        told = [(e.seq, e.body["previous"]) for e in ledger.events(kind=EventKind.CONFIGURED)]
        lost = [event for event in ledger.events(kind=EventKind.TROUBLE) if event.body["reason"] == "sealing_key"]
        first, by_hand, anew, last = (number for number, _ in told)
        assert [before for _, before in told] == [0, first, first, anew]
        assert ledger.state.totals.configured == last
        assert [by_hand < event.seq == anew - 1 for event in lost] == [True]
