"""Whole messages, each of a kind that was once taken for another."""

from __future__ import annotations

from pathlib import Path

import pytest

from canary.mail.reading import read_mail
from canary.queues.replies.classify import ReplyKind, classify, read_reply

CASES = Path(__file__).parent / "cases"
EXPECTED = {
    "automatic-inbox-rule": ReplyKind.ACKNOWLEDGEMENT,
    "automatic-ticket-received": ReplyKind.ACKNOWLEDGEMENT,
    "away-danish-subject-only": ReplyKind.OUT_OF_OFFICE,
    "away-finnish-with-headers": ReplyKind.OUT_OF_OFFICE,
    "away-left-the-company": ReplyKind.GONE,
    "away-polish-subject-only": ReplyKind.OUT_OF_OFFICE,
    "away-subject-says-name-is-out": ReplyKind.OUT_OF_OFFICE,
    "challenge-unknown-sender": ReplyKind.CHALLENGE,
    "delay-four-hours-text-only": ReplyKind.DELAY,
    "delay-freemail-text": ReplyKind.DELAY,
    "delay-small-mta-warning": ReplyKind.DELAY,
    "delay-with-heading-fatal": ReplyKind.DELAY,
    "failure-attachment-blocked": ReplyKind.BOUNCE,
    "failure-did-not-reach": ReplyKind.BOUNCE,
    "failure-gateway-own-path": ReplyKind.BOUNCE,
    "failure-mailbox-full-noreply": ReplyKind.BOUNCE,
    "failure-system-administrator": ReplyKind.BOUNCE,
    "global-dsn-delivered": ReplyKind.DELIVERED,
    "human-local-part-automation": ReplyKind.ANSWER,
    "human-postmaster-does-not-exist": ReplyKind.ANSWER,
    "human-suppress-header": ReplyKind.ANSWER,
    "human-ticket-polite-opening": ReplyKind.ANSWER,
    "refusal-list-moderator": ReplyKind.REFUSED,
    "refusal-sieve-reject": ReplyKind.REFUSED,
}


@pytest.mark.parametrize("path", sorted(CASES.glob("*.eml")), ids=lambda path: path.stem)
def test_each_is_what_it_is(path: Path) -> None:
    raw = path.read_bytes()
    kind = read_reply(read_mail(raw)).kind
    assert kind is EXPECTED[path.stem]
    assert classify(raw)[0] is kind.seen


def test_every_case_has_its_kind() -> None:
    assert {path.stem for path in CASES.glob("*.eml")} == set(EXPECTED)
