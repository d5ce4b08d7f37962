"""The timeline of an exception: every time that is known, in order, and words of others as words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from audit.story import HOSTILE, at, probe_id

from canary.audit.report.exceptions import Annotation, Run, complete, find
from canary.audit.report.incident import incident, timeline
from canary.ledger.reader import LedgerReader

JUNKED = f"alias.{probe_id('alias', at(2, 10))}"
NOTE = Annotation(at(5), "ben", "rule removed | <b>", "filter", "https://bugs.test/1", "INC-7")


@pytest.fixture
def junked(source: LedgerReader) -> Run:
    run = find(source, JUNKED)
    assert run
    complete(source, [run], {JUNKED: (NOTE,)})
    return run


def test_it_goes_from_the_last_good_probe_to_the_first_after_it(source: LedgerReader, junked: Run) -> None:
    assert [(step.at, step.what.partition(" that ")[0]) for step in timeline(source, junked)] == [
        (at(2, 9), "the last good test report before it was sent"),
        (at(2, 10), "a test report was sent through alias"),
        (at(2, 10) + timedelta(seconds=30), "the failure was recorded as one"),
        (at(2, 12), "the last of 4 test reports"),
        (at(2, 13), "the first good test report was sent"),
        (at(2, 13) + timedelta(seconds=18), "it was in its queue: the channel takes reports again"),
        (at(5), "noted by ben: rule removed | <b>"),
    ]


def test_an_alert_that_was_silenced_meanwhile_is_in_it(source: LedgerReader, junked: Run) -> None:
    long = replace(junked, recovered_at=at(4))
    assert any(
        "CPRCanaryChannelDown was silenced by ben: known" in step.what and step.at == at(3, 8)
        for step in timeline(source, long)
    )


def test_it_says_what_it_is_and_how_long_it_was(source: LedgerReader, junked: Run) -> None:
    page = incident(source, junked)
    assert "| Incident | INC-7, https://bugs.test/1 |" in page
    assert "| Lasted (h:min:s) | 3:00:18 |" in page
    assert "| Noticed after (h:min:s) | 0:00:30 |" in page
    assert "| Test reports that failed | 4: junked in junk: 4 |" in page
    assert r"rule removed \| \<b\>" in page


def test_one_that_goes_on_says_so_and_hostile_words_stay_words(source: LedgerReader) -> None:
    run = find(source, f"form.{probe_id('form', at(4, 20))}")
    assert run
    assert run.reason == HOSTILE
    page = incident(source, run)
    assert "| Lasted (h:min:s) | goes on |" in page
    assert "<script>" not in page
    assert "\u202e" not in page
    assert all(line.count(" | ") <= 1 for line in page.splitlines() if "HYPERLINK" in line)
