"""No row is lost, and machines can read it all."""

from __future__ import annotations

import csv
import io
import json

import pytest
from audit.story import PERIOD

from canary.audit.report.contents import AuditReport
from canary.audit.report.tables import tables, to_json
from canary.audit.report.tally import Tally


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.fixture(scope="module")
def files(made: tuple[AuditReport, Tally]) -> dict[str, list[list[str]]]:
    return {name: read(content) for name, content in tables(*made).items()}


def test_every_table_is_even(files: dict[str, list[list[str]]]) -> None:
    for name, (head, *rows) in files.items():
        assert len(set(head)) == len(head), name
        assert all(len(row) == len(head) for row in rows), name


def test_days_add_up_to_channels(files: dict[str, list[list[str]]], made: tuple[AuditReport, Tally]) -> None:
    for name, column in (("channels.csv", "met"), ("days.csv", "met")):
        head, *rows = files[name]
        assert sum(int(row[head.index(column)]) for row in rows) == made[0].whole.counts.met
    assert {row[0] for row in files["days.csv"][1:]} == {day.isoformat() for day in PERIOD.days()}


def test_hostile_words_arrive_as_text(files: dict[str, list[list[str]]]) -> None:
    head, *rows = files["exceptions.csv"]
    reason = rows[-1][head.index("reason")]
    assert reason.startswith("'=HYPERLINK(")
    assert "anna" not in reason


def test_controls_have_the_shape_of_the_detailed_controls_report(files: dict[str, list[list[str]]]) -> None:
    head, *rows = files["controls.csv"]
    assert head[:6] == [
        "requirement_section", "requirement", "control", "test_procedure", "result", "auditors_conclusion",
    ]  # fmt: skip
    assert all(row[4] and not row[5] for row in rows)


def test_the_json_says_the_same(made: tuple[AuditReport, Tally]) -> None:
    told = json.loads(to_json(made[0]))
    assert told["whole"]["counts"]["met"] == made[0].whole.counts.met
    assert [run["first"] for run in told["exceptions"]] == [run.first for run in made[0].exceptions]
    assert told["period"] == {"first": "2026-03-02", "last": "2026-03-04"}
    assert "anna.kovacs" not in json.dumps(told)
