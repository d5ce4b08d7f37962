"""The commands as an auditor runs them: real processes, exit codes, and what machines read."""

from __future__ import annotations

import csv
import html
import io
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from audit.conftest import written
from audit.story import START, Teller, at, probe_id

from canary.audit.bundle.sample import rank
from canary.audit.report.contents import AuditReport
from canary.audit.report.tally import Tally
from canary.ledger import Event, EventKind, Ledger

DAYS = ("--from", "2026-03-02", "--to", "2026-03-04")
JUNKED = f"alias.{probe_id('alias', at(2, 10))}"


def cpr_canary(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "canary", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "200", "TERM": "dumb"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False, env=environment)
    assert "Traceback" not in done.stderr, done.stderr
    assert "Exception ignored" not in done.stderr, done.stderr
    return done


def test_a_report_is_written_and_summed_up(config_file: Path, tmp_path: Path, made: tuple[AuditReport, Tally]) -> None:
    done = cpr_canary("audit", "report", config_file, *DAYS, "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["met"] == made[0].whole.counts.met
    assert (told["exceptions"], told["open_exceptions"], told["without_result"]) == (4, 1, 1)
    assert (told["gap_free"], told["verified"], told["root"]) == (True, True, made[0].evidence.newest.root)  # type: ignore[union-attr]  # there is one
    assert told["files"].keys() == {file.name for file in (tmp_path / "out").iterdir()} - {"SHA256SUMS"}


def test_people_are_told_the_same(config_file: Path, tmp_path: Path) -> None:
    done = cpr_canary("audit", "report", config_file, *DAYS, "--out", tmp_path / "out", "--no-redact")
    assert done.returncode == 0, done.stderr
    assert "4 exceptions, 1 without a good retest yet" in done.stdout
    assert "NOT redacted" in (tmp_path / "out" / "report.html").read_text()
    assert "anna.kovacs@ca.test" in (tmp_path / "out" / "exceptions.csv").read_text()


def test_a_sample_is_the_lowest_ranks_whichever_way_it_is_told(config_file: Path, tmp_path: Path) -> None:
    wanted = ("audit", "sample", config_file, *DAYS, "--seed", "42", "--size", "7")
    told = json.loads(cpr_canary(*wanted, "--json", "--population", tmp_path / "all").stdout)
    listed = (tmp_path / "all").read_text().split()
    assert told["population"] == len(listed)
    assert [row["probe"] for row in told["sample"]] == sorted(listed, key=lambda probe: rank("42", probe))[:7]
    rows = list(csv.DictReader(io.StringIO(cpr_canary(*wanted, "--csv").stdout)))
    assert [row["probe"] for row in rows] == [row["probe"] for row in told["sample"]]
    assert told["population_sha256"] in cpr_canary(*wanted).stdout


def test_exceptions_are_listed(config_file: Path) -> None:
    told = json.loads(cpr_canary("exceptions", "list", config_file, *DAYS, "--json").stdout)
    assert [run["channel"] for run in told] == ["person", "alias", "alias", "form"]
    still = json.loads(cpr_canary("exceptions", "list", config_file, *DAYS, "--open", "--json").stdout)
    assert [run["channel"] for run in still] == ["form"]
    assert JUNKED in cpr_canary("exceptions", "list", config_file, *DAYS).stdout


def test_a_note_is_added_and_stands_in_the_report(own: Path, tmp_path: Path) -> None:
    note = ("--note", "rule removed; =1+1", "--by", "ben", "--cause", "filter rule", "--bug", "https://bugs.test/1")
    done = cpr_canary("exceptions", "annotate", own, JUNKED, *note)
    assert done.returncode == 0, done.stderr
    second = ("--note", "second look", "--by", "chloe", "--reference", "INC-7")
    assert cpr_canary("exceptions", "annotate", own, JUNKED, *second).returncode == 0
    told = json.loads(cpr_canary("exceptions", "list", own, *DAYS, "--json").stdout)
    (run,) = [run for run in told if run["id"] == JUNKED]
    assert [(n["by"], n["cause"], n["bug"]) for n in run["notes"]] == [
        ("ben", "filter rule", "https://bugs.test/1"),
        ("chloe", None, None),
    ]
    page = cpr_canary("exceptions", "show", own, JUNKED, "--incident").stdout
    assert "| Incident | https://bugs.test/1, INC-7 |" in page
    told = json.loads(cpr_canary("exceptions", "show", own, JUNKED, "--json").stdout)
    assert told["timeline"][0]["at"] == "2026-03-02T09:00:00.000000Z"
    assert "noted by chloe: second look" in cpr_canary("exceptions", "show", own, JUNKED).stdout
    cpr_canary("audit", "report", own, *DAYS, "--out", tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "rule removed; =1+1" in page
    assert "Cause: filter rule" in page
    assert "<b>INC-7</b>" in page
    ledger = Ledger(tmp_path / "state", inline=True)
    (first, _) = ledger.events(kind=EventKind.ANNOTATED)
    ledger.close()
    assert (first.probe, first.body["exception"]) == (probe_id("alias", at(2, 10)), JUNKED)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("exceptions", "annotate", "CONFIG", "alias.nothing", "--note", "x", "--by", "y"), "no exception"),
        (("exceptions", "show", "CONFIG", "alias.nothing"), "no exception"),
        (("exceptions", "annotate", "CONFIG", JUNKED, "--note", " ", "--by", "y"), "--note is empty"),
        (("exceptions", "annotate", "CONFIG", JUNKED, "--note", "x", "--by", "y", "--bug", "javascript:1"), "--bug"),
        (("audit", "report", "CONFIG", "--from", "2026-03-04", "--to", "2026-03-02"), "before it begins"),
        (("audit", "report", "CONFIG", "--from", "2126-03-04", "--to", "2126-03-05"), "has not begun"),
        (("audit", "report", "CONFIG", "--from", "yesterday", "--to", "2026-03-02"), "yesterday"),
        (("audit", "sample", "CONFIG", *DAYS, "--seed", "x", "--size", "1", "--json", "--csv"), "not both"),
    ],
)
def test_what_cannot_be_done_is_a_usage_error(config_file: Path, arguments: tuple[str, ...], words: str) -> None:
    done = cpr_canary(*(config_file if word == "CONFIG" else word for word in arguments))
    assert done.returncode == 2
    assert words in done.stderr


def test_a_wrong_file_of_rules_is_named_with_its_line(told: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("tls:\n  title: x\n")
    config = written(tmp_path, told, audit={"deadlines": "rules.yaml"})
    done = cpr_canary("audit", "report", config, *DAYS, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "rules.yaml:1: tls.rules: missing" in done.stderr
    assert not (tmp_path / "out").exists()


def test_without_a_ledger_it_is_our_own_fault(tmp_path: Path) -> None:
    done = cpr_canary("audit", "report", written(tmp_path, tmp_path / "none"), *DAYS)
    assert done.returncode == 3
    assert f"there is no ledger in {tmp_path / 'none'}" in done.stderr


def test_where_nothing_can_be_written_it_is_our_own_fault(config_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = cpr_canary("audit", "report", config_file, *DAYS, "--out", tmp_path / "file" / "out")
    assert done.returncode == 3


def test_a_command_says_it_in_a_sentence(own: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state" / "ledger.sqlite", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER event_no_update")
        connection.execute(
            "UPDATE event SET body = CAST(json_set(CAST(body AS TEXT), '$.body', json('{}')) AS BLOB) "
            "WHERE kind = 'stopped_all' OR kind = 'configured'"
        )
    done = cpr_canary("audit", "report", own, *DAYS, "--out", tmp_path / "out")
    assert done.returncode == 3
    assert "is not as it was written (KeyError('reason'))" in done.stderr.replace("\n", " ")


def test_a_ledger_of_single_probes_by_hand_has_a_report(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "state", inline=True)) as ledger:
        teller = Teller(ledger)
        teller.tell(Event(EventKind.STARTED, at(2), START | {"scheduled": False}))
        teller.probe("alias", at(2, 1))
    done = cpr_canary("audit", "report", written(tmp_path, tmp_path / "state"), *DAYS, "--out", tmp_path / "out")
    assert done.returncode == 1, done.stderr
    assert "NOT VERIFIED: the ledger is not as it was signed, or was never signed" in done.stdout.replace("\n", " ")
    assert "probed, but no record of the configuration covers it" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE result SET deadline = 'met', outcome = 'arrived'", "'met' in the table"),
        ("DELETE FROM result WHERE deadline = 'missed'", "is not in the table"),
        ("UPDATE event SET at = '2020-01-01T00:00:00.000000Z' WHERE kind = 'scheduled'", "under another time"),
        ("UPDATE event SET body = x'' WHERE kind = 'deadline'", "was emptied, and nothing in the ledger says so"),
    ],
)
def test_what_was_written_into_the_database_is_said_on_page_1(
    own: Path, tmp_path: Path, change: str, words: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "state" / "ledger.sqlite", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER event_no_update")
        connection.execute(change)
    done = cpr_canary("audit", "report", own, *DAYS, "--out", tmp_path / "out", "--json")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["verified"] is False
    page = (tmp_path / "out" / "report.html").read_text().partition('<h2 id="s1">')[0]
    assert "NOT VERIFIED: the ledger is not as it was signed" in page
    assert words in html.unescape(page)
    assert "nothing that was verified" in page


def test_a_report_that_nobody_verified_says_so(config_file: Path, tmp_path: Path) -> None:
    done = cpr_canary("audit", "report", config_file, *DAYS, "--out", tmp_path / "out", "--no-verify", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verified"] is None
    assert "NOT VERIFIED" in (tmp_path / "out" / "report.html").read_text().partition('<h2 id="s1">')[0]
