"""The pinned versions: all of them, each once, as pyproject.toml wants them; and what an audit of them says."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from audit_dependencies import CONSTRAINTS, GOOD, KNOWN, UNKNOWN, VULNERABLE, verdict
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LINE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([0-9][A-Za-z0-9.+!-]*)")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OURS = "cpr-canary"


def pinned() -> dict[str, Version]:
    lines = CONSTRAINTS.read_text(encoding="ascii").splitlines()
    found = [LINE.fullmatch(line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found, strict=True) if not match]
    names = {canonicalize_name(match[1]): Version(match[2]) for match in found if match}
    assert len(names) == len(lines)  # each once
    return names


def wanted() -> list[Requirement]:
    """What we ask for ourselves, with every extra."""
    extras = PROJECT["optional-dependencies"].values()
    every = map(Requirement, [*PROJECT["dependencies"], *(line for extra in extras for line in extra)])
    return [requirement for requirement in every if requirement.name != OURS]


def test_what_we_ask_for_is_pinned_as_we_want_it() -> None:
    versions = pinned()
    for requirement in wanted():
        version = versions[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), requirement


def test_what_that_asks_for_is_pinned_too() -> None:
    """As far as it is for this machine: no version comes from nowhere, so none escapes an audit."""
    versions, left, seen = pinned(), [(item.name, frozenset(item.extras)) for item in wanted()], set()
    while left:
        name, extras = left.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        assert canonicalize_name(name) in versions, name
        for line in metadata.requires(name) or ():
            requirement = Requirement(line)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras}):
                left.append((requirement.name, frozenset(requirement.extras)))


def report(*dependencies: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": list(dependencies), "fixes": []}


BAD = {"name": KNOWN[0], "version": KNOWN[1], "vulns": [{"id": "PYSEC-2024-60", "fix_versions": ["3.7"]}]}
WELL = {"name": "anyio", "version": "4.16.0", "vulns": []}
SKIPPED = {"name": "anyio", "skip_reason": "Dependency not found on PyPI and could not be audited: anyio (4.16.0)"}


@pytest.mark.parametrize(
    ("found", "known", "code", "said"),
    [
        (report(WELL), report(BAD), GOOD, "1 versions, none with a known vulnerability"),
        (report(WELL, BAD), report(BAD), VULNERABLE, "idna 3.6: PYSEC-2024-60, mended in 3.7"),
        (report(WELL, SKIPPED), report(BAD), UNKNOWN, "not audited: anyio"),
        (report(), report(BAD), UNKNOWN, "nothing was audited"),
        (report(WELL), report(SKIPPED), UNKNOWN, "NOT AUDITED"),
        (report(WELL), report({"name": KNOWN[0], "version": KNOWN[1], "vulns": []}), UNKNOWN, "NOT AUDITED"),
    ],
)
def test_silence_is_good_only_where_something_is_told(
    found: dict[str, Any], known: dict[str, Any], code: int, said: str
) -> None:
    got, lines = verdict(found, known)
    assert got == code
    assert said in "\n".join(lines)
