"""A root hash in hexadecimal beside a mark in base32: whatever a mail system does, neither is taken for the other."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from canary.mark import Keyring, new_probe_id

KEYS = Keyring([b"k" * 32])
roots = st.binary(min_size=32, max_size=32).map(bytes.hex) | st.text("abcdef234567", min_size=64, max_size=64)
ROOT = re.compile(r"(?<![0-9a-z])[0-9a-f]{64}(?![0-9a-z])")


def wrapped(text: str, width: int, prefix: str) -> str:
    """Hard-wrapped in the middle of words, and quoted."""
    lines = [line[i : i + width] for line in text.split("\n") for i in range(0, max(len(line), 1), width)]
    return "\n".join(prefix + line for line in lines)


@given(roots)
def test_an_unbroken_root_is_no_mark(root: str) -> None:
    for text in (root, f"<{root}>", f"sha256:{root}.", f"({root})", f"<p>{root}</p>", f"= {root.upper()}\n"):
        assert KEYS.find(text) == []


@settings(max_examples=300)
@given(roots, st.integers(20, 90), st.sampled_from(["", "> ", "| "]))
def test_however_it_is_wrapped_the_genuine_mark_is_found_and_nothing_else_is_genuine(
    root: str, width: int, prefix: str
) -> None:
    mark = KEYS.make(new_probe_id(), datetime(2026, 3, 1, tzinfo=UTC))
    text = wrapped(f"Our ref {mark}\n\nSHA-256 of my notes: {root}\n\nRegards", width, prefix)
    found = KEYS.find(text)
    assert [item.text for item in found if item.genuine] == [mark]
    assert found[0].text == mark


@given(roots)
def test_a_mark_is_no_root(root: str) -> None:
    mark = KEYS.make(new_probe_id(), datetime(2026, 3, 1, tzinfo=UTC))
    assert ROOT.findall(f"ref {mark}, hash {root}") == [root]
