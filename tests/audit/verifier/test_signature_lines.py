"""The lines below a checkpoint: each is by a key that is known, once, and right, wherever the checkpoint stands."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from audit.verifier.conftest import Healthy
from audit.verifier.office import Files, refused, sealed

from canary.audit.verifier import log, times


def flipped(line: str) -> str:
    """The same line with another signature."""
    dash, name, encoded = line.split(" ")
    raw = bytearray(base64.b64decode(encoded))
    raw[-1] ^= 1
    return f"{dash} {name} {base64.b64encode(raw).decode()}"


def renumbered(line: str) -> str:
    """The same line by a key that nobody knows."""
    dash, name, encoded = line.split(" ")
    raw = bytearray(base64.b64decode(encoded))
    raw[0] ^= 1
    return f"{dash} {name} {base64.b64encode(raw).decode()}"


def changed(files: Files, name: str, change: Callable[[list[str]], list[str]]) -> Files:
    text, _, lines = files[name].decode().rpartition("\n\n")
    return files | {name: "\n".join([text, "", *change(lines[:-1].split("\n")), ""]).encode()}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: [*lines, flipped(lines[0])], "has two signatures by"),
        (lambda lines: [*lines, lines[0]], "has two signatures by"),
        (lambda lines: [flipped(lines[0]), *lines[1:]], "is not genuine"),
        (lambda lines: [*lines, renumbered(lines[0])], "has a signature by a key that is none of this log's"),
    ],
)
def test_a_line_too_many_below_an_older_checkpoint(
    healthy: Healthy, change: Callable[[list[str]], list[str]], reason: str
) -> None:
    """Of one that no time-stamp is over: nothing else would give it away."""
    stamped = {name.removeprefix("timestamps/").partition("-")[0] for name in healthy.files if name.endswith(".tsr")}
    heads = [name for name in healthy.files if name.startswith("checkpoints/")]
    name = next((name for name in heads if name.removeprefix("checkpoints/") not in stamped), heads[0])
    refused(healthy.check(sealed(changed(healthy.files, name, change))), log_row(reason), reason)


def log_row(reason: str) -> str:
    return log.CONSISTENCY if reason.startswith("has two") else log.HEADS


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: [flipped(line) if "witness" not in line else line for line in lines], "another signature of"),
        (lambda lines: [renumbered(line) if "witness" not in line else line for line in lines], "another signature of"),
        (lambda lines: [line for line in lines if "witness" in line], "another signature of"),
    ],
)
def test_the_log_s_own_line_beside_a_cosignature(
    healthy: Healthy, change: Callable[[list[str]], list[str]], reason: str
) -> None:
    assert "witness" in healthy.witness.partition("+")[0]
    [name] = [name for name in healthy.files if name.startswith("cosignatures/")]
    refused(healthy.check(sealed(changed(healthy.files, name, change))), times.WITNESSED, reason)
