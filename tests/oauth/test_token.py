"""What is taken for an access token, for how long, and what is told of it."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.clock import Clock
from canary.oauth import Token, TokenError

CLOCK = Clock(lambda: 1_800_000_000.0, lambda: 1000.0)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FEW = settings(max_examples=40)


def jwt(claims: Any) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims)]
    return ".".join([*parts, "c2ln"])


@pytest.mark.parametrize(
    ("stated", "life"),
    [
        (3600, 3600), ("3600", 3600), (0, 0), (-5, 0), (None, 3600), ("soon", 3600), (1e30, 86400), ([], 3600),
        (float("nan"), 0), (float("inf"), 86400), (10**400, 3600),
    ],
)  # fmt: skip
def test_how_long_it_is_good_for(stated: Any, life: float) -> None:
    token = Token.of({"access_token": "abc", "token_type": "bearer", "expires_in": stated}, CLOCK)
    assert token.ends == 1000 + life
    assert token.got <= token.renew <= token.ends
    assert token.expires - CLOCK.now() == timedelta(seconds=life)


@pytest.mark.parametrize(
    "value", [None, "", 5, "a b", "a\r\nA1 LOGOUT", "a\x01b", "a\x00", "é", ["abc"], "=", "a" * 16_385]
)
def test_what_is_no_token_goes_into_no_login(value: Any) -> None:
    with pytest.raises(TokenError, match="gave no access token that can be used"):
        Token.of({"access_token": value}, CLOCK)


def test_another_type_of_token_is_refused() -> None:
    with pytest.raises(TokenError, match="of type pop, want Bearer"):
        Token.of({"access_token": "abc", "token_type": "pop"}, CLOCK)


def test_what_it_says_of_itself_is_told_and_it_is_not() -> None:
    value = jwt({"tid": "t1", "roles": ["IMAP.AccessAsApp"], "upn": "a\nb", "secret": "x"})
    token = Token.of({"access_token": value, "scope": "mail"}, CLOCK)
    assert token.told() == (
        "scopes mail, tenant t1, roles IMAP.AccessAsApp, account 'a\\nb', token until 2027-01-15T09:00:00Z"
    )
    assert value not in repr(token)


@FEW
@given(JSON)
def test_whatever_it_says_of_itself_is_no_trouble(claims: Any) -> None:
    told = Token.of({"access_token": jwt(claims)}, CLOCK).told()
    assert told.isprintable()


@FEW
@given(st.dictionaries(st.sampled_from(["access_token", "token_type", "expires_in", "scope"]), JSON))
def test_whatever_a_token_server_answers_is_a_token_or_an_error_of_ours(answer: dict[str, Any]) -> None:
    try:
        token = Token.of(answer, CLOCK)
    except TokenError:
        return
    assert token.value == answer["access_token"]
    assert token.told().isprintable()
