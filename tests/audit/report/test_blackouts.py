"""When each blackout was put on record, whatever was done to it afterwards; and what of it was over by then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from audit.inventories import an_inventory
from hypothesis import given
from hypothesis import strategies as st

from canary.audit.period import Period
from canary.audit.report.blackouts import blackouts
from canary.ledger import Inventory
from canary.ledger.events import timestamp

PERIOD = Period(date(2026, 3, 2), date(2026, 3, 4))


def at(hour: float) -> datetime:
    """An hour of the second of March."""
    return datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour)


def blackout(
    start: float, end: float, *channels: str, reason: str = "mail server moves", by: str = "J. Doe"
) -> dict[str, Any]:
    """One as a configuration has it."""
    return {
        "channels": list(channels), "from": timestamp(at(start)), "until": timestamp(at(end)), "reason": reason,
        "approved_by": by,
    }  # fmt: skip


def inventory(hour: float, *items: dict[str, Any]) -> Inventory:
    """What is in force from an hour on."""
    return an_inventory(at(hour), blackouts=items)


@pytest.mark.parametrize(
    ("told", "rows"),
    [
        ([(1, [(10, 12)])], [(10, 12, 1, 0, "")]),
        ([(11, [(10, 12)])], [(10, 12, 11, 1, "")]),
        ([(1, []), (38, [(10, 12)])], [(10, 12, 38, 2, "")]),  # the day after
        ([(100, [(10, 12)])], [(10, 12, 100, 2, "")]),  # when the period was over
        ([(1, [(10, 12)]), (11, [(10, 16)])], [
            (10, 12, 1, 0, "taken out 11"), (10, 16, 11, 0, "instead of 10 to 12"),
        ]),
        ([(1, [(10, 12)]), (13, [(10, 16)])], [(10, 12, 1, 0, ""), (10, 16, 13, 1, "instead of 10 to 12")]),
        ([(1, [(10, 12)]), (11, [(8, 12)])], [
            (8, 12, 11, 2, "instead of 10 to 12"), (10, 12, 1, 0, "taken out 11"),
        ]),
        ([(1, [(10, 12)]), (2, [(14, 16)])], [
            (10, 12, 1, 0, "taken out 2, before it began"), (14, 16, 2, 0, "instead of 10 to 12"),
        ]),
        ([(1, [(10, 12)]), (9, []), (11, [(10, 12)])], [
            (10, 12, 1, 0, "taken out 9, before it began"), (10, 12, 11, 1, ""),
        ]),
        ([(1, [(10, 12)]), (20, [])], [(10, 12, 1, 0, "")]),  # swept out when it was over
    ],
)  # fmt: skip
def test_each_version_says_when_it_was_recorded_and_what_was_over_by_then(
    told: list[tuple[float, list[tuple[float, float]]]], rows: list[tuple[float, float, float, float, str]]
) -> None:
    known = [inventory(hour, *[blackout(*window, "alias") for window in windows]) for hour, windows in told]
    found = blackouts(known, PERIOD)
    assert [(span.start, span.end, span.recorded, span.untold) for span in found] == [
        (at(start), at(end), at(recorded), timedelta(hours=hours)) for start, end, recorded, hours, _ in rows
    ]
    for span, (*_, remark) in zip(found, rows, strict=True):
        words = [_time(word) for word in remark.split(", approved")[0].split()]
        assert span.remark.replace(", approved by J. Doe", "") == " ".join(words)


def _time(word: str) -> str:
    number, comma, _ = word.partition(",")
    return f"{at(int(number)):%Y-%m-%d %H:%M:%S}{comma}" if number.isdecimal() else word


def test_another_approval_afterwards_is_a_version_of_its_own() -> None:
    known = [inventory(1, blackout(10, 12, by="an intern")), inventory(20, blackout(10, 12, by="the CEO"))]
    intern, ceo = blackouts(known, PERIOD)
    assert (intern.by, intern.recorded, intern.where) == ("an intern", at(1), "every channel")
    assert (ceo.by, ceo.recorded, ceo.untold) == ("the CEO", at(20), timedelta())
    assert "approved by an intern" in ceo.remark


def test_what_was_told_of_one_channel_was_not_told_of_another() -> None:
    known = [inventory(1, blackout(10, 12, "alias")), inventory(11, blackout(10, 12, "alias", "form"))]
    assert [span.untold for span in blackouts(known, PERIOD)] == [timedelta(), timedelta(hours=1)]
    known = [inventory(1, blackout(10, 12)), inventory(11, blackout(10, 12, "form"))]
    assert [span.untold for span in blackouts(known, PERIOD)] == [timedelta(), timedelta()]


hours = st.integers(0, 23)
windows = st.tuples(hours, hours, st.sampled_from([(), ("a",), ("b",), ("a", "b")])).filter(lambda w: w[0] < w[1])


@given(st.lists(st.tuples(hours, st.lists(windows, max_size=3)), min_size=1, max_size=4))
def test_what_was_over_is_what_no_configuration_had_by_then(
    told: Sequence[tuple[int, list[tuple[int, int, tuple[str, ...]]]]],
) -> None:
    """Hour by hour: one is untold if it is before the record, and no configuration in force then had it."""
    steps = sorted(told, key=lambda step: step[0])
    known = [inventory(hour, *[blackout(start, end, *of) for start, end, of in items]) for hour, items in steps]
    for span in blackouts(known, PERIOD):
        channels = () if span.where == "every channel" else tuple(span.where.split(", "))
        most = 0
        for channel in channels or (None,):
            lost = 0
            for hour in range(24):
                if span.start <= at(hour) < min(span.end or at(24), span.recorded or at(24)):
                    now = next((items for since, items in reversed(steps) if since <= hour), [])
                    lost += not any(start <= hour < end and (not of or channel in of) for start, end, of in now)
            most = max(most, lost)
        assert span.untold == timedelta(hours=most)
