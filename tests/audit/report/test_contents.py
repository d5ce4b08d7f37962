"""The report of a story that is known in every detail."""

from __future__ import annotations

import csv
import io
import shutil
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from audit.story import HOSTILE, NOW, PERIOD, at, probe_id

from canary.audit.period import Period
from canary.audit.report.contents import AuditReport, build
from canary.audit.report.counts import Counts
from canary.audit.report.drills import Answer
from canary.audit.report.results import result_of, results
from canary.audit.report.rules import Measure
from canary.audit.report.tables import tables
from canary.audit.report.tally import Tally
from canary.config import Config
from canary.ledger import Event, EventKind, Ledger
from canary.ledger.reader import LedgerReader, as_it_stands
from canary.model import DeadlineResult, OwnFaultError

Made = tuple[AuditReport, Tally]


def test_every_probe_of_the_period_is_counted_once(made: Made, told: Path) -> None:
    report, _ = made
    ledger = Ledger(told, inline=True)
    rows = list(ledger.results(PERIOD.since, PERIOD.until))
    ledger.close()
    by_result = {result: sum(row.deadline is result for row in rows) for result in DeadlineResult}
    assert report.whole.counts == Counts(
        by_result[DeadlineResult.MET], by_result[DeadlineResult.MISSED], by_result[DeadlineResult.INDETERMINATE]
    )
    assert report.scheduled == len(rows) + 1
    assert sum((line.counts.total for line in report.variants), 0) == len(rows)
    assert sum((line.counts.total for line in report.senders), 0) == len(rows)
    assert sum((line.counts.total for line in report.channel_months), 0) == len(rows)
    assert [line.counts for line in report.months] == [report.whole.counts]


def test_the_one_probe_without_a_result_is_listed(made: Made) -> None:
    (lost,) = made[0].unfinished
    assert (lost.probe, lost.channel, lost.scheduled_at) == (probe_id("alias", at(2, 23.5)), "alias", at(2, 23.5))
    assert "never ended" in lost.why


def test_exceptions_have_cause_detection_duration_and_retest(made: Made) -> None:
    person, junked, late, form = made[0].exceptions
    assert (junked.id, junked.outcome, junked.place) == (f"alias.{probe_id('alias', at(2, 10))}", "junked", "junk")
    assert (junked.probes, junked.confirmed) == (4, "junked")
    assert junked.detected_at == at(2, 10) + timedelta(seconds=30)
    assert (junked.retest, junked.recovered_at) == (probe_id("alias", at(2, 13)), at(2, 13) + timedelta(seconds=18))
    assert junked.duration == timedelta(hours=3, seconds=18)
    assert (late.outcome, late.first_at, late.probes) == ("late", at(3, 15), 1)
    assert (person.channel, person.first_at, person.probes) == ("person", at(1, 22), 3)  # it began before the period
    assert person.detected_at == at(1, 22) + timedelta(seconds=901)
    assert (form.channel, form.retest, form.duration, form.probes) == ("form", None, None, 7)  # and goes on after it


def test_the_words_of_a_channel_are_redacted_unless_told_otherwise(
    made: Made, source: LedgerReader, config: Config
) -> None:
    assert "anna" not in made[0].exceptions[-1].reason
    assert "[redacted]@ca.test" in made[0].exceptions[-1].reason
    assert made[0].channels[0].settings["approved_by"] == "J. Doe <j.doe@ca.test>"
    open_, _ = build(source, config, PERIOD, NOW, profile="tls", redact=False)
    assert open_.exceptions[-1].reason == HOSTILE


def test_our_own_faults_stand_apart(made: Made) -> None:
    (fault,) = made[0].own_faults
    assert (fault.reason, fault.channels, fault.probes) == ("connection refused", ("alias",), 1)
    (alias, *_) = made[0].channels
    assert alias.counts.indeterminate == 1
    assert alias.counts.judged == alias.counts.met + alias.counts.missed


def test_the_longest_gap_reaches_to_the_edge_of_the_period(made: Made) -> None:
    gaps = {channel.slug: channel.gap for channel in made[0].channels}
    alias, form, person = gaps["alias"], gaps["form"], gaps["person"]
    assert alias
    assert form
    assert person
    assert (form.start, form.end) == (_near(at(4, 19)), _near(PERIOD.until))
    assert (alias.start, alias.end) == (_near(at(2, 9)), _near(at(2, 13)))
    assert person.length <= timedelta(hours=1, seconds=1)


def test_channels_are_in_force_as_configured(made: Made) -> None:
    alias, _, person = made[0].channels
    assert alias.times == ((at(1, 11.9), None),)
    assert person.settings["interval"] == 1800.0
    assert set(made[0].days_in_force.values()) == {3}
    changed = [change for change in made[0].diary.configuration if change.what == "in force"]
    assert [change.in_words for change in changed] == ["channel person: interval was 1:00:00, is 0:30:00"]
    (refused,) = [change for change in made[0].diary.configuration if change.what == "refused"]
    assert refused.detail == "canary.yaml:3: nonsense"


def test_holds_silences_restarts_and_clocks(made: Made) -> None:
    report, _ = made
    assert [(span.what, span.start, span.end, span.by) for span in report.diary.holds] == [
        ("pause ordered", at(3, 5), at(3, 6), "anna"),
        ("kill switch", at(3, 7), at(3, 7.5), "ben"),
        ("not sent: blackout", at(4, 2), at(4, 4), ""),
    ]
    assert [(span.where, span.by) for span in report.diary.blackouts] == [("alias", "J. Doe")]
    assert [(span.what, span.start, span.end) for span in report.diary.downtime] == [
        ("stopped", at(2, 23.6), at(2, 23.9))
    ]
    assert [(span.where, span.end) for span in report.diary.silences] == [("CPRCanaryChannelDown", at(3, 9))]
    assert [change.what for change in report.diary.restarts] == ["stopped", "started"]
    assert report.diary.restarts[1].detail.endswith("; the key of the marks before was lost: the disk died")
    assert report.diary.clocks == (("cpr", 1, 2.5),)
    assert [change.detail for change in report.diary.clock_steps] == ["by -2.0 s"]
    assert report.diary.troubles == (("imap: lost", 1),)


def test_before_the_first_start_it_was_not_installed_which_is_no_downtime(
    source: LedgerReader, config: Config, made: Made
) -> None:
    report, _ = build(source, config, Period(date(2026, 1, 1), PERIOD.last), NOW, profile="tls")
    assert [(span.start, span.end) for span in report.diary.not_installed] == [
        (at(1) - timedelta(days=59), at(1, 11.9))
    ]
    assert report.diary.downtime == made[0].diary.downtime
    said = results(report)[Measure.DOWNTIME]
    assert "down 1 time, 18 min in all" in said
    assert "Until 2026-03-01 11:54:00 UTC it was not installed yet" in said
    assert "not installed" not in results(made[0])[Measure.DOWNTIME]
    holds = list(csv.reader(io.StringIO(tables(report, Tally(PERIOD))["holds.csv"].decode("utf-8-sig"))))
    assert [row[3] for row in holds[1:3]] == ["not installed yet", "stopped"]


def test_drills_have_the_three_times_as_far_as_they_can_be_known(made: Made) -> None:
    in_time, late, none = made[0].drills
    assert (in_time.received_at, in_time.answered_at) == (at(3, 1) + timedelta(seconds=5), at(3, 4))
    assert in_time.took == timedelta(hours=3, seconds=-5)
    assert [drill.answer for drill in (in_time, late, none)] == [Answer.IN_TIME, Answer.LATE, Answer.NONE]


def test_checkpoints_enclose_the_period(made: Made, source: LedgerReader) -> None:
    evidence = made[0].evidence
    first, last = source.events(kind=EventKind.CHECKPOINT)
    assert evidence.before
    assert evidence.after
    assert (evidence.before.size, evidence.before.root) == (first.body["size"], first.body["root"])
    assert (evidence.after.size, evidence.after.root) == (last.body["size"], last.body["root"])
    assert evidence.newest == evidence.after
    assert evidence.gap_free
    assert evidence.head
    assert evidence.head.seq == evidence.kept == evidence.after.size + evidence.unsigned
    assert evidence.unsigned == 1 + 3 * 6  # that it was signed, and the last probes of the form


def test_figures_stand_on_the_root_that_was_verified(made: Made) -> None:
    report, _ = made
    assert report.checked
    assert report.evidence.newest
    assert (report.checked.problems, report.checked.root) == ((), report.evidence.newest.root)
    assert results(report)[Measure.EVIDENCE].startswith("Verified: ")


@pytest.mark.parametrize("profile", ["tls", "smime", "codesigning"])
def test_every_control_has_a_result(source: LedgerReader, config: Config, profile: str) -> None:
    report, _ = build(source, config, PERIOD, NOW, profile=profile)
    told = results(report)
    assert report.controls
    assert all(len(result_of(control, told)) > 20 for control in report.controls)
    assert report.rule.limit == 86_400.0


def test_a_period_without_anything_says_so(source: LedgerReader, config: Config) -> None:
    report, _ = build(source, config, Period(date(2025, 1, 1), date(2025, 1, 31)), NOW, profile="tls")
    assert (report.channels, report.exceptions, report.whole.counts) == ((), (), Counts())
    assert "No probe was judged" in " ".join(results(report).values())


def test_a_report_of_a_part_finds_the_same_exceptions(source: LedgerReader, config: Config, made: Made) -> None:
    ids = [run.id for run in made[0].exceptions]
    found = []
    for day in PERIOD.days():
        report, _ = build(source, config, Period(day, day), NOW, profile="tls")
        found += [run.id for run in report.exceptions]
    assert sorted(set(found)) == sorted(ids)


def test_a_ledger_that_is_not_there_is_our_own_fault(tmp_path: Path) -> None:
    with (
        pytest.raises(OwnFaultError, match=r"there is no ledger in .*nothing"),
        as_it_stands(tmp_path / "nothing") as found,
    ):
        found.head()
    assert not (tmp_path / "nothing").exists()


def test_a_ledger_that_is_damaged_is_our_own_fault(told: Path, config: Config, tmp_path: Path) -> None:
    whole = bytearray((told / "ledger.sqlite").read_bytes())
    whole[8192 : len(whole) // 2] = bytes(len(whole) // 2 - 8192)
    (tmp_path / "ledger.sqlite").write_bytes(whole)
    with pytest.raises(OwnFaultError, match="cannot read the ledger"), as_it_stands(tmp_path) as found:
        build(found, config, PERIOD, NOW, profile="tls")


def test_a_folder_may_be_called_anything(told: Path, tmp_path: Path) -> None:
    shutil.copytree(told, tmp_path / "a ?b#c%20d")
    with as_it_stands(tmp_path / "a ?b#c%20d") as found:
        assert found.head()


def test_what_is_read_is_one_moment(own: Path, config: Config) -> None:
    state = own.parent / "state"
    with closing(Ledger(state, inline=True)) as ledger, as_it_stands(state) as found:
        before = found.head()
        ledger.append(Event(EventKind.TROUBLE, NOW, {"component": "imap", "reason": "x", "detail": ""})).result()
        assert found.head() == before
        report, _ = build(found, config, PERIOD, NOW, profile="tls")
        assert report.evidence.head == before
        assert report.evidence.gap_free


def _near(when: object) -> object:
    """A Julian day is right to a millisecond."""

    class Near:
        def __eq__(self, other: object) -> bool:
            return abs(other - when) < timedelta(milliseconds=2)  # type: ignore[operator]

        def __hash__(self) -> int:
            return 0

    return Near()
