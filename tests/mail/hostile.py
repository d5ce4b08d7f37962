"""Messages of any length that are made to be hard to read, each for another reader of the usual libraries."""

from __future__ import annotations

import base64
from collections.abc import Callable

TEXT = b"From: a@b.test\nContent-Type: text/plain\n\n"


def filled(piece: bytes, size: int) -> bytes:
    """A piece again and again, ``size`` bytes of it."""
    return (piece * (size // len(piece) + 1))[:size]


def _repeated(before: bytes, piece: bytes, after: bytes = b"\n\ntext\n") -> Callable[[int], bytes]:
    return lambda size: before + filled(piece, size) + after


def _numbered(before: bytes, piece: bytes, after: bytes = b"\n\ntext\n") -> Callable[[int], bytes]:
    """With the numbers of the pieces in them."""
    return lambda size: before + b"".join(piece % number for number in range(size // len(piece))) + after


def _nested(size: int) -> bytes:
    levels = size // 60
    return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(levels))


def _same_boundary(size: int) -> bytes:
    return filled(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n", size)


def _parts(size: int) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\n\n" + filled(b"--b\nContent-Type: text/plain\n\nx\n", size)


def _status(size: int) -> bytes:
    block = b"Final-Recipient: rfc822; a%d@ca.test\nAction: failed\nStatus: 5.1.1\n\n"
    blocks = b"".join(block % n for n in range(size // len(block)))
    return b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n" + blocks


KINDS: dict[str, Callable[[int], bytes]] = {
    "parameters": _repeated(b"Content-Type: text/plain", b"; a=b"),
    "numbered parameters": _numbered(b"Content-Type: text/plain", b"; a%07d=b"),
    "open quotes": _repeated(b"Content-Type: text/plain; ", b'a="'),
    "struck quotes": _repeated(b"Content-Type: text/plain", b';a="\\'),
    "semicolons": _repeated(b"Content-Type: text/plain", b";"),
    "names in pieces": _numbered(b"Content-Disposition: attachment", b"; filename*%06d*=%%41"),
    "the same piece": _repeated(b"Content-Disposition: attachment", b"; filename*0*=utf-8''%41"),
    "encoded words": _repeated(b"Subject: ", b"=?utf-8?q?=41?= "),
    "words that never end": _repeated(b"Subject: ", b"=?utf-8?q?a "),
    "words of many character sets": _numbered(b"Subject: ", b"=?cs%07d?q?a?= "),
    "words in punycode": lambda size: b"Subject: =?punycode?b?" + base64.b64encode(filled(b"a-b9", size)) + b"?=\n\nx",
    "beginnings of words": _repeated(b"Subject: ", b"=?"),
    "References": _numbered(b"References:", b" <m%07d@b.test>"),
    "addresses": _numbered(b"From: ", b"a%07d@b.test, "),
    "comments": _repeated(b"From: ", b"("),
    "no reply": _repeated(b"From: ", b"noreply "),
    "fields": _numbered(b"", b"X-A%07d: b\n"),
    "the same field": _repeated(b"", b"Subject: =?utf-8?q?=41?=\n"),
    "a folded field": _repeated(b"Subject: ", b"\n a"),
    "Received": _repeated(b"", b"Received: from a by b; Mon, 1 Jan 2026 00:00:00 +0000\n"),
    "a long Received": _repeated(b"Received: from a (", b"a.b [1.2.3.4] (TLS1"),
    "clauses": _repeated(b"Received: ", b"from by with id "),
    "results of authentication": _repeated(
        b"Received: by a.b; x\nAuthentication-Results: a.b;", b"dkim=pass header.d="
    ),
    "open results": _repeated(b"Received: by a.b; x\nAuthentication-Results: a.b; ", b'"\\'),
    "fields of authentication": _repeated(b"Received: by a.b; x\n", b"Authentication-Results: a.b; spf=pass\n"),
    "numbers of a filter": _repeated(b"X-Spam-Status: No, ", b"score=1.999999"),
    "rules of a filter": _repeated(b"X-Proofpoint-Spam-Details: ", b"rule=xspa"),
    "parts": _parts,
    "nested parts": _nested,
    "nested parts of one boundary": _same_boundary,
    "nested messages": _repeated(b"", b"Content-Type: message/rfc822\n\n"),
    "delimiters": _repeated(b"Content-Type: multipart/mixed; boundary=x\n\n", b"--y\n"),
    "recipients": _status,
    "short lines": _repeated(TEXT, b"a\n"),
    "empty lines": _repeated(TEXT, b"\n"),
    "one long line": _repeated(TEXT, b"a"),
    "blanks": _repeated(TEXT, b" "),
    "quote signs": _repeated(TEXT, b">"),
    "cut marks": _repeated(TEXT, b"abcdefgh\n"),
    "open tags": _repeated(b"Content-Type: text/html\n\n", b"<b "),
    "open comments": _repeated(b"Content-Type: text/html\n\n", b"<!--"),
    "scripts": _repeated(b"Content-Type: text/html\n\n", b"<script>"),
    "entities": _repeated(b"Content-Type: text/html\n\n", b"&a"),
    "long entities": _repeated(b"Content-Type: text/html\n\n", b"&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    "one huge number": _repeated(b"Content-Type: text/html\n\n&#", b"9"),
    "marks on one letter": _repeated(b"Content-Type: text/plain; charset=utf-8\n\na", "\u0316\u0301".encode()),
    "text in punycode": _repeated(b"Content-Type: text/plain; charset=punycode\n\na-", b"b9"),
    "text for names": _repeated(b"Content-Type: text/plain; charset=idna\n\n", b"xn--a9."),
    "text in UTF-7": _repeated(b"Content-Type: text/plain; charset=utf-7\n\n", b"+AGE-"),
    "text in base64": _repeated(b"Content-Transfer-Encoding: base64\n\n", b"YWJj\n"),
    "text in quoted-printable": _repeated(b"Content-Transfer-Encoding: quoted-printable\n\n", b"=41=\n"),
    "noise": lambda size: bytes((n * n >> 3) & 255 for n in range(size)),
}
"""Each by its name, given its size in bytes."""
