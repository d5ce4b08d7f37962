"""Headers of messages that went from a sender over a CA's border to its mailboxes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from canary.mail.way import read_way
from canary.model import Way

BEGUN = datetime(2026, 11, 24, 12, tzinfo=UTC)
FINAL = b"Received: from mx.ca.test (mx.ca.test [198.51.100.4]) by imap.ca.test; Tue, 24 Nov 2026 12:00:09 +0000\r\n"
BORDER = (
    b"Received: from out.persona.test (mail.persona.test [192.0.2.7]) by mx.ca.test with ESMTPS;"
    b" Tue, 24 Nov 2026 12:00:05 +0000\r\n"
)
OUTSIDE = b"Received: from [10.0.0.5] by out.persona.test with ESMTPSA; Tue, 24 Nov 2026 12:00:01 +0000\r\n"


def hop(by: str, seconds: float) -> bytes:
    """A Received field of a server that says to have had the message so many seconds after sending began."""
    at = BEGUN + timedelta(seconds=seconds)
    return f"Received: from x.test by {by}; {at:%a, %d %b %Y %H:%M:%S} +0000\r\n".encode()


def way(header: bytes, believed: tuple[str, ...] = (), noticed: float = 10.0) -> Way:
    """The way of a message that was noticed so many seconds after sending began."""
    return read_way(header, BEGUN, BEGUN + timedelta(seconds=noticed), believed) or Way()
