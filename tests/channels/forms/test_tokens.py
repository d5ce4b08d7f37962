"""HTML as tags and texts: as browsers have them, which is as the tokenizer of another library has them."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from itertools import groupby
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tinyhtml5.constants import Token
from tinyhtml5.tokenizer import HTMLTokenizer

from canary.channels.forms.tokens import End, Start, Text, tokens

_STATES = {"textarea": "rcdata", "title": "rcdata", "style": "rawtext", "iframe": "rawtext", "xmp": "rawtext"}
_PIECES = st.sampled_from([
    "<", ">", "/", "=", " ", "\n", "'", '"', "!", "?", "-", "--", "a", "A", "b", "é", "&amp;", "&#65;", "[", "]]>",
    "x=", "<a", "<b>", "</b>", "</", "<!", "<!--", "-->", "--!>", "<!-->", "<!doctype html>", "<![CDATA[",
    "<![foo bar]>", "<?x", "<textarea>", "</textarea>", "<title", "</TITLE >", "<style>", "</style", "<iframe>",
    "</iframe/>", "<a x='", '<a y="',
])  # fmt: skip


def one_text_each(found: Iterator[Text | Start | End]) -> list[Text | Start | End]:
    whole: list[Text | Start | End] = []
    for kind, group in groupby(found, type):
        items = list(group)
        whole += [Text("".join(item.content for item in items if isinstance(item, Text)))] if kind is Text else items
    return whole


def as_another_library_has_them(html: str) -> Iterator[Text | Start | End]:
    tokenizer = HTMLTokenizer(StringIO(html))
    token: dict[str, Any]
    for token in tokenizer:
        match token["type"]:
            case Token.CHARACTERS | Token.SPACE_CHARACTERS:
                yield Text(token["data"])
            case Token.START_TAG:
                yield Start(token["name"], dict(token["data"]))
                if state := _STATES.get(token["name"]):
                    tokenizer.state = getattr(tokenizer, f"{state}_state")
            case Token.END_TAG:
                yield End(token["name"])


@settings(max_examples=500)
@example("<![foo bar]>a")
@example("a</")
@example("<!--!><p>a--><!---!>-->b<!---->c<!----!>d")
@example("<!--a--!>b<!-->c<!--->d<!-- -- -->e")
@example("<a b=c/>d<a =e f==g h = i 'j' \"k>l")
@example("<textarea><b></textare></textarea ><title>&amp;</b></title>x")
@given(st.lists(_PIECES, max_size=30).map("".join))
def test_a_page_is_what_it_is_by_the_standard(html: str) -> None:
    assert one_text_each(tokens(html)) == one_text_each(as_another_library_has_them(html))


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("", []),
        ("a < b &lt; c", [Text("a < b < c")]),
        ("<P Class='a' class=b HIDDEN>", [Start("p", {"class": "a", "hidden": ""})]),
        ("</p x=y>", [End("p")]),
        ("<script>a<b>&amp;</SCRIPT>", [Start("script", {}), Text("a<b>&amp;"), End("script")]),
        ("a<!--b", [Text("a")]),
        ("a<b c", [Text("a")]),
        ("a<b c='d>", [Text("a")]),
        ("a<![CDATA[b", [Text("a")]),
        ("<style>a", [Start("style", {}), Text("a")]),
        ("a</", [Text("a</")]),
    ],
)
def test_what_has_no_end_goes_on_to_the_end_of_the_page(html: str, found: list[Text | Start | End]) -> None:
    assert list(tokens(html)) == found


@given(st.text() | st.lists(_PIECES | st.text(max_size=3)).map("".join))
def test_no_text_breaks_it(html: str) -> None:
    assert sum(len(token.content) for token in tokens(html) if isinstance(token, Text)) <= len(html)
