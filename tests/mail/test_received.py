"""Received fields in the words of many mail systems."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.mail.received import LONGEST_NAME, read_received, received_at

AT = b"; Tue, 24 Nov 2026 13:00:05 +0100 (CET)"
MOMENT = datetime(2026, 11, 24, 12, 0, 5, tzinfo=UTC)

FIELDS = {
    "Postfix": (
        b"from out.persona.test (mail.persona.test [192.0.2.7])\r\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384"
        b" (256/256 bits)\r\n\t key-exchange X25519 server-signature RSA-PSS (2048 bits))\r\n\t(No client certificate"
        b" requested)\r\n\tby mx.ca.test (Postfix) with ESMTPS id 4ABC\r\n\tfor <anna@ca.test>",
        ("mx.ca.test", "mail.persona.test [192.0.2.7]", "TLS 1.3"),
    ),
    "Postfix, no name found": (
        b"from out.persona.test (unknown [IPv6:2001:db8::7]) by mx.ca.test (Postfix) with ESMTP id 1 for <a@ca.test>",
        ("mx.ca.test", "out.persona.test [2001:db8::7]", ""),
    ),
    "Postfix, made here": (b"by mx.ca.test (Postfix, from userid 0) id 4ABC", ("mx.ca.test", "", "")),
    "Exim": (
        b"from mail.persona.test ([192.0.2.7]:2525 helo=out.persona.test)\n by mx.ca.test with esmtps"
        b" (TLS1.3) tls TLS_AES_256_GCM_SHA384\n (Exim 4.98)\n (envelope-from <r@persona.test>)\n id 1abc-000-AB",
        ("mx.ca.test", "mail.persona.test [192.0.2.7]", "TLS 1.3"),
    ),
    "Exim, by address": (
        b"from [192.0.2.7] (helo=out.persona.test) by mx.ca.test with smtp (Exim 4.98) id 1a",
        ("mx.ca.test", "[192.0.2.7]", ""),
    ),
    "Sendmail": (
        b"from out.persona.test (mail.persona.test [192.0.2.7] (may be forged)) by mx.ca.test (8.18.1/8.18.1) with"
        b" ESMTPS id 4A (version=TLSv1.2 cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256 verify=NO)",
        ("mx.ca.test", "mail.persona.test [192.0.2.7]", "TLS 1.2"),
    ),
    "qmail": (
        b"from mail.persona.test (HELO out.persona.test) (192.0.2.7) by mx.ca.test with SMTP",
        ("mx.ca.test", "mail.persona.test [192.0.2.7]", ""),
    ),
    "qmail, within": (b"(qmail 1234 invoked by uid 89)", ("", "", "")),
    "Exchange Online": (
        b"from mail.persona.test (192.0.2.7) by AM1FT.mail.protection.outlook.com (10.0.0.1) with Microsoft SMTP Server"
        b" (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.1.1 via Frontend Transport",
        ("AM1FT.mail.protection.outlook.com", "mail.persona.test [192.0.2.7]", "TLS 1.2"),
    ),
    "Google": (
        b"from mail.persona.test (mail.persona.test. [192.0.2.7]) by mx.google.com with ESMTPS id a-b1 for <a@ca.test>"
        b" (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256)",
        ("mx.google.com", "mail.persona.test [192.0.2.7]", "TLS 1.3"),
    ),
    "Google, within": (b"by 2002:a05:6a10:1:b0:1:2 with SMTP id a1csp1", ("2002:a05:6a10:1:b0:1:2", "", "")),
    "Dovecot": (
        b"from mx.ca.test ([127.0.0.1]) by imap.ca.test with LMTPS id aBc (envelope-from <r@persona.test>)",
        ("imap.ca.test", "mx.ca.test [127.0.0.1]", "yes"),
    ),
    "submission": (b"from [10.0.0.2] (port=5) by x.test with UTF8SMTPSA id 1", ("x.test", "[10.0.0.2]", "yes")),
    "with a password, without TLS": (b"from a.test by x.test with ESMTPA id 1", ("x.test", "a.test", "")),
    "a host with TLS in its name": (b"from a (tls1.persona.test [192.0.2.7]) by tls1.2.test with SMTP",
                                    ("tls1.2.test", "tls1.persona.test [192.0.2.7]", "")),
    "turned round": (b"by mx.ca.test from a.test with ESMTPS", ("mx.ca.test", "a.test", "yes")),
    "nothing": (b"", ("", "", "")),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FIELDS))
def test_what_a_field_says(name: str) -> None:
    value, wanted = FIELDS[name]
    found = read_received(value + AT)
    assert (found.by, found.came_from, found.tls) == wanted
    assert found.at == MOMENT


def test_a_recipient_is_not_kept() -> None:
    assert "anna" not in repr(read_received(FIELDS["Postfix"][0] + AT))


@pytest.mark.parametrize("text", [b"", b"; ", b"; yesterday", b"; 1 Jan 0001 00:00:00 +2400", b";" + b"(" * 5000])
def test_a_time_that_cannot_be_read(text: bytes) -> None:
    assert received_at(text) is None


@given(st.binary() | st.text(alphabet="from by with();:[]tlsTLS1.3 ").map(str.encode))
def test_anything_is_read_as_short_words(raw: bytes) -> None:
    found = read_received(raw)
    assert found.by.isascii()
    assert len(found.by) <= LONGEST_NAME
    assert len(found.came_from) <= 2 * LONGEST_NAME
    assert found.tls in ("", "yes") or found.tls[:3] in ("TLS", "SSL")
