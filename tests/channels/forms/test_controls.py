"""Labels as the configuration writes them and as a page has them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from canary.channels.forms.controls import words_pattern


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1).filter(str.strip))
def test_every_label_fits_itself_with_and_without_a_star(label: str) -> None:
    label = label.rstrip("….") + "a"
    for written in (label, f" {label} *", f"{label}:", f"{label} (Required)", label.replace(" ", " \n ")):
        assert words_pattern(label).search(written)
    assert not words_pattern(label).search(f"x{label}")
    assert not words_pattern(label).search(f"{label}x")
    assert words_pattern(f"{label}…").search(f"{label}x")
