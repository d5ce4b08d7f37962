"""The page that tells the verdict: what was proved, within what time, for how many, what was not checked and why."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from audit.verifier.conftest import Healthy
from audit.verifier.office import asked, packed, refused, sealed

from canary.audit.verifier import commitment, deleted, meaning, verdict, verify
from canary.audit.verifier.__main__ import main
from canary.audit.verifier.findings import EXITS, GAPS, PROVED, REFUSED, Findings


def section(page: str, title: str) -> str:
    """What stands below a title."""
    [found] = re.findall(rf"^{re.escape(title)}\n(.*?)\n\n", page + "\n", re.S | re.M)
    return str(found)


def test_all_that_was_asked_is_proved(healthy: Healthy) -> None:
    found = verify.verify(healthy.path, healthy.options)
    assert found.verdict == PROVED
    page = verdict.page(found)
    assert "NO  " not in page
    assert "Not checked, and why" not in page
    assert "Refused, because" not in page
    answers = section(page, "What was proved")
    assert set(re.findall(r"^  (\S+(?: part)?) ", answers, re.M)) <= {"yes", "-"}
    assert "It is about the period and the sample that you asked for" in answers
    within = section(page, "Within what time")
    assert re.search(r"of 5 of 5 probes, each event was put into the log within \d+ min \d+ s at most", within)
    assert "8 probes are listed as scheduled in the period: 5 met, 3 missed" in section(page, "For how many")
    limits = " ".join(section(page, "What no such proof can show").split())
    assert "the CA holds the key of the log, the key of the marks and the mailboxes" in limits


def test_of_what_was_due_it_is_told_why_it_was_not_sent() -> None:
    """The totals of the log say how many were due, why some were held, and of how many nothing tells."""
    found = Findings()
    found.row(verify.BUNDLE).checked = 1
    found.facts["totals"] = {
        "due": 100, "turns": 90, "looks": 1, "held_paused": 4, "held_not_running": 2, "unaccounted": 3,
        "scheduled": 95, "sent": 94,
    }  # fmt: skip
    told = " ".join(section(verdict.page(found), "For how many").split())
    assert "100 were due by the intervals in force: 90 had their turn, 1 were looks, 6 were held" in told
    assert "(paused 4, not_running 2), 3 unaccounted for" in told
    assert "95 were scheduled, with confirmations and by hand; 94 sent" in told


BROUGHT = {
    "--tsa-ca": "there is no verified time-stamp",
    "--seed": "which seed was asked for was not given",
    "--size": "which size was asked for was not given",
    "--commitment": "no commitment was given (--commitment)",
    "--witness": "neither a checkpoint that was kept (--kept) nor a witness (--witness) was given",
}


@pytest.mark.parametrize("without", BROUGHT)
def test_what_the_auditor_did_not_bring_is_a_gap(
    healthy: Healthy, capsys: pytest.CaptureFixture[str], without: str
) -> None:
    brought = {
        "--tsa-ca": str(healthy.tsa.ca_file),
        "--seed": "7",
        "--size": "5",
        "--witness": healthy.witness,
        "--commitment": str(healthy.commitment),
    }
    del brought[without]
    given = [word for pair in brought.items() for word in pair]
    assert main([str(healthy.path), "--key", healthy.first_key, *asked(healthy.path), *given]) == 3
    told = capsys.readouterr().out
    assert told.startswith("PROVED WITH GAPS: ")
    assert BROUGHT[without] in " ".join(section(told, "Not checked, and why").split())
    assert "  in part  " in section(told, "What was proved")


def test_a_refusal_stands_first(healthy: Healthy) -> None:
    name = healthy.sent()
    found = healthy.check(sealed(healthy.files | {name: b"another"}))
    assert found.verdict == REFUSED
    page = verdict.page(found)
    assert page.startswith("REFUSED: 1 thing(s) are not as they must be, so nothing here is proved\n")
    assert "is another file than the one that the event names" in " ".join(section(page, "Refused, because").split())
    assert "  NO       What was sent is what was found\n" in section(page, "What was proved") + "\n"
    assert page.endswith("so nothing here is proved\n")


def test_of_what_is_no_bundle_nothing_is_said_to_be_proved(healthy: Healthy, tmp_path: Path) -> None:
    path = packed(tmp_path / "b.zip", {})
    page = verdict.page(verify.verify(path, healthy.options))
    assert page.startswith("REFUSED: ")
    assert "  yes  " not in page


@pytest.mark.parametrize(("earlier", "later"), [(60, 0), (-5, 0), (0, 60), (0, -5)])
def test_another_period_is_not_the_one_that_was_asked_for(healthy: Healthy, earlier: int, later: int) -> None:
    """A good day out of three, say: what is left out at either end is refused, and so is what nobody asked for."""
    assert healthy.options.period is not None
    since, until = healthy.options.period
    asked_for = (since - timedelta(seconds=earlier), until + timedelta(seconds=later))
    found = verify.verify(healthy.path, replace(healthy.options, period=asked_for))
    refused(found, verify.ASKED, "the period is .*, and .* was asked for: of the rest nothing is shown")


def test_every_verdict_has_an_exit_code_and_a_head() -> None:
    assert sorted(EXITS.values()) == [0, 1, 3]
    assert EXITS.keys() == {PROVED, GAPS, REFUSED}


def test_nothing_of_a_bundle_moves_the_cursor() -> None:
    found = Findings()
    found.failed("a\x1b[2Jquestion", "because\x07 of \u202e this")
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", verdict.page(found))


def test_every_question_of_the_page_is_one_that_is_asked(healthy: Healthy) -> None:
    """Each row is below one heading at most, and the names that the headings go by are rows of a whole check."""
    named = [name for names in verdict._ASKED.values() for name in names]
    assert len(set(named)) == len(named)
    rows = verify.verify(healthy.path, healthy.options).rows
    assert set(named) - rows.keys() <= {
        verify.KEPT,
        meaning.OPENED,
        deleted.FORGOTTEN,
        commitment.CHALLENGE,
    }
