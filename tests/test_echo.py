"""A server that repeats what it was sent does not get it written down, however it writes it."""

from __future__ import annotations

import base64
import html
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.echo import HIDDEN, Echo

PASSWORDS = ["swordfish", 'quo"ted and \\struck\\', "Grüße, Łódź, 密码", "it's 100% <b>&", " spaces ", "abc"]
ANY = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


WAYS = {
    "plain": lambda p: p,
    "in capitals": lambda p: p.upper() if p.isascii() else p,
    "quoted": lambda p: 'LOGIN "desk" "' + p.replace("\\", "\\\\").replace('"', '\\"') + '"',
    "as Python shows it": lambda p: repr(p.encode()),
    "quoted, as Python shows it": lambda p: repr(('"' + p.replace("\\", "\\\\").replace('"', '\\"') + '"').encode()),
    "read as Latin-1": lambda p: p.encode().decode("latin-1"),
    "literal": lambda p: f"LOGIN {{4}}\r\ndesk {{{len(p.encode())}}}\r\n{p}",
    "percent": lambda p: quote(p, safe=""),
    "percent and plus": quote_plus,
    "hexadecimal": lambda p: p.encode().hex(),
    "HTML": html.escape,
    "SASL LOGIN": b64,
    "SASL PLAIN": lambda p: b64(f"\0desk\0{p}"),
    "SASL PLAIN with an identity": lambda p: b64(f"somebody\0desk\0{p}"),
    "SASL XOAUTH2": lambda p: b64(f"user=desk\1auth=Bearer {p}\1\1"),
    "SASL for the web": lambda p: base64.urlsafe_b64encode(f"\0desk\0{p}".encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("password", [password for password in PASSWORDS if len(password) > 3])
def test_a_secret_is_taken_out_however_it_is_written(way: str, password: str) -> None:
    written = WAYS[way](password)
    said = Echo(password).removed(f"535 5.7.8 what is {written}? I do not know it")
    assert HIDDEN in said
    assert said.startswith("535 5.7.8 what is ")
    assert said.endswith("? I do not know it")
    for form in (password, quote(password, safe=""), written):
        assert form not in said
    assert not Echo(password).suspected(said)


@pytest.mark.parametrize("password", PASSWORDS)
def test_what_was_said_is_taken_out_as_it_was_said(password: str) -> None:
    said = b64(f"\0a\0{password}")
    text = Echo(password).also(said).removed(f"what is {said}?")
    assert said not in text
    assert HIDDEN in text


@given(ANY, st.text(max_size=30), st.text(max_size=30), st.sampled_from(list(WAYS)))
def test_nothing_of_a_secret_is_left_whatever_stands_around_it(
    password: str, before: str, after: str, way: str
) -> None:
    echo = Echo(password)
    said = echo.removed(f"{before} {WAYS['plain'](password)} {after}")
    assert all(password not in piece for piece in said.split(HIDDEN))
    echo.suspected(WAYS[way](password))


@pytest.mark.parametrize("text", ["Authentication failed.", "[AUTHENTICATIONFAILED] no", "5.7.8 Bad credentials", ""])
def test_other_words_are_left_alone(text: str) -> None:
    assert Echo("swordfish").removed(text) == text
    assert not Echo("swordfish").suspected(text)


@pytest.mark.parametrize("text", ["your SWORD is blunt", "sword-\nfish", "c3dvcmRm", "736f7264 or 73776f72", "=fish"])
def test_a_few_characters_in_a_row_are_enough_for_doubt(text: str) -> None:
    assert Echo("swordfish").suspected(text)


def test_without_a_secret_nothing_is_hidden() -> None:
    assert Echo().removed("a text") == Echo("").removed("a text") == "a text"
    assert not Echo("").suspected("a text")


def test_secrets_are_not_shown() -> None:
    assert "swordfish" not in repr(Echo("swordfish"))
