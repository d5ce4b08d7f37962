"""The quick way says what the library says, byte for byte."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from canary.ledger.canonical import canonical

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = (
    st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(-1e4, 1e4).map(lambda x: round(x, 6))
)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@given(values)
@example({"a": 900.0, "b": -0.0, "c": 1e16, "d": 1e-7, "e": 0.00012, "f": 123456789.123})
@example({"é": 1, "\U0001f600": 2, "\ufb33": 3, '"\\\n\x7f\x1f': "\u2028"})
@example([1e21, 9007199254740991, 9007199254740993.0, 5e-324])
def test_it_is_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_half_a_surrogate_pair_is_written_as_a_question_mark() -> None:
    assert canonical({"reason": "a\ud800b", "n": 1.0, "é": ["\udfff"]}) == '{"n":1,"reason":"a?b","é":["?"]}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, object(), {1: "a"}])
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical({"value": value})
