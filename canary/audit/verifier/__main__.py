"""``python -m verifier BUNDLE --key VKEY --from DAY --to DAY``: one page that says what a bundle proves.

Exits with 0 if it is proved, 1 if it is refused, 3 if it is proved with gaps, 2 for a wrong call.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from . import stamps, tlog
from .dkim import Keys
from .findings import EXITS, RefusedError, require
from .limits import LARGEST_COMMITMENT, LARGEST_FILES, LARGEST_OPENED, LARGEST_ROOTS
from .log import read_time
from .meaning import read_opened
from .verdict import page
from .verify import Options, verify

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check one bundle and print what was found; returns the exit code."""
    parser = _parser()
    given = vars(parser.parse_args(arguments))
    bundle, as_json = given.pop("bundle"), given.pop("json")
    try:
        findings = verify(bundle, options(**given))
    except (OSError, RefusedError) as error:
        parser.error(str(error))
    sys.stdout.write(json.dumps(findings.to_json()) + "\n" if as_json else page(findings))
    return EXITS[findings.verdict]


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
    parser.add_argument("--opened", type=Path, metavar="FILE", help="sealed addresses that the CA opened for you")
    parser.add_argument(
        "--dkim", type=Path, metavar="FILE", help="keys of mail providers: name and record, a line each"
    )
    parser.add_argument("--from", required=True, dest="since", metavar="DAY", help="the first day that you asked for")
    parser.add_argument("--to", required=True, dest="until", metavar="DAY", help="the last day, which is in it (UTC)")
    parser.add_argument("--seed", help="the seed that you asked for")
    parser.add_argument("--size", type=int, help="the size of the sample that you asked for")
    parser.add_argument("--within", type=float, metavar="SECONDS", help="refuse a time that is proved less closely "
                        "(twice the interval that time-stamps tell)")  # fmt: skip
    parser.add_argument(
        "--commitment", type=Path, metavar="FILE", help="what the CA bound itself to before it knew the seed"
    )
    parser.add_argument(
        "--seed-token", type=Path, metavar="FILE", help="a time-stamp over the commitment, whose SHA-256 is the seed"
    )
    parser.add_argument("--tolerance", type=float, default=60.0, metavar="SECONDS", help="between clocks (60)")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    return parser


def options(
    *,
    key: Sequence[str],
    since: str,
    until: str,
    tsa_ca: Path | None = None,
    witness: Sequence[str] = (),
    dkim: Path | None = None,
    kept: Sequence[Path] = (),
    opened: Path | None = None,
    seed: str | None = None,
    size: int | None = None,
    within: float | None = None,
    commitment: Path | None = None,
    seed_token: Path | None = None,
    tolerance: float = 60.0,
) -> Options:
    """What the auditor brings, from how it is written. Raises OSError, and RefusedError for what cannot be read."""
    log_keys, witness_keys = map(tlog.Key.parse, key), map(tlog.Key.parse, witness)
    require(seed is None or seed.encode(errors="replace").decode() == seed, "--seed is not UTF-8")
    require(0 <= tolerance <= 86400, "--tolerance wants seconds, a day at most")
    require(within is None or 0 <= within <= 366 * 86400, "--within wants seconds, a year at most")
    return Options(
        keys=[_of_type(key, tlog.ED25519, "--key wants the key of a log, not that of a witness") for key in log_keys],
        roots=stamps.load_pem(_content(tsa_ca, LARGEST_ROOTS)) if tsa_ca else [],
        witnesses=[
            _of_type(key, tlog.COSIGNATURE, "--witness wants the key of a witness, not that of a log")
            for key in witness_keys
        ],
        providers=_providers(dkim),
        tolerance=tolerance,
        within=within,
        period=period(since, until),
        seed=seed,
        size=size,
        commitment=_content(commitment, LARGEST_COMMITMENT) if commitment else None,
        seed_token=_content(seed_token, LARGEST_FILES["token"]) if seed_token else None,
        kept=[kept_head(path) for path in kept],
        opened=read_opened(_content(opened, LARGEST_OPENED).decode()) if opened else {},
    )


def _of_type(key: tlog.Key, kind: int, otherwise: str) -> tlog.Key:
    require(key.type == kind, otherwise)
    return key


def period(since: str, until: str) -> tuple[datetime, datetime]:
    """The time from the first day to the end of the last one, UTC; either may be a time as events have it instead.

    Raises RefusedError.
    """
    begin, end = _moment(since, timedelta(0)), _moment(until, timedelta(days=1))
    require(begin < end, f"there is nothing between {since} and {until}")
    return begin, end


def _moment(text: str, more: timedelta) -> datetime:
    if not _DAY.fullmatch(text):
        return read_time(text)
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) + more
    except (ValueError, OverflowError):
        raise RefusedError(f"not a day: {text}") from None


def _providers(path: Path | None) -> Keys:
    try:
        return Keys.parse(_content(path, LARGEST_ROOTS).decode()) if path else Keys()
    except ValueError as error:  # RefusedError is one
        raise RefusedError(f"{path}: {error}") from error


def kept_head(path: Path) -> tlog.Head:
    """The checkpoint that somebody kept in a file. Raises OSError, RefusedError."""
    return tlog.Head.parse(_content(path, LARGEST_FILES["checkpoint"]))


def _content(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(most + 1)
    require(len(content) <= most, f"{path} has more than {most} bytes")
    return content


if __name__ == "__main__":
    sys.exit(main())
