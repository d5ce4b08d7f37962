"""The pinned versions held against the databases of known vulnerabilities: ``make audit-deps``, by pip-audit.

That asks PyPI, whose mirrors may not answer, and says "no known vulnerabilities" of what it could not ask. So a version
with a well-known one is asked for too: only if that is told, silence about the others means anything.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
KNOWN = ("idna", "3.6")
"""CVE-2024-3651, mended in 3.7."""

GOOD, VULNERABLE, UNKNOWN = 0, 1, 3


def verdict(pinned: dict[str, Any], known: dict[str, Any]) -> tuple[int, list[str]]:
    """Exit code and sentences, from pip-audit's JSON of the pinned versions and of :data:`KNOWN`."""
    if not any(item.get("vulns") for item in known["dependencies"]):
        return UNKNOWN, [
            f"NOT AUDITED: nothing is told even of {' '.join(KNOWN)}, a vulnerable one; the data cannot be had here. "
            "Ask where PyPI can be reached."
        ]
    asked = pinned["dependencies"]
    lines = [
        f"{item['name']} {item['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'no version'}"
        for item in asked
        for found in item.get("vulns", ())
    ]
    left_out = [item["name"] for item in asked if "skip_reason" in item]
    lines += [f"not audited: {', '.join(left_out)}"] if left_out else []
    if any(item.get("vulns") for item in asked):
        return VULNERABLE, lines
    if left_out or not asked:
        return UNKNOWN, lines or ["nothing was audited"]
    return GOOD, [f"{len(asked)} versions, none with a known vulnerability"]


def audited(pip_audit: str, requirements: str) -> dict[str, Any]:
    """What pip-audit says of some versions, one a line. Raises RuntimeError if it says nothing."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(requirements)
        file.flush()
        command = [pip_audit, "--requirement", file.name, "--no-deps", "--disable-pip", "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise RuntimeError(f"pip-audit said nothing: {done.stderr[-500:]}") from None
    return found


def main() -> int:
    """Ask, tell, and give the exit code."""
    (pip_audit,) = sys.argv[1:]
    try:
        known = audited(pip_audit, f"{'=='.join(KNOWN)}\n")
        told = any(item.get("vulns") for item in known["dependencies"])
        pinned = audited(pip_audit, CONSTRAINTS.read_text(encoding="ascii")) if told else known
        code, lines = verdict(pinned, known)
    except RuntimeError as error:
        code, lines = UNKNOWN, [f"NOT AUDITED: {error}"]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
