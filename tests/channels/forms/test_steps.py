from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from servers.form_examples import MARK, SENDER, report, web_form

from canary.channels.forms.steps import Confirm, Step, filled, placeholders, values
from canary.model import Person


@pytest.mark.parametrize(
    ("step", "title", "label"),
    [
        ({"fill": {"label": "Name", "with": "{name}"}}, "fill Name", "Name"),
        ({"choose": {"label": "Topic", "option": "Report"}}, "choose Topic", "Topic"),
        ({"check": "I agree"}, "check I agree", "I agree"),
        ({"upload": {"label": "Evidence"}}, "upload Evidence", "Evidence"),
        ({"click": "Send"}, "click Send", None),
        ({"click": {"role": "link", "name": "Report"}}, "click Report", None),
        ({"wait_for": "Step 2"}, "wait_for Step 2", None),
        ({"next_page": "Continue"}, "next_page Continue", None),
        ({"pause": "90s"}, "pause 90 s", None),
        ({"click": "Accept all", "optional": True}, "click Accept all", None),
    ],
)
def test_a_step_is_one_key(step: dict[str, Any], title: str, label: str | None) -> None:
    made = Step.model_validate(step)
    assert (made.title, made.label) == (title, label)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({}, "one of fill, choose, check, upload, click, wait_for, next_page, pause; got none"),
        ({"check": "a", "click": "b"}, "got check, click"),
        ({"optional": True}, "got none"),
        ({"check": None}, "got check"),
        ({"type": "x"}, "Extra inputs are not permitted"),
        ({"fill": {"label": "Name"}}, "Field required"),
        (
            {"fill": {"label": "Name", "with": "{nome}"}},
            "no placeholder {nome}; wanted one of {subject}, {text}",
        ),
        ({"fill": {"label": "Name", "with": "{name.x}"}}, "no placeholder {name.x}"),
        ({"fill": {"label": "Name", "with": "{name!r}"}}, "no placeholder {name}"),
        ({"fill": {"label": "Name", "with": "a } b"}}, "Single '}' encountered"),
        ({"upload": {"label": "E", "file": "/etc/passwd"}}, "Input should be 'attachments' or 'first_attachment'"),
        ({"click": {"role": "image", "name": "x"}}, "Input should be 'button', 'link'"),
    ],
)
def test_a_wrong_step_is_refused_in_plain_words(step: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Step.model_validate(step)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": [{"click": "Send"}]}, "could not be recognised when it arrives"),
        ({"steps": [{"fill": {"label": "T", "with": "{text}"}}]}, "no step clicks"),
        ({"steps": [{"fill": {"label": "T", "with": "{text}"}}, {"next_page": "Go"}]}, "no step clicks"),
        ({"serial": None}, "{serial} is used and the channel has no serial"),
        ({"steps": []}, "at least 1 item"),
        (
            {"steps": [{"fill": {"label": "T", "with": "{text}"}}, {"click": "Send", "optional": True}]},
            "no step clicks",
        ),
        (
            {"steps": [{"fill": {"label": "T", "with": "{text}"}, "optional": True}, {"click": "Send"}]},
            "could not be recognised when it arrives",
        ),
        ({"url": "https://user:secret@ca.example/"}, "a user name or password in it"),
        ({"confirm": {"text": "ok"}}, "at least 3 characters"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        web_form("https://ca.example", "report", **changes)
    assert words in str(refused.value)
    assert "secret" not in str(refused.value)


def test_targets_and_the_submitting_step() -> None:
    made = web_form("https://CA.example:8443", "wizard", posts_to=["forms.ca.example"])
    assert made.targets() == ("ca.example", "forms.ca.example")
    assert made.steps[made.submitting].title == "click Send report"


def test_pauses_have_their_time_and_an_optional_click_does_not_submit() -> None:
    steps = [{"fill": {"label": "T", "with": "{text}"}}, {"click": "Send"}]
    plain = web_form("https://ca.example", "report", steps=steps)
    paused = web_form("https://ca.example", "report", steps=[*steps, {"pause": "90s"}])
    assert paused.longest() == plain.longest() + 90 + plain.patience
    closing = web_form("https://ca.example", "report", steps=[*steps, {"click": "Close", "optional": True}])
    assert closing.submitting == 1


def test_what_the_placeholders_stand_for() -> None:
    known = values(report(), "0a", SENDER)
    assert (known["first_name"], known["last_name"], known["serial"]) == ("Erika Anna", "Beispiel", "0a")
    assert filled("{name} <{email}> {{{mark}}}", known) == f"Erika Anna Beispiel <erika@reporter.example> {{{MARK}}}"
    assert known["marked_email"] == f"erika+{MARK}@reporter.example"
    single = values(report(person=Person("Erika", "e@r.example"), serial="ff"), "0a", SENDER)
    assert (single["first_name"], single["last_name"], single["serial"]) == ("Erika", "Erika", "ff")


@given(st.text())
def test_a_template_is_either_refused_or_only_has_known_placeholders(template: str) -> None:
    try:
        found = placeholders(template)
    except ValueError:
        return
    known = {name: f"<{name}>" for name in found}
    assert all(f"<{name}>" in filled(template, known) for name in found)


@given(st.text())
def test_values_are_never_taken_for_templates(hostile: str) -> None:
    assert filled("{text}", {"text": hostile}) == hostile


def test_the_reference_number_is_one_group_of_the_page() -> None:
    confirm = Confirm(text="Thank you", reference=r"number is:? (\S+)\.")
    assert confirm.seen_in("THANK\n  you!")
    assert not confirm.seen_in("Thanks")
    assert confirm.reference_in("Your number\nis CPR-1.") == "CPR-1"
    assert confirm.reference_in("No number") is None
    assert len(confirm.reference_in(f"number is {'9' * 5000}.") or "") == 100
    assert confirm.reference_in("word " * 3000 + "number is CPR-2.") == "CPR-2"
    assert confirm.reference_in("word " * 5000 + "number is CPR-3.") is None


@pytest.mark.parametrize("pattern", [r"(\S+) is your number", r"(\w+)-\d+!", r".*(\d)!", r"(\d+)\d*!"])
@pytest.mark.parametrize("piece", ["9", "a ", "a-1 ", "word "])
def test_no_page_makes_the_search_for_it_long(pattern: str, piece: str) -> None:
    confirm = Confirm(text="Thank you", reference=pattern)

    def seconds(length: int) -> float:
        began = time.process_time()
        assert confirm.reference_in((piece * length)[:length]) is None
        return time.process_time() - began

    assert seconds(20_000) < 9 * seconds(5_000) + 0.2
