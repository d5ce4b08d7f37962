"""How closely times are proved: a history that was written later than it says is refused, or the gap is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from audit.verifier.office import Office, Wanted, packed, refused, sealed, unpacked, without, without_event
from evidence.logging_keys import ORIGIN, START
from servers.tsa import Tsa

from canary.audit.verifier import stamps, times, tlog, windows
from canary.audit.verifier.findings import GAPS, PROVED, Findings
from canary.audit.verifier.verify import Options, verify
from canary.ledger import EventKind
from canary.simulated import SimulatedClock

HOUR = 3600.0
PACE = 3300.0
"""Seconds from one time-stamp to the next, where one is wanted every hour of checkpoints of every five minutes."""


class Diary:
    """An office whose hours pass by hand, and an authority whose clock may be another one."""

    def __init__(self, folder: Path, tsa: Tsa) -> None:
        self.clock = SimulatedClock(START)
        self.office = Office(folder, ORIGIN, self.clock)
        self.tsa = tsa
        tsa.now = self.clock.now

    def begin(self) -> None:
        """What comes before the period: the first checkpoint, stamped; and the next, that reports carry."""
        self.office.tell(EventKind.STARTED, scheduled=True)
        self.office.log.advance()
        self.office.stamp(self.tsa)
        self.clock.advance(300)
        self.office.log.advance(force=True)
        self.office.begun = self.clock.now()

    def hours(self, count: int, *, stamped: bool = True, every: str = "1h", long: float = PACE) -> None:
        """So many times an hour: a probe, and at its end a checkpoint."""
        for _ in range(count):
            self.clock.advance(long - 120)
            self.office.probe()
            self.clock.advance(120)
            self.office.log.advance()
            if stamped:
                self.office.stamp(self.tsa, every=every)

    def stamp_later(self, **late: float) -> None:
        """The newest checkpoint is stamped: so much later than the log says that it is."""
        self.office.log.advance(force=True)
        self.clock.advance(timedelta(**late).total_seconds())
        self.office.stamp(self.tsa)

    def trouble(self, reason: str = "timestamp") -> None:
        self.office.tell(EventKind.TROUBLE, component="http", reason=reason, detail="http://tsa.example: answered 503")

    def check(self, change: Callable[[dict[str, bytes]], dict[str, bytes]] | None = None, **given: object) -> Findings:
        """What is found in a bundle of all probes, up to the newest checkpoint, once another one tells of it."""
        office, path = self.office, self.office.folder / "bundle.zip"
        last = next(office.ledger.events(kind=EventKind.CHECKPOINT, newest=1))
        until = next(e for e in office.ledger.events(after=last.body["size"] - 1)).at
        office.log.advance(force=True)
        bound = office.bound()
        made = office.bundle(path, Wanted(office.begun, until, "7", 50, bound=bound))
        assert made.missing == ()
        if change:
            packed(path, sealed(change(unpacked(path))))
        options = Options(
            [tlog.Key.parse(office.vkey)],
            stamps.load_pem(self.tsa.ca_file.read_bytes()),
            period=(office.begun, until),
            seed="7",
            size=50,
            commitment=bound.written(),
            kept=[tlog.Head.parse(str(office.log.note()).encode())],
        )
        return verify(path, replace(options, **given))  # type: ignore[arg-type]  # fields by name


@pytest.fixture
def diary(tmp_path: Path) -> Iterator[Diary]:
    years = timedelta(days=3000)
    with Tsa(tmp_path / "tsa", valid=(-years, years)) as tsa:
        opened = Diary(tmp_path / "state", tsa)
        yield opened
        opened.office.close()


def gaps(found: Findings) -> list[str]:
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    return [why for row in found.rows.values() for why in row.unchecked]


def test_a_history_that_was_stamped_each_hour(diary: Diary) -> None:
    diary.begin()
    diary.hours(4)
    found = diary.check()
    assert gaps(found) == []
    assert found.verdict == PROVED
    within = [fact["within"] for fact in found.facts["probes"]]
    assert len(within) == 4
    assert all(HOUR < seconds <= 2 * HOUR for seconds in within)
    assert found.facts["within"] == max(within)
    refused(
        diary.check(within=HOUR), windows.CLOSE, r"its time is proved from .*, and 1 h 0 min is allowed \(--within\)"
    )


def test_a_history_that_was_written_anew_four_weeks_later(diary: Diary) -> None:
    diary.begin()
    diary.hours(2)
    diary.hours(3, stamped=False)
    diary.stamp_later(days=28)
    refused(diary.check(), windows.CLOSE, r"its time is proved from 2026-03-01 13:.* to 2026-03-29 .* \(28 d 2 h\), "
            "and 2 h 0 min is allowed")  # fmt: skip


@pytest.mark.parametrize("told", [EventKind.TROUBLE, EventKind.STARTED])
@pytest.mark.parametrize("days", [1, 28])
def test_an_outage_that_was_invented_is_a_gap_at_the_best(diary: Diary, told: EventKind, days: int) -> None:
    diary.begin()
    diary.hours(2)
    diary.trouble() if told is EventKind.TROUBLE else diary.office.tell(told, scheduled=True)
    diary.hours(3, stamped=False)
    diary.stamp_later(days=days)
    found = diary.check()
    if days > 7:
        refused(found, windows.CLOSE, "7 d 0 h at most, where the log tells of a reason")
    else:
        assert all("nothing is proved more closely than from" in why for why in gaps(found))
        assert found.verdict == GAPS


def test_a_history_of_days_that_was_written_in_one_evening(diary: Diary) -> None:
    diary.office.begun = diary.clock.now()
    diary.office.log.advance()
    diary.hours(3, stamped=False, long=3 * 86400.0)
    diary.stamp_later()
    refused(diary.check(), windows.CLOSE, "its time is proved by no time-stamp from the log's beginning on")


def test_the_first_hours_of_a_log_are_a_gap(diary: Diary) -> None:
    diary.office.begun = diary.clock.now()
    diary.office.log.advance()
    diary.hours(2, stamped=False)
    diary.hours(2)
    found = diary.check()
    assert all("nothing was time-stamped before" in why for why in gaps(found))
    assert found.verdict == GAPS


def test_a_beginning_that_is_left_out_is_refused(diary: Diary) -> None:
    diary.office.begun = diary.clock.now()
    diary.office.log.advance()
    diary.hours(3)
    found = diary.check(lambda files: without_event(files, 1))
    refused(found, windows.CLOSE, "no time-stamp stands before it, and the bundle does not show the beginning")


def test_time_stamps_that_are_left_out(diary: Diary) -> None:
    """Tokens, or the events that tell them: both leave only what is further apart."""
    diary.begin()
    diary.hours(6)
    told = list(diary.office.ledger.events(kind=EventKind.TIMESTAMPED))[1:-1]
    names = [f"timestamps/{event.body['size']}-one.tsr" for event in told]
    refused(diary.check(lambda files: without(files, *names)), windows.CLOSE, "and 2 h 0 min is allowed")

    def untold(files: dict[str, bytes]) -> dict[str, bytes]:
        for event in told:
            files = without_event(files, event.seq)
        return files

    refused(diary.check(untold), windows.CLOSE, "and 2 h 0 min is allowed")


def test_time_stamps_of_an_old_checkpoint_that_are_told_later(diary: Diary) -> None:
    """One an hour was had, all over what was there before; the history is written when all of them are there."""
    diary.begin()
    diary.hours(1)
    old = next(diary.office.ledger.events(kind=EventKind.CHECKPOINT, newest=1))
    diary.hours(6, stamped=False)
    for hour in range(2, 8):
        diary.tsa.now = lambda hour=hour: START + timedelta(hours=hour)  # type: ignore[misc]  # mypy infers no default
        diary.office.stamp(diary.tsa, of=old)
    diary.tsa.now = diary.clock.now
    diary.stamp_later()
    refused(diary.check(), windows.CLOSE, "and 2 h 0 min is allowed")


def test_an_authority_that_was_down_is_a_gap_that_is_told(diary: Diary) -> None:
    diary.begin()
    diary.hours(2)
    diary.clock.advance(30)
    diary.hours(1, stamped=False)
    diary.trouble()
    diary.hours(9, stamped=False)
    diary.hours(3)
    found = diary.check()
    why = gaps(found)
    assert len(why) <= 3
    assert all("tells of timestamp: http://tsa.example: answered 503" in one for one in why)
    assert found.verdict == GAPS
    assert 11 * HOUR < found.facts["within"] < 13 * HOUR
    refused(diary.check(within=3 * HOUR), windows.CLOSE, r"3 h 0 min is allowed \(--within\)")


@pytest.mark.parametrize(("reason", "after"), [(None, 0), ("imap", 1), ("timestamp", 8)])
def test_an_outage_of_which_nothing_was_told_in_time(diary: Diary, reason: str | None, after: int) -> None:
    diary.begin()
    diary.hours(2)
    diary.hours(after, stamped=False)
    if reason:
        diary.trouble(reason)
    diary.hours(10 - after, stamped=False)
    diary.hours(1)
    refused(diary.check(), windows.CLOSE, "and 2 h 0 min is allowed")


def test_a_power_cut_is_a_gap_that_is_told(diary: Diary) -> None:
    diary.begin()
    diary.hours(2)
    diary.clock.advance(600)
    diary.office.probe()
    diary.clock.advance(30 * HOUR)
    diary.office.tell(EventKind.STARTED, scheduled=True)
    diary.hours(2)
    found = diary.check()
    assert all("tells that the canary began again" in why for why in gaps(found))
    assert found.verdict == GAPS


def test_another_interval_holds_from_then_on(diary: Diary) -> None:
    diary.begin()
    diary.hours(2)
    diary.hours(2, every="4h", long=4 * HOUR)
    diary.hours(2)
    assert gaps(diary.check()) == []


def test_an_interval_of_weeks_is_not_believed(diary: Diary) -> None:
    """The end of each day is stamped, whatever the interval."""
    diary.begin()
    diary.hours(2, every="30d")
    diary.hours(1, every="30d", long=3 * 86400.0)
    refused(diary.check(), windows.CLOSE, "and 2 d 0 h is allowed")


def test_an_end_without_a_time_stamp(diary: Diary) -> None:
    diary.begin()
    diary.hours(3)
    diary.hours(1, stamped=False)
    refused(diary.check(), times.COVERED, "no time-stamp is over")
