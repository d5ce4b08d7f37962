"""The hops of a message: what each took, and whose clock is wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail.ways import BEGUN, BORDER, FINAL, OUTSIDE, hop, way

from canary.budgets import HOPS
from canary.mail.way import read_way


def test_the_hops_in_their_order_with_what_each_took() -> None:
    hops = way(b"Subject: x\r\n" + FINAL + BORDER + OUTSIDE).hops
    assert [each.by for each in hops] == ["out.persona.test", "mx.ca.test", "imap.ca.test"]
    assert [each.seconds for each in hops] == [1.5, 4.0, 4.0]
    assert [each.tls for each in hops] == ["yes", "yes", ""]
    assert [(each.back, each.offset) for each in hops] == [(0.0, 0.0)] * 3
    assert hops[1].came_from == "mail.persona.test [192.0.2.7]"


@pytest.mark.parametrize(
    ("said", "noticed", "seconds", "back", "offset"),
    [
        ((1, 301, 5), 10, (1.5, 4.0, 0.0), (0, 0, 296), (0, 296, 0)),  # the second is ahead, by our clock too
        ((1, 30, 5), 600, (1.5, 4.0, 0.0), (0, 0, 25), (0, 25, 0)),  # only by its neighbours, either of which is right
        ((1, -60, 5), 10, (1.5, 0.0, 4.0), (0, 61, 0), (0, -61, 0)),
        ((-100, -90, -80), 10, (0.0, 10.0, 10.0), (99, 0, 0), (-99, -89, -79)),  # ours is wrong, or all of theirs
        ((1, 70), 10, (1.5, 9.0), (0, 0), (0, 60)),
        ((0,), 0.1, (0.1,), (0, 0), (0,)),
        ((1, 3600, 3601), 3602, (1.5, 3599.0, 1.0), (0, 0, 0), (0, 0, 0)),  # an hour in a queue is none of a clock
    ],
)
def test_time_that_goes_back_is_told_and_never_negative(
    said: tuple[float, ...], noticed: float, seconds: tuple[float, ...], back: tuple[float, ...],
    offset: tuple[float, ...],
) -> None:  # fmt: skip
    hops = way(b"".join(hop(f"h{n}.test", at) for n, at in reversed(list(enumerate(said)))), noticed=noticed).hops
    assert tuple(each.seconds for each in hops) == pytest.approx(seconds, abs=0.51)
    assert tuple(each.back for each in hops) == pytest.approx(back[: len(hops)], abs=0.51)
    assert tuple(each.offset for each in hops) == pytest.approx(offset, abs=0.51)


def test_a_hop_without_a_time_is_told_without() -> None:
    header = hop("c.test", 9) + b"Received: by b.test; some day\r\n" + hop("a.test", 2)
    first, second, third = way(header).hops
    assert (second.at, second.seconds, second.offset) == (None, None, None)
    assert (first.seconds, third.seconds) == (2.5, 7.0)


def test_of_very_many_hops_the_last_ones_are_kept() -> None:
    assert HOPS.number is not None
    found = way(b"".join(hop(f"h{n}.test", 9) for n in range(200)))
    assert len(found.hops) == HOPS.number
    assert found.left_out == 200 - HOPS.number
    assert found.hops[-1].by == "h0.test"


def test_a_header_that_tells_nothing() -> None:
    assert read_way(b"Subject: x\r\n\r\nReceived: by a.test; now\r\n", BEGUN, BEGUN) is None


def test_the_slowest_hop() -> None:
    slowest = way(hop("c.test", 400) + hop("b.test", 370) + hop("a.test", 2), noticed=401).slowest
    assert slowest is not None
    assert (slowest.by, slowest.seconds) == ("b.test", 368.0)


@given(st.lists(st.integers(-5000, 5000), max_size=40), st.integers(-10, 4000))
def test_whatever_the_clocks_say_no_time_is_negative_and_none_is_made_up(said: list[int], noticed: int) -> None:
    hops = way(b"".join(hop("h.test", at) for at in said), noticed=noticed).hops
    assert all(each.seconds is not None and each.seconds >= 0 and each.back >= 0 for each in hops)
    spent = sum(each.seconds or 0.0 for each in hops)
    assert spent <= max([*said, noticed, 0]) - min([*said, noticed, 0]) + 1
    times = [each.at for each in hops if each.at]
    for before, after, each in zip(times, times[1:], hops[1:], strict=False):
        assert (each.back > 0) == (after < before)
        assert after >= before or timedelta(seconds=each.back) == before - after
