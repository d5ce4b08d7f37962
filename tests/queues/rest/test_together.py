"""What a reader found is handed in together, once, and however its look ends."""

from __future__ import annotations

from contextlib import suppress

import pytest
from queues.recording_intake import RecordingIntake

from canary.model import OwnFaultError, Place, Role, Seen, TimeSource
from canary.queues import Found
from canary.queues.rest.together import Together

PLACE = Place("cpr", Role.MONITORED)


@pytest.fixture
def intake() -> RecordingIntake:
    return RecordingIntake()


def found(intake: RecordingIntake) -> Found:
    return Found(
        Seen.REPORT, intake.keys.read(intake.probe()).probe, PLACE, intake.now(), TimeSource.NOTICED, 1.0, None
    )


def test_what_was_found_before_a_look_failed_is_handed_in(intake: RecordingIntake) -> None:
    ours = Together(intake, "desk")
    with suppress(RuntimeError), ours.look():
        ours.add([found(intake)])
        raise RuntimeError
    assert intake.sizes == [1]


def test_what_cannot_be_written_is_kept_and_no_look_begins_before_it_is(intake: RecordingIntake) -> None:
    ours, intake.full = Together(intake, "desk"), True
    with pytest.raises(OwnFaultError), ours.look():
        ours.add([found(intake)])
    with pytest.raises(OwnFaultError), ours.look():
        pytest.fail("it reads on")
    intake.full = False
    with ours.look():
        assert intake.sizes == [1]
    assert intake.sizes == [1]


def test_where_a_reader_stands_is_written_where_it_is_news(intake: RecordingIntake) -> None:
    stands = {"at": 1}
    ours = Together(intake, "desk", lambda: stands)
    ours.hand_in()
    assert intake.cursor("desk") == {"at": 1}
    intake.full = True
    ours.hand_in()  # nothing is news, and nothing is tried
    stands["at"] = 2
    with pytest.raises(OwnFaultError):
        ours.hand_in()


def test_only_what_is_many_is_handed_in_before_a_look_is_over(intake: RecordingIntake) -> None:
    ours = Together(intake, "desk")
    for _ in range(23):
        ours.add([found(intake)])
        ours.hand_in(if_many=True)
    assert intake.sizes == [10, 10]
    ours.hand_in()
    assert intake.sizes == [10, 10, 3]
