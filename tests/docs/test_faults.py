"""The page of whose fault what is: whole, linked, and consistent. Each section is walked where its servers are."""

from __future__ import annotations

import ast
from pathlib import Path

from docs.fault_table import PAGE, WHOSE, sections

from canary.channels.email.smtp import SmtpFault
from canary.model import Component, Outcome

ROOT = Path(__file__).parents[2]
WALKS = {
    "Mail": "tests/channels/email/test_faults.py",
    "Straight to the CA's servers": "tests/channels/email/mx/test_faults.py",
    "Forms": "tests/channels/forms/test_faults.py",
    "The canary itself": "tests/prober/test_faults.py",
}


def test_each_section_is_walked_by_a_test_that_reads_its_rows() -> None:
    assert sections().keys() == WALKS.keys()
    for name, file in WALKS.items():
        constants = {
            node.value for node in ast.walk(ast.parse((ROOT / file).read_text())) if isinstance(node, ast.Constant)
        }
        assert name in constants, f"{file} does not read the section {name}"


def test_no_row_stands_twice_and_each_outcome_is_his_whose_fault_it_is() -> None:
    for rows in sections().values():
        assert len({str(row) for row in rows}) == len(rows) > 3
        for row in rows:
            theirs = {outcome.value for outcome in Outcome} - {"arrived", "indeterminate"}
            assert row.outcome in WHOSE.get(row.whose, theirs), row
            assert row.whose in (*WHOSE, "the CA's"), row
            assert not row.told_as or row.told_as.partition("/")[0] in list(Component), row


def test_every_fault_of_a_submission_has_a_row() -> None:
    rows = [row for name in ("Mail", "Straight to the CA's servers") for row in sections()[name]]
    told = {row.told_as.partition("/")[2] for row in rows}
    assert set(SmtpFault) <= told


def test_readme_and_runbook_lead_to_the_page() -> None:
    assert f"docs/{PAGE.name}" in (ROOT / "README.md").read_text()
    assert f"]({PAGE.name})" in (ROOT / "docs/runbook.md").read_text()
