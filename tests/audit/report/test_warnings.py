"""What stands on page 1 before any figure, where the figures stand on less than evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from audit.story import PERIOD, at

from canary.audit.report.backing import SignedHead
from canary.audit.report.contents import AuditReport
from canary.audit.report.counts import Counts
from canary.audit.report.tally import Tally
from canary.audit.report.warnings import warnings
from canary.audit.whole import Whole

Made = tuple[AuditReport, Tally]


def test_of_a_verified_report_only_what_others_did_not_say(made: Made) -> None:
    (only,) = warnings(made[0])
    assert only.startswith(
        "In the period there is no signed checkpoint, no time-stamp of an authority outside, no cosignature of a "
    )


@pytest.mark.parametrize("number", [1, 3, 5])
def test_what_was_found_is_told_and_the_figures_are_not_verified(made: Made, number: int) -> None:
    problems = tuple(f"event {n} is not the one that was signed" for n in range(number))
    (first, *_) = warnings(replace(made[0], checked=Whole(9, "a" * 64, 0, 3, None, problems)))
    assert first.startswith("NOT VERIFIED: the ledger is not as it was signed")
    assert first.count("is not the one that was signed") == min(number, 3)
    assert ("And 2 more." in first) == (number == 5)


def test_a_report_without_a_look_at_signatures_says_so(made: Made) -> None:
    assert warnings(replace(made[0], checked=None))[0].startswith("NOT VERIFIED: this report was made without")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kept": 7}, "EVENTS ARE MISSING FROM THE LEDGER: the newest is number"),
        (
            {"after": None},
            "No signed checkpoint covers the end of the period yet: the newest is of 2026-03-05 00:30:00",
        ),
        ({"unproven": 12}, "Of 12 probes of the period retention emptied the events"),
        ({"timestamps": 3, "checkpoints": 1}, "In the period there is no cosignature of a witness: "),
    ],
)
def test_each_is_told(made: Made, changes: dict[str, object], words: str) -> None:
    evidence = replace(made[0].evidence, **changes)  # type: ignore[arg-type]  # fields by name
    assert any(told.startswith(words) for told in warnings(replace(made[0], evidence=evidence)))


@pytest.mark.parametrize(("ours", "said"), [(4, False), (5, True), (60, True)])
def test_many_faults_of_ours_are_told_beside_the_share(made: Made, ours: int, said: bool) -> None:
    whole = replace(made[0].whole, counts=Counts(met=80, missed=1, indeterminate=ours))
    assert any("by our own fault" in words for words in warnings(replace(made[0], whole=whole))) == said


def test_nothing_is_told_where_all_is_there(made: Made) -> None:
    head = SignedHead(at(5), 9, "a" * 64)
    evidence = replace(made[0].evidence, timestamps=1, checkpoints=1, cosignatures=1, before=head, after=head)
    assert warnings(replace(made[0], evidence=evidence)) == []


def test_a_period_that_was_not_over(made: Made) -> None:
    assert "The period was not over when this report was made." in warnings(replace(made[0], made_at=PERIOD.since))
