"""What stands in an answer: found by a path, cut as it says, whatever the answer is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.queues.rest.answers import UnlikeDescriptionError, at, items, word

ANSWER = {"url": "https://git.test/repos/we/cpr/issues/4", "name": "%%new%%closed successful%%", "n": [{"id": 7}]}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("url>/repos/", "we/cpr/issues/4"),
        ("url>/issues/", "4"),
        ("url>/tickets/", ""),
        ("name>%%<%%", "new"),
        ("name>%%>%%<%%", "closed successful"),
        ("name<zz", "%%new%%closed successful%%"),
        ("n.0.id", "7"),
        ("n.0.id>7", ""),
        ("n.1.id", ""),
    ],
)
def test_a_text_is_cut_as_a_path_says(path: str, found: str) -> None:
    assert word(ANSWER, path) == found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(["url", "0", "id"]), below, max_size=3),
    max_leaves=10,
)


@given(JSON, st.sampled_from(["url", "url.0.id", "url>a", "0.url<b>c", "id.id"]))
def test_no_answer_is_too_strange(answer: Any, path: str) -> None:
    assert isinstance(word(answer, path), str)
    found = at(answer, path)
    if isinstance(found, list):
        assert items(answer, path) == found
    else:
        with pytest.raises(UnlikeDescriptionError):
            items(answer, path)
