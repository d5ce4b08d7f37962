"""A report can be made of whatever happened: channels that never arrived, were never sent to, or are in no record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from audit.story import CHANNELS, NOW, START, Teller, at, in_force
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.audit.period import Period
from canary.audit.report.contents import build
from canary.audit.report.page import render
from canary.audit.report.results import results
from canary.audit.report.tables import tables, to_json
from canary.config import Config
from canary.ledger import Event, EventKind, Ledger
from canary.ledger.events import Hold, held
from canary.ledger.reader import as_it_stands
from canary.model import Outcome

PERIOD = Period(date(2026, 3, 2), date(2026, 3, 2))
Fate = Callable[[Teller, str], None]


def _ends(outcome: Outcome, teller: Teller, channel: str) -> None:
    took = 1200.0 if outcome is Outcome.LATE else 5.0
    for hour in (1, 2, 3):
        teller.probe(channel, at(2, hour), outcome, took=took, reason="550 no")


def _arrives_at_last(teller: Teller, channel: str) -> None:
    _ends(Outcome.REJECTED, teller, channel)
    teller.probe(channel, at(2, 4))


def _drill(teller: Teller, channel: str) -> None:
    teller.probe(channel, at(2, 1), Outcome.REJECTED, blind=True)


def _paused(teller: Teller, channel: str) -> None:
    teller.tell(Event(EventKind.PAUSED, at(1, 12), {"channels": [channel], "reason": "rebuilt", "by": "anna"}))


def _kept_back(teller: Teller, channel: str) -> None:
    teller.tell(held(at(2), channel, Hold.STOPPED, ""))


def _looked_at(teller: Teller, channel: str) -> None:
    body = {"channel": channel, "kind": CHANNELS[channel], "queue": "cpr", "outcome": "form_error", "detail": "gone"}
    teller.tell(Event(EventKind.CHECKED, at(2, 1), body))


def _never_ends(teller: Teller, channel: str) -> None:
    teller.probe(channel, at(2, 1), ends=False)


def _nothing(_teller: Teller, _channel: str) -> None: ...


FATES: Mapping[str, Fate] = {
    **{outcome.value: partial(_ends, outcome) for outcome in Outcome},
    "arrives at last": _arrives_at_last,
    "drill": _drill,
    "paused": _paused,
    "kept back": _kept_back,
    "looked at": _looked_at,
    "never ends": _never_ends,
    "nothing": _nothing,
}


def report_of(fates: Mapping[str, str], config: Config, *, recorded: bool = True, redact: bool = True) -> str:
    """The page of a day on which each channel met its fate; its tables and its JSON are made too."""
    with TemporaryDirectory() as where:
        ledger = Ledger(Path(where), inline=True)
        teller = Teller(ledger)
        if recorded:
            teller.tell(Event(EventKind.STARTED, at(1, 11.9), START), in_force(at(1, 11.9)))
        for channel, fate in fates.items():
            FATES[fate](teller, channel)
        ledger.close()
        with as_it_stands(Path(where)) as found:
            made, counted = build(found, config, PERIOD, NOW, profile="tls", redact=redact)
        assert all(results(made).values())
        assert to_json(made)
        return render(made, counted, dict.fromkeys(tables(made, counted), "0" * 64))


@pytest.mark.parametrize("fate", FATES)
def test_a_channel_beside_a_good_one(fate: str, config: Config) -> None:
    page = report_of({"alias": "arrived", "form": fate}, config)
    latency = page.partition('id="s4"')[2].partition('id="s5"')[0]
    arrived = {"arrived": 3, "arrives at last": 1}.get(fate, 0)
    assert f'<td class="k">form</td><td class="n">{arrived}</td>' in latency


@settings(max_examples=30, deadline=timedelta(seconds=20))
@given(
    fates=st.dictionaries(st.sampled_from(sorted(CHANNELS)), st.sampled_from(sorted(FATES))),
    recorded=st.booleans(),
    redact=st.booleans(),
)
def test_any_channels_together(fates: dict[str, str], recorded: bool, redact: bool, config: Config) -> None:
    page = report_of(fates, config, recorded=recorded, redact=redact)
    assert page.endswith("</html>")
    for channel in CHANNELS if recorded else ():
        assert f'<td class="k">{channel}</td>' in page
