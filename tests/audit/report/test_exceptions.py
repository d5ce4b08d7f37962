"""Exceptions from any sequence of probes, against a slow and plain reading of the same rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from audit.story import at, probe_id
from hypothesis import given
from hypothesis import strategies as st

from canary.audit.period import Period
from canary.audit.report.exceptions import Annotation, annotation, complete, failures, find, notes_of, own_faults
from canary.audit.report.incident import incident, timeline
from canary.audit.report.tally import tally
from canary.ledger import Event, EventKind, Ledger
from canary.ledger.reader import LedgerReader
from canary.model import Outcome

results = st.lists(st.sampled_from(["met", "missed", "missed", "indeterminate", None]), max_size=30)


def rows(several: list[str | None]) -> list[Any]:
    return [
        SimpleNamespace(
            probe=f"p{number}", channel="alias", kind="email", sender="s", variant="v", deadline=result,
            outcome={"met": "arrived", "missed": "missing"}.get(result or "", "indeterminate"), place=None, reason="",
            arrived=1.0, confirms=None, scheduled_at=f"2026-03-01T00:{number:02d}:00.000000Z",
        )
        for number, result in enumerate(several)
    ]  # fmt: skip


@given(results)
def test_consecutive_failures_are_one_exception(several: list[str | None]) -> None:
    fold = failures()
    for row in rows(several):
        fold.feed(row)
    judged = [(number, result) for number, result in enumerate(several) if result in ("met", "missed")]
    wanted = [list(group) for result, group in groupby(judged, key=lambda pair: pair[1]) if result == "missed"]
    assert [(run.first, run.probes) for run in fold.runs()] == [(f"p{run[0][0]}", len(run)) for run in wanted]
    for run, failed in zip(fold.runs(), wanted, strict=True):
        good = next((number for number, result in judged if result == "met" and number > failed[-1][0]), None)
        assert run.retest == (None if good is None else f"p{good}")


@given(results)
def test_own_faults_and_exceptions_share_no_probe(several: list[str | None]) -> None:
    ours, theirs = own_faults(), failures()
    for row in rows(several):
        ours.feed(row)
        theirs.feed(row)
    assert sum(run.probes for run in theirs.runs()) == several.count("missed")
    assert sum(run.probes for run in ours.runs()) == len(several) - several.count("missed") - several.count("met")


def test_an_exception_is_found_by_its_id_alone(source: LedgerReader) -> None:
    run = find(source, f"alias.{probe_id('alias', at(2, 10))}")
    assert run is not None
    assert (run.probes, run.retest) == (4, probe_id("alias", at(2, 13)))


@pytest.mark.parametrize(
    "name",
    [
        f"alias.{probe_id('alias', at(2, 11))}",  # in the middle of one
        f"form.{probe_id('alias', at(2, 10))}",  # of another channel
        f"alias.{probe_id('alias', at(2, 9))}",  # a good one
        "alias.nothing",
        "nonsense",
        "",
    ],
)
def test_nothing_else_is_an_id(source: LedgerReader, name: str) -> None:
    assert find(source, name) is None


LOOKS = "+--i-+-++"
"""Looks, one an hour: good, failed, or our own fault."""


@pytest.fixture
def looks(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path, inline=True)
    found = {"+": Outcome.ARRIVED, "-": Outcome.FORM_ERROR, "i": Outcome.INDETERMINATE}
    body = {"channel": "revoke", "kind": "web_form", "queue": "cpr", "detail": "the page has no form any more"}
    for hour, sign in enumerate(LOOKS):
        ledger.append(Event(EventKind.CHECKED, at(2, hour), body | {"outcome": found[sign].value})).result()
    yield ledger
    ledger.close()


def test_an_outage_of_which_looks_alone_tell_is_an_exception(looks: Ledger) -> None:
    period = Period(at(2).date(), at(2).date())
    first, second = tally(looks, period, at(3)).exceptions
    assert (first.first_at, first.probes, first.retest_at, first.duration) == (
        at(2, 1), 3, at(2, 5), timedelta(hours=4),
    )  # fmt: skip
    assert (second.first_at, second.probes, second.outcome) == (at(2, 6), 1, "form_error")
    assert (second.channel, second.kind, second.senders) == ("revoke", "web_form", set())
    complete(looks, [first, second], {})
    assert first.detected_at == first.first_at
    found = find(looks, first.id)
    assert found is not None
    assert (found.probes, found.retest) == (3, first.retest)
    assert find(looks, "revoke.look-3") is None  # in the middle of one
    assert [step.what.partition(",")[0] for step in timeline(looks, first)] == [
        "revoke", "the failure was recorded as one", "the last of 3 looks that failed", "the first good look",
        "by that the channel could take a report again",
    ]  # fmt: skip
    assert r"| Looks that failed | 3: form\_error: 3 |" in incident(looks, first)
    noted = annotation(first, Annotation(at(5), "ben", "form is back", None, None, None))
    assert noted.probe is None  # a look is none
    assert notes_of([noted]).keys() == {first.id}
    assert tally(looks, Period(at(3).date(), at(3).date()), at(4)).exceptions == []


def test_one_that_began_before_the_period_and_goes_on_is_in_it(looks: Ledger) -> None:
    body = {"channel": "revoke", "kind": "web_form", "queue": "cpr", "detail": "", "outcome": "form_error"}
    for day in (3, 4):
        looks.append(Event(EventKind.CHECKED, at(day), body)).result()
    (run,) = tally(looks, Period(at(4).date(), at(4).date()), at(5)).exceptions
    assert (run.first_at, run.retest, run.probes) == (at(3), None, 2)
