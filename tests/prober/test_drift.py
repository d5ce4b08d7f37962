"""What changed on the page of a channel: told once, by words that name it, whatever a kind says of itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from immutables import Map

from canary.ledger import ChannelTotals, State, Totals, form_digest
from canary.ledger.state import dump, restore
from canary.prober.drift import drift, news, seen_by

FORM = {
    "field 'Serial'": "text, required",
    "field 'Text'": "textarea",
    "goes to": "POST https://ca.example/",
    "key": "aa",
}
SHAPES = st.dictionaries(
    st.sampled_from([f"field {n}" for n in "abcd"]), st.sampled_from(["text", "select"]), min_size=1
)


def state(*forms: dict[str, str]) -> State:
    known = tuple(form_digest(form) for form in forms)
    return State(totals=Totals(channels=Map({"form": ChannelTotals("web_form", "cpr", form=forms[-1], forms=known)})))


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (FORM | {"field 'Relation'": "text, required"}, "field 'Relation' is new (text, required)"),
        ({name: text for name, text in FORM.items() if "Serial" not in name}, "field 'Serial' is gone"),
        (FORM | {"field 'Serial'": "text"}, "field 'Serial': got 'text', was 'text, required'"),
        (FORM | {"goes to": "POST https://x.example/"}, "goes to: got 'POST https://x.example/'"),
        (FORM | {"key": "bb"}, "key: got 'bb', was 'aa'"),
    ],
)
def test_each_change_is_named(now: dict[str, str], words: str) -> None:
    form, (change,) = news("form", state(FORM), now)
    assert form == now
    assert change[1] == "form_changed"
    assert change[2].startswith(f"the form of channel form has changed: {words}")


def test_nothing_is_told_of_the_first_look_of_the_same_and_of_what_could_not_be_asked() -> None:
    assert news("form", State(), FORM) == (FORM, ())
    assert news("form", state(FORM), dict(FORM)) == (None, ())
    assert news("form", state(FORM), {}) == (None, ())
    assert news("form", state(FORM), {name: text for name, text in FORM.items() if name != "key"}) == (None, ())


def test_what_goes_back_and_forth_is_told_once() -> None:
    other = FORM | {"key": "bb"}
    assert news("form", state(FORM, other), FORM) == (FORM, ())
    assert news("form", state(other), FORM)[1] != ()


@given(SHAPES, SHAPES)
def test_any_two_looks_differ_in_words_or_are_one(before: dict[str, str], now: dict[str, str]) -> None:
    assert bool(drift(before, now)) == (before != now)
    assert len(drift({f"field {n}": "text" for n in range(500)}, now)) < 400


@pytest.mark.parametrize("seen", [None, 5, {"a": 1}, {1: "a"}, {"a": "x" * 99_999}, ["ab"], "text"])
def test_a_kind_that_says_nonsense_is_not_believed(seen: Any) -> None:
    assert all(isinstance(part, str) for item in seen_by(type("Kind", (), {"seen": seen})()).items() for part in item)
    assert seen_by(object()) == {}


def test_it_outlives_a_restart() -> None:
    known = state(FORM, FORM | {"key": "bb"})
    restored = restore(lambda *_: None, dump(known), 7)
    assert restored.totals.channels["form"].form == known.totals.channels["form"].form
    assert restored.totals.channels["form"].forms == known.totals.channels["form"].forms
