from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from canary.channels.forms.html import read_html


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
])  # fmt: skip


@given(st.lists(_PIECES | st.text(max_size=5)).map("".join))
def test_no_page_breaks_the_reader(html: str) -> None:
    page = read_html(html)
    assert all(isinstance(value, str) for form in page.forms for _, value in form.carried())
