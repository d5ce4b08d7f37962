"""``python -m verifier BUNDLE --key VKEY``: exit 0 if all is good, 1 if something failed, 2 for a wrong call."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from . import stamps, tlog
from .findings import Findings, RefusedError, require
from .limits import LARGEST_FILES, LARGEST_ROOTS
from .verify import LIMITS, Options, verify


def main(arguments: Sequence[str] | None = None) -> int:
    """Check one bundle and print what was found; returns the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        findings = verify(given.bundle, _options(given))
    except (OSError, RefusedError) as error:
        parser.error(str(error))
    sys.stdout.write(json.dumps(findings.to_json()) + "\n" if given.json else table(findings))
    return 0 if findings.ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="verifier", description="Check an evidence bundle, trusting nobody.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="VKEY",
        help="public key of the log, had from elsewhere than the bundle (NAME+ID+BASE64); may be given again",
    )
    parser.add_argument("--tsa-ca", type=Path, metavar="FILE", help="roots of the time-stamping authorities (PEM)")
    parser.add_argument("--witness", action="append", default=[], metavar="VKEY", help="public key of a witness")
    parser.add_argument(
        "--kept", action="append", default=[], type=Path, metavar="FILE", help="a checkpoint that you had before"
    )
    parser.add_argument("--seed", help="the seed that you asked for")
    parser.add_argument("--size", type=int, help="the size of the sample that you asked for")
    parser.add_argument("--tolerance", type=float, default=60.0, metavar="SECONDS", help="between clocks (60)")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    return parser


def _options(given: argparse.Namespace) -> Options:
    return options(given.key, given.tsa_ca, given.witness, given.tolerance, given.seed, given.size, given.kept)


def options(
    keys: Sequence[str],
    tsa_ca: Path | None,
    witnesses: Sequence[str],
    tolerance: float,
    seed: str | None,
    size: int | None,
    kept: Sequence[Path] = (),
) -> Options:
    """What the auditor brings, from how it is written. Raises OSError, and RefusedError for what cannot be read."""
    log_keys, witness_keys = [tlog.Key.parse(key) for key in keys], [tlog.Key.parse(key) for key in witnesses]
    if any(key.type != tlog.ED25519 for key in log_keys):
        raise RefusedError("--key wants the key of a log, not that of a witness")
    if any(key.type != tlog.COSIGNATURE for key in witness_keys):
        raise RefusedError("--witness wants the key of a witness, not that of a log")
    if seed is not None and not seed.encode(errors="replace").decode() == seed:
        raise RefusedError("--seed is not UTF-8")
    if not 0 <= tolerance <= 86400:
        raise RefusedError("--tolerance wants seconds, a day at most")
    roots = stamps.load_pem(_content(tsa_ca, LARGEST_ROOTS)) if tsa_ca else []
    heads = [kept_head(path) for path in kept]
    return Options(log_keys, roots, witness_keys, tolerance, seed, size, heads)


def kept_head(path: Path) -> tlog.Head:
    """The checkpoint that somebody kept in a file. Raises OSError, RefusedError."""
    return tlog.Head.parse(_content(path, LARGEST_FILES["checkpoint"]))


def _content(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(most + 1)
    require(len(content) <= most, f"{path} has more than {most} bytes")
    return content


def table(findings: Findings) -> str:
    """The findings as a table for people."""
    lines = [f"{name:<12}{value}" for name, value in _about(findings)]
    lines += ["", *(line for row in findings.rows.values() for line in _row(row.what, findings))]
    lines += ["", "What no bundle can show:", *(f"  {limit}" for limit in LIMITS)]
    failed = sum(row.failed for row in findings.rows.values())
    lines += ["", "GOOD: everything that was checked is right" if findings.ok else f"REFUSED: {failed} failure(s)"]
    return "\n".join(map(printable, lines)) + "\n"


def printable(text: str) -> str:
    """``text`` without what would move a terminal's cursor: names and reasons come out of the bundle."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _about(findings: Findings) -> list[tuple[str, str]]:
    facts = findings.facts
    if "origin" not in facts:
        return []
    period = facts["period"]
    rows = [
        ("bundle", f"SHA-256 of its manifest {facts['sha256']}"),
        ("log", str(facts["origin"])),
        ("period", f"{period['from']} to {period['to']}"),
        ("sample", f"{facts['size']} probes by seed {facts['seed']}"),
    ]
    if "checkpoint" in facts:
        rows.append(("checkpoint", f"{facts['checkpoint']['size']} events, root {facts['checkpoint']['root']}"))
    for probe in facts.get("probes", ()):
        between = f"sent after {probe.get('not_before') or '?'}, all seen by {probe.get('not_after') or '?'}"
        rows.append(("probe", f"{probe['probe']} {probe.get('channel')} {probe.get('outcome')}; proved: {between}"))
    return rows


def _row(what: str, findings: Findings) -> list[str]:
    row = findings.rows[what]
    count = f"{row.checked} checked" if row.checked else ""
    said = f" ({row.said})" if row.said else ""
    lines = [f"{row.state:<12}{what}: {count}{said}".rstrip(": ")]
    lines += [f"{'':<14}{failure}" for failure in row.failures]
    if row.failed > len(row.failures):
        lines.append(f"{'':<14}and {row.failed - len(row.failures)} more")
    return lines + [f"{'':<14}not checked: {why}" for why in row.unchecked]


if __name__ == "__main__":
    sys.exit(main())
