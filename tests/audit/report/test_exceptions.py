"""Exceptions from any sequence of probes, against a slow and plain reading of the same rule."""

from __future__ import annotations

from itertools import groupby
from types import SimpleNamespace
from typing import Any

import pytest
from audit.story import at, probe_id
from hypothesis import given
from hypothesis import strategies as st

from canary.audit.report.exceptions import failures, find, own_faults
from canary.ledger.reader import LedgerReader

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
