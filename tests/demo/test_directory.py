"""Who gets what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.demo.directory import ACCOUNTS, ALIAS, MEMBERS, by_slug, find, is_address, printable, recipients


def test_alias_reaches_its_members_and_an_address_its_owner() -> None:
    assert recipients(ALIAS) == MEMBERS
    assert recipients(ALIAS.upper()) == MEMBERS
    assert recipients("robin.hayes+abc@researcher.test") == (by_slug("researcher"),)
    assert recipients("nobody@demo-ca.test") == ()
    assert find("robin.hayes@demo-ca.test") is None


def test_every_account_files_into_a_folder_that_exists() -> None:
    for account in ACCOUNTS:
        slug, folder = account.files_into
        assert folder in by_slug(slug).folders


@given(st.text(st.characters(exclude_characters="@"), max_size=40))
def test_a_tag_never_changes_the_owner(tag: str) -> None:
    assert find(f"jo.summers+{tag}@freemail.test") is by_slug("freemail")


@pytest.mark.parametrize(
    "text", ["", "a", "a@", "@b", "a b@c", "a@b@c", "a\n@b", "<a@b>", "a@b\r\n", "a\u2028@b", "\udc80@b"]
)
def test_what_could_break_a_header_is_no_address(text: str) -> None:
    assert not is_address(text)


@given(st.text(max_size=300))
def test_printable_is_short_ascii_on_one_line(text: str) -> None:
    shown = printable(text)
    assert len(shown) <= 200
    assert shown.isascii()
    assert shown == "" or shown.isprintable()
