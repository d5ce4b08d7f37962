"""How well replies are told apart, on mail that others have collected, and on our own.

The collections come as source packages from PyPI; nothing of them is kept.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from queues.replies import test_cases, test_siblings
from rich.console import Console
from rich.table import Table

from canary.mail.reading import read_mail
from canary.queues.replies.classify import ReplyKind, read_reply

FAILURE = (ReplyKind.BOUNCE, ReplyKind.REFUSED)
DELAY = (ReplyKind.DELAY,)
ANSWER = (ReplyKind.ANSWER,)
AUTOMATIC = (ReplyKind.ACKNOWLEDGEMENT, ReplyKind.UNSURE)

_BOUNCES = "flufl.bounce==6.0.0"
_TEMPORARY = {f"simple_{number}" for number in ("03", "21", "22", "28", "35", "40")} | {
    f"dsn_{number}" for number in ("05", "06", "07", "08", "17")
}
_NO_FAILURE = {"groupwise_03": ANSWER, "qmail_08": AUTOMATIC}
"""What the package's own tests expect to be no failure."""

_PEOPLE = ("talon==1.4.4", "mail-parser==4.8.0")
_BY_THEMSELVES = {"mail_malformed_2": FAILURE, "mail_test_15": AUTOMATIC, "mail_test_16": AUTOMATIC}
"""What among the mail of people says itself that it is none: a bounce, a no-reply sender, Precedence: junk."""

LEAST_FAILURES, MOST_ANSWERS_MISREAD = 0.99, 1 / 200


@dataclass(frozen=True, slots=True)
class Labelled:
    """A message, where it is from, and what it may be."""

    source: str
    name: str
    raw: bytes
    kinds: tuple[ReplyKind, ...]


def main() -> list[dict[str, Any]]:
    """Read everything, print a table and each misread; returns the rows. Raises AssertionError below what is wanted."""
    found = [(one, read_reply(read_mail(one.raw))) for one in _all()]
    wrong = [(one, reply) for one, reply in found if reply.kind not in one.kinds]
    rows = []
    for source in dict.fromkeys(one.source for one, _ in found):
        for kinds in dict.fromkeys(one.kinds for one, _ in found if one.source == source):
            of_it = [one for one, _ in found if (one.source, one.kinds) == (source, kinds)]
            misread = [one for one, _ in wrong if (one.source, one.kinds) == (source, kinds)]
            what = " or ".join(kinds)
            rows.append({"from": source, "what": what, "messages": len(of_it), "right": len(of_it) - len(misread)})
    table = Table("from", "what", "messages", "right", title="replies told apart")
    for row in rows:
        table.add_row(*map(str, row.values()))
    console = Console()
    console.print(table)
    for one, reply in wrong:
        console.print(f"{one.source} {one.name}: want {' or '.join(one.kinds)}, got {reply.kind}: {reply.detail[:80]}")
    _hold([(one, reply.kind) for one, reply in found])
    return rows


def _hold(found: list[tuple[Labelled, ReplyKind]]) -> None:
    """What is wanted of all collections together."""
    failures = [kind for one, kind in found if one.kinds == FAILURE]
    delays = [kind for one, kind in found if one.kinds == DELAY]
    people = [kind for one, kind in found if one.kinds == ANSWER]
    recognised = sum(kind in FAILURE for kind in failures) / len(failures)
    assert recognised >= LEAST_FAILURES, f"{recognised:.1%} of failures were recognised"
    assert not any(kind in FAILURE for kind in delays), "a delay was taken for a failure"
    assert ReplyKind.ANSWER not in failures, "a failure was taken for a human answer"
    misread = sum(kind is not ReplyKind.ANSWER for kind in people) / len(people)
    assert misread <= MOST_ANSWERS_MISREAD, f"{misread:.1%} of human answers were taken for something else"


def _all() -> Iterator[Labelled]:
    for path, raw in _files(_BOUNCES, "tests/data/*.txt"):
        usual = DELAY if path.stem in _TEMPORARY else FAILURE
        yield Labelled("flufl.bounce", path.stem, raw, _NO_FAILURE.get(path.stem, usual))
    for package in _PEOPLE:
        for path, raw in _files(package, "fixtures/*.eml", "standard_replies/*.eml", "tests/mails/*"):
            yield Labelled(package.partition("=")[0], path.name, raw, _BY_THEMSELVES.get(path.name, ANSWER))
    for case in sorted(test_cases.CASES.glob("*.eml")):
        kind = test_cases.EXPECTED[case.stem]
        yield Labelled("our own", case.stem, case.read_bytes(), FAILURE if kind in FAILURE else (kind,))
    for name, (messages, kinds) in test_siblings.KINDS.items():
        for number, raw in enumerate(messages):
            yield Labelled("our own", f"{name} {number}", raw, kinds)


def _files(package: str, *patterns: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The files of a source package that match any of the patterns."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as folder:
        source = ["--no-binary", ":all:", "--no-deps", "--dest", folder]
        subprocess.run([sys.executable, "-m", "pip", "--quiet", "download", *source, package], check=True)
        [archive] = Path(folder).iterdir()
        with tarfile.open(archive) as tar:
            for member in tar.getmembers():
                path = PurePosixPath(member.name)
                wanted = member.isfile() and any(map(path.match, patterns))
                content = tar.extractfile(member) if wanted else None
                if content is not None:
                    yield path, content.read()


if __name__ == "__main__":
    main()
