"""What is in force, as events: every channel, however many there are."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import START

from canary.config import load
from canary.ledger import Ledger, inventories
from canary.ledger.events import LARGEST, placed
from canary.model import Stage
from canary.prober.in_force import snapshot

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


@pytest.mark.parametrize("channels", [0, 1000])
def test_every_channel_is_in_it_as_it_is_configured(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "canary.yaml"
    path.write_text(yaml.safe_dump(example(channels)), encoding="utf-8")
    config = load(path)
    events = snapshot(config, START)
    assert all(len(placed(event, 10**9)[0]) <= LARGEST for event in events)
    assert (len(events) > 1) == (channels > 100)
    ledger = Ledger(tmp_path / "state", inline=True)
    [found] = inventories(ledger.append(*events).result())
    ledger.close()
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
    assert found.python.startswith("3.")
