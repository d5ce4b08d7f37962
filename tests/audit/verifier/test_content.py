"""The verifier looks into any message that a bundle may hold: in bounded time, and without an error."""

from __future__ import annotations

import base64
import time

import pytest
from mail.hostile import KINDS

from canary.audit.verifier.content import words

TOKEN = "abcdefghijklmnopqrstuvwxyz234567abcdefgh"


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_token_is_found_after_whatever_comes_before_it_in_linear_time(kind: str) -> None:
    costs = []
    for size in (32 << 10, 128 << 10):
        raw = KINDS[kind](size) + f"\n{TOKEN}\n".encode()
        began = time.process_time()
        assert TOKEN in words(raw)
        costs.append(time.process_time() - began)
    assert costs[1] < 10 * max(costs[0], 0.02)


@pytest.mark.parametrize(
    "raw",
    [
        f"Subject: =?utf-8?b?{base64.b64encode(TOKEN.encode()).decode()}?=\n\nx".encode(),
        b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(TOKEN.encode()),
        f"Content-Type: text/html\n\n{TOKEN[:20]}<wbr>{TOKEN[20:]}".encode(),
        b"Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(TOKEN.encode("utf-16")),
        f"> {TOKEN[:20]}\n> {TOKEN[20:]}".encode(),
    ],
)
def test_an_encoded_token_is_found(raw: bytes) -> None:
    assert TOKEN in words(raw)
