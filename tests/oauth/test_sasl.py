"""How a token is shown, and what a mail server says is wrong with it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.oauth import MECHANISMS, problem

BEARER, XOAUTH2 = MECHANISMS


def test_the_standard_mechanism_quotes_the_name() -> None:
    """RFC 7628 section 3.1, RFC 5801 section 4."""
    shown = BEARER.response("a=b,c@ca.test", "vF9dft4qmT")
    assert shown == "n,a=a=3Db=2Cc@ca.test,\x01auth=Bearer vF9dft4qmT\x01\x01"
    assert BEARER.answer == "\x01"


def test_the_older_one_as_googles_example_has_it() -> None:
    shown = XOAUTH2.response("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
    assert shown == "user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01"
    assert XOAUTH2.answer == ""


@pytest.mark.parametrize(
    ("challenge", "told"),
    [
        ({"status": "401", "schemes": "bearer", "scope": "https://mail.google.com/"},
         "status 401, scope https://mail.google.com/, schemes bearer"),
        ({"status": "invalid_token", "openid-configuration": "https://x"}, "status invalid_token"),
        ({"error": "x"}, "error x"),
        ({}, "an error without a status"),
    ],
)  # fmt: skip
def test_the_problem_is_told_by_status_and_scope(challenge: dict[str, str], told: str) -> None:
    assert problem(json.dumps(challenge).encode()) == told


@given(st.binary(max_size=10_000))
def test_whatever_is_said_is_short_and_on_one_line(challenge: bytes) -> None:
    told = problem(challenge)
    assert len(told) <= 200
    assert not told or told.isprintable()


def test_what_is_nested_without_end_is_no_trouble() -> None:
    assert problem(b"[" * 4096).startswith("[[[")
