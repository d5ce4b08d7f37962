"""Which words are new, and which stood there before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.channels.forms.news import says

WANTED = "Thank you, your report is filed"
STOOD = ("Report a certificate", "Thank you for helping us to keep the web safe.", "Thank you", "Send report")


def stood(*lines: str) -> str:
    return "\n".join(["", *(" ".join(line.split()).casefold() for line in lines), ""])


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (["Thank you, your report is filed."], WANTED),
        (["THANK YOU,", "your  report", "is filed as CPR-1"], WANTED),
        (["It is filed.", "Thank you for your report"], "thank you"),
        (["Well done. Thank you!"], "Thank you"),
        (["Thank you, Erika"], "Thank you"),
        (["Thank you for helping", "us"], "Thank you for"),
    ],
)
def test_new_words_confirm(lines: list[str], wanted: str) -> None:
    assert says(lines, stood(*STOOD), wanted)


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ([], "Thank you"),
        (["Your report was refused."], "Thank you"),
        (["Thank you for helping us to keep the web safe. The serial is missing."], "Thank you"),
        (["Thank you"], "Thank you"),
        (["Thank you for helping us to keep the web as it is."], "Thank you"),
        (["Thanks"], "Thank you"),
    ],
)
def test_words_as_they_stood_there_before_confirm_nothing(lines: list[str], wanted: str) -> None:
    assert not says(lines, stood(*STOOD), wanted)


LINES = st.lists(st.text("abc yz", min_size=1).filter(str.strip), max_size=6)


@given(LINES, st.text("abc", min_size=1, max_size=3))
def test_what_is_not_new_never_confirms(lines: list[str], wanted: str) -> None:
    assert not says(lines, stood(*lines), wanted)


@given(LINES, LINES, st.text("abc", min_size=1, max_size=3))
def test_who_says_it_has_the_words_and_more_of_before_never_helps(
    lines: list[str], before: list[str], wanted: str
) -> None:
    if says(lines, stood(*before), wanted):
        assert wanted in " ".join(" ".join(lines).split())
        assert says(lines, stood(), wanted)
