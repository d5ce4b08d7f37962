"""The sum of channels, which ``histograms: per_kind`` exports."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from canary.ledger import ChannelTotals, Histogram
from canary.ledger.state.due import Due
from canary.ledger.state.totals import Newest

OF_ONE_CHANNEL = {
    "kind", "queue", "turns", "due", "failing", "deadline_results", "enabled", "last_success", "last_attempt",
    "last_outcome", "last_judged", "resumed", "newest", "form", "forms", "slowest_hop", "variants_missed",
    "senders_missed",
}  # fmt: skip
"""What is told of each channel by itself, whatever is configured."""

ONE = Histogram().observe(3.0, "a" * 16, 5.0)
SOME: dict[str, Any] = {
    "kind": "email",
    "queue": "cpr",
    "deadline_results": {"met": 1},
    "due": Due(),
    "failing": {"a" * 16: 1.0},
    "finished": {"arrived": 1},
    "results": {"met": 1},
    "stages": {"arrived": ONE},
    "forged": {"bad_mac": 1},
    "authenticated": {"spf/pass": 1},
    "last_outcome": "arrived",
    "newest": Newest("a" * 16),
    "form": {"key": "aa"},
    "forms": ("a" * 64,),
    "variants_missed": {"plain": 1.0},
    "senders_missed": {"researcher": 1.0},
}
TWICE: dict[str, Any] = {
    "finished": {"arrived": 2},
    "results": {"met": 2},
    "stages": {"arrived": ONE + ONE},
    "forged": {"bad_mac": 2},
    "authenticated": {"spf/pass": 2},
}


@pytest.mark.parametrize("name", [known.name for known in fields(ChannelTotals)])
def test_a_sum_has_every_count(name: str) -> None:
    one = ChannelTotals(**{known.name: SOME.get(known.name, 1) for known in fields(ChannelTotals)})
    wanted = getattr(one, name) if name in OF_ONE_CHANNEL else TWICE.get(name, 2)
    assert getattr(one + one, name) == wanted, (
        f"{name} is to be added up in ChannelTotals.__add__, or to be listed here as told of each channel by itself"
    )
