"""Which messages are ours: ranges of UIDs that say what a set would say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from canary.queues.imap.ours import MOST_RANGES, UidSet

uids = st.sets(st.integers(1, 60))


def members(known: UidSet) -> set[int]:
    return {uid for uid in range(1, 130) if uid in known}


@given(uids, uids)
def test_it_has_what_was_put_in(some: set[int], more: set[int]) -> None:
    known = UidSet().having(some).having(more)
    assert members(known) == some | more
    assert all(after[0] > before[1] + 1 for before, after in zip(known.ranges, known.ranges[1:], strict=False))


@given(uids)
def test_it_is_read_as_it_was_written(some: set[int]) -> None:
    known = UidSet().having(some)
    assert UidSet.read(str(known)) == known


@given(uids, uids, st.integers(0, 70))
def test_what_was_passed_by_and_is_not_there_is_forgotten(some: set[int], unread: set[int], upto: int) -> None:
    known = UidSet().having(some).only(unread, upto)
    assert members(known) == {uid for uid in some if uid > upto or uid in unread}


def test_it_is_written_as_imap_writes_sets() -> None:
    assert str(UidSet().having([4, 2, 3, 9, 11, 10, 7])) == "2:4,7,9:11"


def test_of_many_pieces_the_newest_are_kept() -> None:
    known = UidSet().having(range(1, 4 * MOST_RANGES, 2))
    assert len(known.ranges) == MOST_RANGES
    assert 4 * MOST_RANGES - 1 in known
    assert 1 not in known
