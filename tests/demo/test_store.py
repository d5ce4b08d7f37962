"""The demo's mailboxes by themselves."""

from __future__ import annotations

import asyncio
import imaplib
from datetime import UTC, datetime

import pytest

from canary.demo.store import KEEP, MailStore

AT = datetime(2026, 5, 2, 14, 9, 30, tzinfo=UTC)


async def test_folder_keeps_the_newest_messages() -> None:
    store = MailStore(None)
    await store.start()
    await store.add("a@demo-ca.test", "secret", ("INBOX", "CPR"))
    for number in range(KEEP + 3):
        await store.append("a@demo-ca.test", "CPR", b"Subject: %d\r\n\r\nx\r\n" % number, AT)

    def work() -> tuple[list[bytes], bytes, bytes]:
        imap = imaplib.IMAP4("127.0.0.1", store.port)
        imap.login("a@demo-ca.test", "secret")
        imap.select("CPR", readonly=True)
        numbers = imap.search(None, "UNSEEN")[1][0].split()
        first = imap.fetch("1", "(INTERNALDATE BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0]
        assert isinstance(first, tuple)
        imap.logout()
        return numbers, first[0], first[1]

    numbers, about, oldest = await asyncio.to_thread(work)
    assert len(numbers) == KEEP
    assert oldest.strip() == b"Subject: 3"
    assert b"02-May-2026 14:09:30 +0000" in about
    await store.stop()


async def test_unknown_user_or_folder_is_an_error() -> None:
    store = MailStore(None)
    await store.add("a@demo-ca.test", "secret", ("INBOX",))
    with pytest.raises(KeyError):
        await store.append("a@demo-ca.test", "CPR", b"", AT)
    with pytest.raises(Exception, match=r"b@demo-ca\.test"):
        await store.append("b@demo-ca.test", "INBOX", b"", AT)
