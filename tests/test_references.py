from __future__ import annotations

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.references import resolved

_PIECES = st.sampled_from(["&", "&#", "&#x", "&#0", "0", "65", "9" * 9, "9" * 5000, "0" * 5000, ";", "amp", "lt;", "a"])


@pytest.mark.parametrize(
    ("text", "is_read_as"),
    [
        ("a&amp;b &lt;&gt", "a&b <>"),
        ("&#65;&#x42;&#067", "ABC"),
        (f"&#{'0' * 5000}65;", "A"),
        (f"&#{'9' * 5000};", "\N{REPLACEMENT CHARACTER}"),
        (f"&#x{'9' * 5000};", "\N{REPLACEMENT CHARACTER}"),
        ("&#1114112;&#xd800;", "\N{REPLACEMENT CHARACTER}" * 2),
        ("&#;&#x;&;", "&#;&#x;&;"),
    ],
)
def test_references_are_resolved_whatever_their_number(text: str, is_read_as: str) -> None:
    assert resolved(text) == is_read_as


@given(st.lists(_PIECES | st.text(max_size=5)).map("".join))
def test_it_is_as_the_standard_library_reads_them_where_that_reads(text: str) -> None:
    found = resolved(text)
    try:
        wanted = unescape(text)
    except ValueError:
        return
    assert found == wanted
