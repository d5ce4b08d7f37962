"""Digests of quarantines: what they list of ours is held, and they are no report, no answer and no bounce."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st
from queues.digests import DIGESTS, STRANGERS, digest

from canary.mail.reading import read_mail
from canary.mark import Keyring, new_probe_id
from canary.model import Seen
from canary.queues.replies.classify import classify
from canary.queues.replies.digests import is_digest, listed_as_held

KEYS = Keyring([b"k" * 32])
MARK = KEYS.make(new_probe_id(), datetime.now(UTC))
FORGED = Keyring([b"x" * 32]).make(new_probe_id(), datetime.now(UTC))


def mail(subject: str, text: str, html: bool = False, **headers: str) -> bytes:
    written = EmailMessage()
    written["From"], written["To"], written["Subject"] = "someone@ca.test", "robin@probe.example", subject
    for name, value in headers.items():
        written[name.replace("_", "-")] = value
    written.set_content(text, subtype="html" if html else "plain")
    return written.as_bytes()


@pytest.mark.parametrize("both", [False, True], ids=["alone", "beside a plain text"])
@pytest.mark.parametrize("product", DIGESTS)
def test_what_a_digest_lists_of_ours_is_found_and_nothing_of_strangers(product: str, both: bool) -> None:
    raw = digest(product, MARK.upper() if both else MARK, both and DIGESTS[product][1].startswith("<"))
    ((mark, line),) = listed_as_held(raw, KEYS)
    assert mark.text == MARK
    assert MARK in line.lower()
    assert not any(theirs in line for theirs in STRANGERS)


@pytest.mark.parametrize("product", DIGESTS)
def test_a_digest_is_neither_an_answer_nor_a_bounce(product: str) -> None:
    seen, said = classify(digest(product, MARK))
    assert seen is Seen.UNSURE
    assert said.startswith("unsure: a digest of a quarantine lists it")


@pytest.mark.parametrize("product", DIGESTS)
def test_a_forged_mark_in_a_digest_says_nothing(product: str) -> None:
    assert listed_as_held(digest(product, FORGED), KEYS) == []


def test_several_of_ours_are_each_found_with_their_own_line() -> None:
    other = KEYS.make(new_probe_id(), datetime.now(UTC))
    raw = digest("Proofpoint", MARK).replace(STRANGERS[0].encode(), f"ref. {other}".encode())
    found = {mark.text: line for mark, line in listed_as_held(raw, KEYS)}
    assert found.keys() == {MARK, other}
    assert all(mark in line and len({MARK, other} & set(line.replace("[", " ").replace("]", " ").split())) == 1
               for mark, line in found.items())  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [
        mail(
            f"Re: {MARK}", f"Your report was in our quarantine. I have released it, and will not block you.\n> {MARK}\n"
        ),
        mail(f"Re: {MARK}", "It went to quarantine, so please release it next time:\nRelease\nThanks,\nAnna\n"),
        mail("Ticket", f"Release notes\nBlock sender of spam\nReview\n{MARK}\n"),
        mail("Quarantine", f"quarantine, and nothing that could be done with {MARK}\n"),
        mail(f"Key compromise {MARK}", "<p>Caution: external</p><a>Block sender</a><a>Report</a>", html=True),
    ],
)
def test_what_only_speaks_of_a_quarantine_is_no_digest(raw: bytes) -> None:
    assert not is_digest(read_mail(raw))
    assert listed_as_held(raw, KEYS) == []


def test_a_report_into_which_a_gateway_writes_is_the_report() -> None:
    banner = "<p>Released from quarantine</p><a>Block sender</a> <a>Not spam</a> <a>Release</a>"
    raw = mail(f"Key compromise {MARK}", f"{banner}<p>{MARK}</p>", html=True, Message_ID=f"<{MARK}@probe.example>")
    assert is_digest(read_mail(raw))
    assert listed_as_held(raw, KEYS) == []


@given(st.binary(max_size=2000), st.sampled_from(sorted(DIGESTS)), st.integers(0, 3000))
def test_whatever_is_in_it_a_digest_is_borne(noise: bytes, product: str, at: int) -> None:
    raw = digest(product, MARK)
    assert all(mark.text == MARK for mark, _ in listed_as_held(raw[:at] + noise + raw[at:], KEYS))
