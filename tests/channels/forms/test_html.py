from __future__ import annotations

import gc
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.budgets import FORM_PAGE, Budget
from canary.channels.forms.html import HtmlPage, read_html


def test_presets_are_carried_and_what_is_not_chosen_is_not() -> None:
    (form,) = read_html(
        """<form action=/go method=POST enctype=multipart/form-data id=f>
        <input type=hidden name=token value="a&amp;b"><input name=plain value=x><input type=checkbox name=no>
        <input type=checkbox name=yes checked><input type=radio name=r value=1><input type=radio name=r value=2 checked>
        <select name=first><option>One<option value=2>Two</select>
        <select name=chosen><option value=a>A</option><option selected>B &amp; C</option></select>
        <textarea name=t>
 text</textarea><input type=file name=file><input disabled name=off value=1><input type=reset name=reset value=r>
        <button name=go value=1>Go</button><button name=other value=2>Other</button></form>"""
    ).forms
    assert (form.id, form.action, form.method, form.multipart) == ("f", "/go", "post", True)
    assert form.carried() == [
        ("token", "a&b"), ("plain", "x"), ("yes", "on"), ("r", "2"), ("first", "One"), ("chosen", "B & C"),
        ("t", " text"), ("go", "1"),
    ]  # fmt: skip
    assert form.names == ["plain", "no", "yes", "r", "first", "chosen", "t", "file"]


def test_a_list_of_which_several_are_chosen_sends_each_and_none_by_itself() -> None:
    (form,) = read_html(
        """<form><select name=some multiple><option selected>A<option>B<option value=c selected>C</select>
        <select name=none multiple><option>A</select>
        <select name=last><option selected>A<option selected>B</select></form>"""
    ).forms
    assert form.carried() == [("some", "A"), ("some", "c"), ("last", "B")]


def test_what_a_disabled_fieldset_has_is_not_sent_but_for_its_legend() -> None:
    (form,) = read_html(
        """<form><fieldset disabled><legend>Also <input name=in-legend value=1></legend><input name=off value=2>
        <fieldset><legend><input name=nested value=3></legend></fieldset></fieldset>
        <fieldset><input name=on value=4></fieldset></form>"""
    ).forms
    assert form.carried() == [("in-legend", "1"), ("on", "4")]


def test_a_control_may_stand_anywhere_and_name_its_form() -> None:
    page = read_html(
        """<input form=b name=before value=1><form id=a><input name=own value=2>
        <input form=b name=inside value=3></form><form id=b></form><input form=c name=nowhere value=4>
        <button form=b name=go value=5>Go</button>"""
    )
    assert [form.carried() for form in page.forms] == [
        [("own", "2")], [("before", "1"), ("inside", "3"), ("go", "5")],
    ]  # fmt: skip
    assert {item.label for item in page.facts.fields} == {"before", "own", "inside", "nowhere"}


def test_words_of_errors_are_read_and_what_is_not_shown_is_not() -> None:
    page = read_html(
        """<title>T</title><style>.error{}</style><script>var x = "<p class=error>script</p>"</script><nav>Menu</nav>
        <main><div class="error" hidden>old</div><p class="field error">Wrong <b>serial</b></p>
        <div role=alert style="display: none">later</div><div role=alert></div><p>Please try again</p></main>"""
    )
    assert page.facts.errors == ("Wrong serial",)
    assert page.facts.text == "Wrong serial Please try again"
    assert page.text == "Menu Wrong serial Please try again"


def test_labels_buttons_captcha_and_login_are_seen() -> None:
    facts = read_html(
        """<form><label for=a>Name *</label><input id=a name=n><label>Mail <input name=m></label>
        <input name=p type=password placeholder=Password><div class="g-recaptcha" data-sitekey=x></div>
        <input type=submit value=Send></form>"""
    ).facts
    assert [item.label for item in facts.fields] == ["Name", "Mail", "Password"]
    assert [button.label for button in facts.buttons] == ["Send"]
    assert facts.captcha == "reCAPTCHA"
    assert facts.login


_PIECES = st.sampled_from([
    "<form>", "</form>", "<select name=a>", "</select>", "<option>", "<option value=1 selected>", "</option>",
    "<textarea>", "</textarea>", "<label for=x>", "</label>", "<button>", "</button>", "<input", "<p role=alert>",
    "</p>", "<main>", "</main>", "<input name=b type=radio>", "words", "&lt;", "<!--", "-->", "<![CDATA[", "<script>",
    "<![foo bar]>", "<![", "<!", "<?", "</", "<a ", "&#", "9" * 5000, "<b>", "</b>", "<div role=alert>", "</div>",
    "<fieldset disabled>", "<legend>", "<tr>", "<td>", "<p>", "<p hidden>", "<input form=x name=y>", "<form id=x>",
    "<select multiple>", "<title>", "<style>", "<a b='", "<label>", "<input type=password>", "<p class=error>",
])  # fmt: skip


_SHAPES = [
    "<b>x", "<div>x", "<button>x", "<b></i>", "<div role=alert>x", "<p class=error>x</p>", "<a ", "<a b", "<a b=",
    "<a b='", "<a\n", "<a/", "<!--", "<!-- --", "<![CDATA[", "<![", "<!", "<?", "</", "<", ">", "&", "&#", "&#1",
    "&amp", "&lt;", "<script>", "<script></scr", "<style", "<textarea>", "<textarea></text", "<title>",
    "<option selected>", "<select><option selected>x", "<select>", "<label>x", "<label for=x>", "<input name=a>",
    "<input form=x name=a>", "<form>", "<form id=x>", "<main>x</main>", "<main>x", "<p>x", "<p hidden>x", "<tr><td>x",
    "<fieldset disabled>x<legend>", "<img src=captcha>", "<table>", "x ", "\n", "\r", "-", "=", "'", "é", "\x00",
]  # fmt: skip


@given(st.lists(_PIECES | st.text(max_size=5)).map("".join))
def test_no_page_breaks_the_reader(html: str) -> None:
    page = read_html(html)
    assert all(isinstance(value, str) for form in page.forms for _, value in form.carried())
    assert page.beyond == ""


def cost(html: str) -> float:
    """CPU seconds to read a page and to say what is on it, without a budget; no garbage of others is collected."""
    gc.disable()
    began = time.process_time()
    page = read_html(html, Budget("a page"))
    page.facts.words(page.facts.errors)
    page.facts.hurdle()
    for form in page.forms:
        form.carried(), form.names
    spent = time.process_time() - began
    gc.enable()
    return spent


def linear(beginning: str, again: str) -> bool:
    """Whether a page of four times the length costs about four times as much, and not sixteen times.

    Once is enough to show it: the processor is not ours alone.
    """
    pages = [beginning + again * (length // len(again) + 1) for length in (8_000, 16_000, 32_000)]
    for _ in range(4):
        short, middle, long = map(cost, pages)
        if long < 9 * short + 0.1 and long < 4 * middle + 0.1:
            return True
    return False


@pytest.mark.parametrize("beginning", ["", "<form><select multiple>", "<main><label><button><p role=alert>"])
def test_a_page_costs_as_much_more_as_it_is_longer(beginning: str) -> None:
    assert [again for again in _SHAPES if not linear(beginning, again)] == []


@settings(max_examples=30)
@given(st.lists(_PIECES, max_size=2).map("".join), st.lists(_PIECES, min_size=1, max_size=3).map("".join))
def test_so_does_a_page_of_any_shape(beginning: str, again: str) -> None:
    assert linear(beginning, again)


def beyond(html: str, **changes: int) -> HtmlPage:
    page = read_html(html, Budget("a page", **changes, pieces="tags"))
    assert page.beyond
    return page


def test_a_page_is_read_as_far_as_its_budget_goes_and_what_it_is_beyond_is_told() -> None:
    page = beyond("<p>a</p><form id=f>", number=2)
    assert (page.text, page.forms, page.beyond) == ("a", [], "a page: more than 2 tags")
    page = beyond("<form id=f><b><b>a", depth=2)
    assert (page.text, [form.id for form in page.forms], page.beyond) == ("", ["f"], "a page: deeper than 2")
    page = beyond("<b>abc", decoded=5)
    assert (page.text, page.beyond) == ("ab", "a page: more than 5 bytes when decoded")
    page = beyond("<a b c d>e", number=3)
    assert (page.text, page.beyond) == ("", "a page: more than 3 tags")


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<b>x" * 75_000, "deeper than 2048"),
        ("<br>" * 75_000, "more than 60000 tags and attributes"),
        ("x" * (2 << 20), "more than 1048576 bytes when decoded"),
    ],
)
def test_a_form_s_page_has_a_budget(page: str, words: str) -> None:
    assert read_html(page).beyond == f"a form's page: {words}"


@pytest.mark.parametrize("piece", ["<p>x", "<li>x", "<tr><td>x<td>y", "<option>x", "<dt>x<dd>y"])
def test_ends_that_many_pages_leave_out_make_no_page_deep(piece: str) -> None:
    page = read_html(f"<main>{piece * 3000}</main><input name=n>")
    assert FORM_PAGE.depth == 2048
    assert page.beyond == ""
    assert [item.label for item in page.facts.fields] == ["n"]


def test_what_has_no_end_ends_with_the_page_or_with_what_it_is_in() -> None:
    page = read_html(
        """<form><label>Name <input name=n><label>Mail <input name=m></label><button name=b>Send<div role=alert>Wrong
        <select name=s><option value=1>A<option>B<b>C</b></select><textarea name=t>\r\nline\r\nnext"""
    )
    assert [item.label for item in page.facts.fields] == ["Name", "Mail", "s", "t"]
    assert [button.label for button in page.facts.buttons] == ["Send Wrong"]
    assert page.facts.errors == ("Wrong",)
    assert page.forms[0].carried() == [("n", ""), ("m", ""), ("s", "1"), ("t", "line\nnext"), ("b", "")]
