"""The tables that an auditor may change: the package's own are right, and wrong ones are refused with their lines."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from canary.audit.report.rules import controls, duties
from canary.config import ConfigError

PROFILES = ("tls", "smime", "codesigning")

OWN = """
tls:
  title: our rules
  rules:
    - {id: old, section: "4.9.5", from: 2020-01-01, read_in: x, what: y, limit: 24h, owed_to: [reporter]}
    - {id: new, section: "4.9.5", from: 2026-09-15, read_in: x, what: y, limit: 48h, owed_to: [reporter]}
"""


@pytest.mark.parametrize("profile", PROFILES)
def test_the_package_has_every_profile(profile: str) -> None:
    assert duties(profile).rules
    assert {measure for control in controls(profile) for measure in control.measures}


def test_code_signing_owes_no_preliminary_report() -> None:
    assert duties("tls").rules[0].owed_to == ("reporter", "subscriber")
    assert duties("codesigning").rules[0].owed_to == ()


def test_nothing_is_called_verified_that_was_not_read() -> None:
    references = [ref for profile in PROFILES for c in controls(profile) for ref in (c.webtrust, c.etsi)]
    assert all(not reference.verified for reference in references)
    assert all(str(ref) == "" for ref in references)
    assert str(references[0].model_copy(update={"verified": True})) == references[0].reference


@pytest.mark.parametrize(
    ("day", "rule"), [("2019-06-01", "old"), ("2026-09-14", "old"), ("2026-09-15", "new"), ("2030-01-01", "new")]
)
def test_the_rule_of_the_day_counts(tmp_path: Path, day: str, rule: str) -> None:
    file = tmp_path / "deadlines.yaml"
    file.write_text(OWN)
    assert duties("tls", file).at(date.fromisoformat(day)).id == rule


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (OWN.replace("limit: 24h", "limit: 24"), 5, "limit"),
        (OWN.replace("read_in: x, what: y, limit: 48h", "what: y, limit: 48h"), 6, "missing"),
        (OWN.replace("owed_to: [reporter]}\n", "owed_to: [nobody]}\n", 1), 5, "nobody"),
        (OWN.replace("  title", "  titel"), 3, "titel"),
        ("tls: [", 1, ""),
        (OWN.replace("tls:", "smime:"), 1, "tls"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    file = tmp_path / "deadlines.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as refused:
        duties("tls", file)
    assert any(mistake.line == line and words in str(mistake) for mistake in refused.value.mistakes), refused.value


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="want a file that can be read"):
        controls("tls", tmp_path / "none.yaml")
