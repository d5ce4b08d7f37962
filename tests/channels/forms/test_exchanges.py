"""What an answer of JSON says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.channels.forms.exchanges import says_no


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": False},
        {"success": False, "data": None},
        {"success": "false"},
        {"Success": 0},
        {"data": {"success": False}},
        {"status": "error", "message": "no"},
        {"status": "validation_failed", "invalid_fields": []},
        {"status": "FAILED"},
        {"errors": {"serial": ["is missing"]}},
        {"error": "the serial is missing"},
        {"isValid": False},
    ],
)
def test_an_answer_that_says_no(answer: object) -> None:
    assert says_no(json.dumps(answer))


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": True}, {"success": True, "errors": []}, {"error": None}, {"errors": {}}, {"status": "mail_sent"},
        {"status": 200}, {"error": False}, {"data": {"id": 7}}, [], "no", None, 0, False, {"message": "error"},
    ],
)  # fmt: skip
def test_an_answer_that_does_not(answer: object) -> None:
    assert not says_no(json.dumps(answer))


@given(st.text())
def test_anything_else_says_nothing_and_breaks_nothing(text: str) -> None:
    assert isinstance(says_no(text), bool)
    assert not says_no("[" * 50_000)
