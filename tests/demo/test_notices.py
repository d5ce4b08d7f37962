"""Automatic messages: made of anything, they are well formed and say what RFC 3834 and RFC 3464 ask for."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from hypothesis import given
from hypothesis import strategies as st

from canary.demo import notices
from canary.demo.directory import by_slug

AT = datetime(2026, 3, 1, 12, 30, 58, tzinfo=UTC)

TO = "robin.hayes+" + "a" * 40 + "@researcher.test"
_LINES = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from(
            [
                b"Subject: =?utf-8?b?/w==?=",
                b"Subject: =?x?q?=0D=0A?=",
                b"Message-ID: <<",
                b"Auto-Submitted:",
                b"",
                b" x",
            ]
        ),
    ),
    max_size=12,
)


def _read(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


@given(_LINES)
def test_nothing_in_a_message_breaks_an_answer_to_it(lines: list[bytes]) -> None:
    original = b"\r\n".join(lines)
    notices.may_answer(original, TO)
    for raw in (
        notices.acknowledgement(original, TO, "CPR-1", at=AT),
        notices.out_of_office(original, TO, by_slug("anna"), at=AT),
        notices.form_acknowledgement(original.decode("latin-1"), TO, "DTS-1", at=AT),
    ):
        message = _read(raw)
        assert message["To"] == TO
        assert message["Date"].datetime == AT
        assert message["Auto-Submitted"].startswith("auto-replied")
        assert set(message.keys()) <= {
            "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "In-Reply-To", "References",
            "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
        }  # fmt: skip


@given(_LINES)
def test_a_bounce_of_anything_is_a_report_about_the_recipient(lines: list[bytes]) -> None:
    raw = notices.bounce(
        b"\r\n".join(lines),
        TO,
        at=AT,
        domain="demo-ca.test",
        asked="a@b.test",
        recipient="c@b.test",
        reply="550 5.1.1 gone",
    )
    message = _read(raw)
    assert message.get_content_type() == "multipart/report"
    _, status, _ = message.iter_parts()
    about = list(status.iter_parts())[-1]
    assert (about["Final-Recipient"], about["Action"], about["Status"]) == ("rfc822; c@b.test", "failed", "5.1.1")
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_nobody_and_nothing_automatic_is_answered() -> None:
    assert notices.may_answer(b"Subject: x\r\n\r\n", TO)
    assert notices.may_answer(b"Auto-Submitted: no\r\n\r\n", TO)
    assert not notices.may_answer(b"Subject: x\r\n\r\n", "")
    assert not notices.may_answer(b"Auto-Submitted: auto-generated\r\n\r\n", TO)
    assert not notices.may_answer(b"Precedence: Bulk\r\n\r\n", TO)
