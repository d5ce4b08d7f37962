"""The loop of a watcher, without any server: faults, pauses, and how it is stopped."""

from __future__ import annotations

import gc
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from queues.recording_intake import RecordingIntake
from servers.polling import until

from canary.clock import Clock
from canary.model import Component, OwnFaultError
from canary.queues import Intake, Watcher, WatchResources
from canary.queues.loop import (
    AWAY_PAUSE,
    FIRST_PAUSE,
    HINTS_EVERY,
    LONGEST_PAUSE,
    REFUSED_PAUSE,
    UNEXPECTED,
    Look,
    LoopingWatcher,
    Stop,
    StoppedError,
)


class FastClock(Clock):
    """A clock by which waiting costs nothing, passes all the same, and is noted."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return sum(self.waits)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        return event.is_set()


class Scripted(LoopingWatcher):
    """Does one act of a script at each look; None is a look that goes well, and at the end it waits to be stopped."""

    component = Component.TICKETS
    reasons = frozenset({"refused", "away", "gone"})
    refused = frozenset({"refused"})
    away = frozenset({"gone"})

    def __init__(self, *acts: Exception | None, clock: Clock | None = None) -> None:
        super().__init__("scripted", WatchResources(clock or FastClock()))
        self.acts = list(acts)
        self.open, self.pause = 0, 7.0
        self.finished = threading.Event()

    @contextmanager
    def opened(self, intake: Intake, stop: Stop) -> Iterator[Look]:
        self.open += 1
        try:
            yield lambda: self._look(stop)
        finally:
            self.open -= 1

    def _look(self, stop: Stop) -> float:
        if not self.acts:
            self.finished.set()
            self.wait_for_stop(stop)
        act = self.acts.pop(0)
        if act is not None:
            raise act
        return self.pause

    def wait_for_stop(self, stop: Stop) -> None:
        """As a thread does that waits at sockets."""
        poller = select.poll()
        poller.register(stop.socket, select.POLLIN)
        poller.poll()
        raise StoppedError

    def check(self) -> str:
        return "scripted"


def ours(reason: str, component: Component = Component.TICKETS) -> OwnFaultError:
    return OwnFaultError(component, reason, f"it is {reason}")


@pytest.fixture
def run(intake: RecordingIntake) -> Iterator[Callable[..., list[float]]]:
    """Runs a script to its end; the seconds that were waited."""
    started: list[Scripted] = []

    def play(*acts: Exception | None, pause: float = 7.0) -> list[float]:
        clock = FastClock()
        watcher = Scripted(*acts, clock=clock)
        watcher.pause = pause
        started.append(watcher)
        watcher.start(intake)
        until(watcher.finished.is_set, "the end of the script")
        return clock.waits

    yield play
    for watcher in started:
        watcher.stop()
        assert watcher.open == 0


Run = Callable[..., list[float]]


def test_a_look_says_when_the_next_one_is_due(run: Run, intake: RecordingIntake) -> None:
    assert run(None, None, None) == [7.0, 7.0, 7.0]
    assert intake.reasons() == []


def test_each_fault_is_reported_and_the_pauses_grow_up_to_the_longest(run: Run, intake: RecordingIntake) -> None:
    waits = run(*[ours("away")] * 9)
    assert intake.reasons() == ["away"] * 9
    for number, waited in enumerate(waits):
        wanted = min(FIRST_PAUSE * 2**number, LONGEST_PAUSE)
        assert wanted <= waited <= 1.5 * wanted


def test_a_look_that_went_well_makes_the_pauses_short_again(run: Run) -> None:
    waits = run(*[ours("away")] * 5, None, ours("away"))
    assert waits[4] >= 16 * FIRST_PAUSE
    assert waits[5] == 7.0
    assert waits[6] <= 1.5 * FIRST_PAUSE


def test_a_refused_login_is_not_tried_again_soon(run: Run) -> None:
    first, second = run(ours("refused"), ours("refused"))
    assert REFUSED_PAUSE <= first <= 1.5 * REFUSED_PAUSE
    assert second >= 2 * REFUSED_PAUSE


def test_what_ends_soon_after_it_began_well_is_not_begun_again_and_again(run: Run) -> None:
    """As where each IDLE ends the connection: each beginning is a login."""
    waits = run(*[None, ours("away")] * 5, pause=1.0)
    assert waits[::2] == [1.0] * 5
    for number, waited in enumerate(waits[1::2]):
        assert waited >= FIRST_PAUSE * 2**number


def test_who_was_away_is_found_again_soon_after_coming_back(run: Run, intake: RecordingIntake) -> None:
    waits = run(*[ours("gone")] * 40)
    assert max(waits) <= 1.5 * AWAY_PAUSE
    assert len({round(wait, 6) for wait in waits[5:]}) > 30, "spread, so that not all who lost it come back at once"
    told = len(intake.reasons())
    assert 0 < told <= sum(waits) / LONGEST_PAUSE + 1, "an outage is told once a minute"


def test_each_outage_is_told(run: Run, intake: RecordingIntake) -> None:
    run(ours("gone"), None, ours("gone"), ours("away"), ours("gone"))
    assert intake.reasons() == ["gone", "gone", "away", "gone"]


def test_only_reasons_of_the_closed_list_become_labels(run: Run, intake: RecordingIntake) -> None:
    run(ours("away"), ours("whatever the server said"), ZeroDivisionError("by nothing"), ours("full", Component.STORE))
    assert intake.reasons() == ["away", UNEXPECTED, UNEXPECTED, "full"]
    assert "it is whatever the server said" in intake.details()
    assert "ZeroDivisionError: by nothing" in intake.details()


def test_an_intake_that_cannot_note_a_fault_does_not_end_the_watching() -> None:
    class Full(RecordingIntake):
        def trouble(self, component: Component, reason: str, detail: str) -> None:
            raise OwnFaultError(Component.STORE, "full", "no space left")

    watcher = Scripted(ours("away"), ours("away"))
    watcher.start(Full())
    until(watcher.finished.is_set, "the end of the script")
    watcher.stop()


@pytest.mark.parametrize("acts", [[], [None], [ours("refused")]], ids=["at a socket", "between looks", "after a fault"])
def test_stop_ends_every_wait_and_closes_what_is_open(intake: RecordingIntake, acts: list[Exception | None]) -> None:
    """By the real clock: the pauses would be 7 s and 10 s, and the wait at the socket has no end."""
    watcher = Scripted(*acts, clock=Clock())
    watcher.start(intake)
    until(lambda: watcher.finished.is_set() or not watcher.acts, "the script")
    watcher.stop()
    assert "watch scripted" not in {thread.name for thread in threading.enumerate()}
    assert watcher.open == 0


def test_it_is_a_watcher_that_starts_once(intake: RecordingIntake) -> None:
    watcher: Watcher = Scripted()
    watcher.start(intake)
    with pytest.raises(RuntimeError, match="started before"):
        watcher.start(intake)
    watcher.stop()


def test_one_that_was_never_started_stops() -> None:
    Scripted().stop()


class Wordless(Scripted):
    """Cannot even say what went wrong."""

    def explain(self, error: Exception) -> OwnFaultError:
        raise RuntimeError("no words")


@pytest.mark.parametrize("kind", [Scripted, Wordless])
def test_nothing_that_a_look_raises_ends_the_thread(kind: type[Scripted]) -> None:
    acts = (StoppedError(), SystemExit(0), KeyboardInterrupt(), MemoryError(), RecursionError(), None)
    watcher, intake = kind(*acts), RecordingIntake()  # type: ignore[arg-type]  # what no look may raise
    watcher.start(intake)
    assert watcher.finished.wait(30)
    assert watcher.running
    assert intake.reasons() == [UNEXPECTED] * 5
    watcher.stop()
    assert not watcher.running


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_descriptors_are_given_back_at_once_whether_it_ever_watched_or_not() -> None:
    gc.disable()  # which would find what was left, some day
    try:
        before = descriptors()
        for _ in range(20):
            Scripted()
            watcher = Scripted()
            watcher.start(RecordingIntake())
            watcher.finished.wait()
            watcher.stop()
            watcher.itself = watcher  # type: ignore[attr-defined]  # as in a canary, it is part of a circle
        assert descriptors() <= before
    finally:
        gc.enable()


def test_an_order_that_came_before_anybody_waited_is_found() -> None:
    stop = Stop(Clock())
    stop.order()
    assert select.select([stop.socket], [], [], 0)[0]
    stop.close()
    stop.order()


class PromptClock(FastClock):
    """One by which nothing is waited for that is there."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.is_set() or super().wait(event, seconds)


class Hinted(Scripted):
    """Hints come during each look, as many as there may be."""

    def _look(self, stop: Stop) -> float:
        for _ in range(100):
            self.hint()
        return super()._look(stop)


def test_hints_bring_the_next_look_nearer_but_however_many_no_more_than_that(intake: RecordingIntake) -> None:
    clock = PromptClock()
    watcher = Hinted(None, None, ours("away"), ours("away"), None, clock=clock)
    watcher.start(intake)
    until(watcher.finished.is_set, "the end of the script")
    watcher.stop()
    first, second, fault, again, last = clock.waits
    assert first == second == last == HINTS_EVERY < watcher.pause
    assert FIRST_PAUSE <= fault <= again, "after a fault no hint makes us come sooner"
