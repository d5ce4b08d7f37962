"""What is kept of what was found."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from canary.content import Message, Ticket
from canary.model import Attachment

ANYTHING = st.text(st.characters(categories=None))  # halves of surrogate pairs too


@given(st.binary())
def test_a_message_is_kept_as_it_is(raw: bytes) -> None:
    assert Message(raw).artefact() == raw


@given(ANYTHING, ANYTHING, st.binary())
def test_a_ticket_is_kept_whole_whatever_is_in_it(text: str, name: str, content: bytes) -> None:
    kept = json.loads(Ticket(text, (Attachment(name, "text/plain", content),)).artefact().decode("ascii"))
    [file] = kept["files"]
    assert (kept["text"], file["name"], file["media_type"]) == (text, name, "text/plain")
    assert base64.b64decode(file["content"]) == content


def test_the_same_ticket_is_the_same_artefact() -> None:
    assert Ticket("a", ()).artefact() == Ticket("a", ()).artefact() != Ticket("b", ()).artefact()
