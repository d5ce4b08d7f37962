"""Good examples and words of every language that we read: hostile input is made from these."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

from soak.hostile import Language

from canary.evidence.notes import Checkpoint

HERE = Path(__file__).parent
TESTS = HERE.parent

REPORT = b"""\
Received: from a.test by b.test; Fri, 27 Nov 2026 10:00:00 +0000
From: Robin Hayes <robin@sender.test>
To: problems@ca.test
Subject: =?utf-8?q?Key_compromise_=C3=A9?=
Message-ID: <%(mark)s@sender.test>
Date: Fri, 27 Nov 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b1"

--b1
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

Please revoke =C3=A9. Reference %(mark)s
--b1
Content-Type: application/zip; name*0="rep"; name*1="ort.zip"
Content-Disposition: attachment; filename="%(mark)s.zip"
Content-Transfer-Encoding: base64

UEsDBAoAAAAAAA==
--b1--
"""
BOUNCE = b"""\
From: MAILER-DAEMON@b.test
To: robin+%(mark)s@sender.test
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="b2"

--b2
Content-Type: text/plain

<problems@ca.test>: host mx.ca.test said: 550 5.1.1 no such user
--b2
Content-Type: message/delivery-status

Reporting-MTA: dns; b.test

Final-Recipient: rfc822; problems@ca.test
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user
--b2
Content-Type: message/rfc822

Subject: x

x
--b2--
"""
ANSWER = b"""\
From: desk@ca.test
To: robin@sender.test
Subject: Re: [Ticket #4711] Out of office
In-Reply-To: <%(mark)s@sender.test>
Auto-Submitted: no
Content-Type: text/html; charset=windows-1252

<p>We have received your report &eacute; <!-- x --> and will answer. %(mark)s</p>
"""


def mail(mark: str) -> Language:
    """Messages, some of which carry a genuine mark."""
    token = mark.encode()
    words = [
        b"Content-Type: ", b"multipart/mixed; boundary=b1\n", b"message/rfc822\n\n", b"text/plain; charset=", b"--b1\n", b"--b1--\n",
        b"; a=b", b"; a*0*=utf-8''%41", b"=?utf-8?b?QUFB?=", b"=?utf-8?q?=41?= ", b"=?x?q??=", b"Subject: ", b"Received: ", b"\n ",
        b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n", b"=C3", b"=\n", b"QUFB",
        b"utf-7", b"idna", b"unicode_escape", b"rot13", b"hex", b"utf-16", b"zlib", b"Final-Recipient: rfc822; ", b"Status: 5.1.1\n",
        b"Message-ID: <", token, token[:20], token.upper(), b"\n\n", b"> ", b"<!--", b"<script>", b"&#1114112;", b"&amp", b"a@b.test", b"(", b"<",
        b"Date: Fri, 31 Feb 99999 25:61:61 +9999\n", b"From: ", b"To: ", b"Action: failed\n", b"550 5.1.1 ", b"mailer-daemon", b",",
    ]  # fmt: skip
    return Language([text.replace(b"%(mark)s", token) for text in (REPORT, BOUNCE, ANSWER)], words)


def text(mark: str) -> Language:
    """Text in which a mark may stand, broken up as mail programs do."""
    token = mark.encode()
    words = [
        token,
        token[:20],
        token[20:],
        token[:20] + b"\n> " + token[20:],
        b"=\n",
        b"> ",
        b"a",
        b"7",
        b"-",
        b" ",
        b"\xe2\x80\x8b",
    ]
    return Language([b"see " + token + b" there", b"> " + token[:10] + b"\n> " + token[10:]], words)


WAYS = Language(
    [
        b"Authentication-Results: mx.ca.test; spf=pass (remark) smtp.mailfrom=a@b.test; dkim=fail header.d=b.test\n"
        b"Received: from mx.ca.test ([127.0.0.1]) by imap.ca.test with LMTPS id a; Fri, 27 Nov 2026 00:00:03 +0000\n"
        b"Received: from a.b.test (a.b.test [192.0.2.1]) (using TLSv1.3 with cipher X) by mx.ca.test (Postfix)\n"
        b"\twith ESMTPS id 1 for <a@ca.test>; Fri, 27 Nov 2026 01:00:02 +0100 (CET)\n"
        b"Received-SPF: pass (x) receiver=mx.ca.test; envelope-from=a@b.test\nX-Spam-Status: No, score=1.5 tests=A\n"
        b"X-Forefront-Antispam-Report: CIP:1.2.3.4;SCL:5;SFV:SPM;CAT:PHSH;\nSubject: x\n\ntext\n"
    ],
    [
        b"Received: ", b"from ", b" by ", b" with ESMTPS", b"; ", b"(", b")", b"[IPv6:", b"]", b"127.0.0.1", b"localhost",
        b"HELO ", b"TLS1_3", b"version=", b"\n\t", b"Authentication-Results: ", b"mx.ca.test", b"=pass", b"dkim", b'"', b"\\",
        b"Fri, 27 Nov 2026 00:00:03 +0000\n", b"Date: Fri, 31 Feb 99999 25:61:61 +9999\n", b"X-Spam-Score: ", b"1e999", b"-9.9",
        b"X-Proofpoint-Spam-Details: rule=", b"notspam", b"\xc0\xaf", b"\x00",
    ],
)  # fmt: skip

IMAP = Language(
    [
        b"* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\nTAG OK done\r\n* 3 EXISTS\r\n* OK [UIDVALIDITY 1]\r\n* OK [UIDNEXT 4]\r\n"
        b"TAG OK [READ-ONLY] done\r\n* SEARCH 1 2 3\r\nTAG OK done\r\n"
        b'* 1 FETCH (UID 1 INTERNALDATE "27-Nov-2026 10:00:00 +0000" RFC822.SIZE 20 BODY[HEADER]<0> {11}\r\nSubject: x\r\n)\r\n'
        b'TAG OK done\r\n* 1 FETCH (UID 1 BODYSTRUCTURE ("TEXT" "PLAIN" ("NAME" "a") NIL NIL "7BIT" 2 1))\r\nTAG OK done\r\n'
        b"* SEARCH\r\nTAG OK done\r\n* STATUS CPR (MESSAGES 3 UNSEEN 1 UIDNEXT 4 UIDVALIDITY 1)\r\nTAG OK done\r\n"
        b"* SEARCH 2\r\nTAG OK done\r\n",
        b"* PREAUTH\r\n* 1 EXISTS\r\nTAG NO [UNAVAILABLE] later\r\n* BYE\r\n",
        b'* OK x\r\n* OK [UIDVALIDITY 1]\r\n* 1 EXISTS\r\nTAG OK x\r\n* SEARCH 1\r\nTAG OK x\r\n* 1 FETCH (UID 1 BODY[] "x")\r\nTAG OK x\r\n',
    ],
    [
        b"* ", b"TAG OK ", b"TAG NO ", b"TAG BAD ", b"+ ", b"\r\n", b"1 FETCH (", b"UID 1 ", b"BODY[] ", b"{10}\r\n", b"{99999999999}\r\n",
        b"{-1}\r\n", b"NIL", b"BODYSTRUCTURE (", b"((((", b"))))", b'"', b'\\"', b"SEARCH ", b"1 2 3 ", b"EXISTS\r\n", b"EXPUNGE\r\n", b"BYE\r\n",
        b"[UIDVALIDITY ", b"[UIDNEXT ", b"STATUS CPR (MESSAGES ", b'INTERNALDATE "31-Feb-2026 99:00:00 +9999" ', b"CAPABILITY ", b"TAG OK x\r\n",
        b"* 1 EXISTS\r\n", b"* SEARCH 1\r\n", b"RFC822.SIZE ", b"FLAGS (\\Seen) ",
    ],
)  # fmt: skip
SMTP = Language(
    [b"250-mail.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n", b"250 2.1.0 ok\r\n354 go ahead\r\n", b"550 5.1.1 no\r\n421 bye\r\n"],
    [b"250-", b"250 ", b"5", b"\r\n", b"\n", b"\xb2\xb2\xb2 ", b"421 ", b"999", b"250", b"-", b"354 ", b"\xef\xbc\x92\xef\xbc\x95\xef\xbc\x90 "],
)  # fmt: skip
HTML = Language(
    [
        b"<!DOCTYPE html><html><head><title>Report</title></head><body><form action='/send' method=post id=f>"
        b"<label for=a>Name <b>x</b></label><input id=a name=a value='1' required><select name=s multiple><option>1<option selected>2"
        b"</select><textarea name=t>x</textarea><fieldset disabled><input name=d></fieldset><button name=b>Send</button></form>"
        b"<div class='g-recaptcha'></div><p role=alert>Error &eacute;</p><script src=/a.js></script></body></html>",
        b"<p>Thank you. Reference <b>4711</b></p><![CDATA[x]]><!-- c --><?pi?><svg/><input form=f name=z>",
    ],
    [
        b"<", b"<b>x", b"</b>", b"<div>x", b"<form>", b"</form>", b"<label>", b"<button>x", b"<select>", b"<option>", b"<textarea>", b"<fieldset>",
        b"<![", b"<![foo bar]>", b"<![CDATA[", b"<!--", b"--", b"-->", b"<a ", b"<a b=", b"<script>", b"</script", b"<style>", b"&#", b"&#xFFFFFFF;",
        b"<!DOCTYPE [", b"<!ELEMENT ", b"<?", b"<p role=alert>", b"<table>", b"<svg>", b"<!a", b"]]>", b"<input name=", b"type=hidden ", b"=",
        b"<input list=", b"<p>", b"</", b"</p x=", b"<title>", b"<plaintext>", b"<form id=f>", b"<input form=f>", b"<label for=a>", b"<id=a>",
    ],
)  # fmt: skip
YAML = Language(
    [
        (TESTS / "config/good.yaml").read_bytes(),
        b"a: &x {b: [1, 2]}\nc:\n  <<: *x\n  d: |\n    text\n  e: >-\n    more\n- broken\n",
        b"tls_server_config: {cert_file: a.pem, key_file: b.pem, min_version: TLS12}\nbasic_auth_users:\n  a: $2b$10$" + b"a" * 53 + b"\n"
        b"http_server_config: {http2: false, headers: {X-Frame-Options: deny}}\n",
    ],
    [
        b"[", b"{", b"? ", b"- ", b": ", b"&a ", b"*a ", b"<<: *a\n", b"\n  ", b"\n", b"!!python/object:os.system ", b"!!binary ", b"|\n", b">",
        b"'", b'"', b"\\x", b"%YAML 9.9\n---\n", b"---\n", b"...\n", b"@", b"`", b"#", b"\t", b"key: ", b"a: b\n", b"{a: ", b"[*a,*a,*a,*a,*a,*a]",
        b"9" * 5000, b"0o7", b"1_000", b".inf", b"2026-02-31", b"~", b"channels:\n", b"watch:\n", b"senders:\n", b"\xef\xbb\xbf", b"\x85", b"\xe2\x80\xa8",
    ],
)  # fmt: skip
_VKEY = b"ca.test/cpr-canary+d7a9e0c1+AVs3Zk3HGZ0Ifm5yTzO1xUbIDh0Qy4k4y+XzXWq3pYxO"
_NOTE = (
    Checkpoint("ca.test/cpr-canary", 7, b"h" * 32).text.encode()
    + b"\n\xe2\x80\x94 ca.test/cpr-canary "
    + b"A" * 92
    + b"\n\xe2\x80\x94 witness.test/w "
    + b"B" * 102
    + b"==\n"
)
NOTES = Language(
    [
        _NOTE,
        _VKEY,
        b"c2sp.org/tlog-proof@v1\nextra AAAA\nindex 3\n" + b"aGg=\n" * 3 + b"\n" + _NOTE,
        b"old 3\n" + b"A" * 43 + b"=\n\n" + _NOTE,
        (TESTS / "evidence/arche2025h1.note").read_bytes(),
    ],
    [
        b"\xe2\x80\x94 ", b"ca.test/cpr-canary", b"+", b"=", b"==\n", b"\n\n", b"A" * 43 + b"=\n", b"index ", b"old ", b"extra ", b"7\n",
        b"c2sp.org/tlog-proof@v1\n", b"\n", b" ", b"AVs3", b"-", b"d7a9e0c1", b"\xc2\xa0", b"18446744073709551616\n",
    ],
)  # fmt: skip
TILES = Language(
    [b"\0\x03abc\0\0\0\x01x", b"\0\0" * 256, b"h" * 32 * 256], [b"\0\0", b"\xff\xff", b"\0\1x", b"h" * 32, b"\0"]
)
DER = Language(
    [
        (HERE / "seeds/reply.tsr").read_bytes(),
        bytes.fromhex("3006020101060155"),
        bytes.fromhex("3080020101" + "0000"),
        bytes.fromhex("30820007a005040302010031020500"),
    ],
    [
        b"\x30\x80", b"\x30\x82\xff\xff", b"\x30\x84\xff\xff\xff\xff", b"\x30\x00", b"\x31\x00", b"\x02\x01\x00", b"\x02\x00", b"\x06\x01\x80",
        b"\x06\x00", b"\xa0\x03", b"\x04\x00", b"\x05\x00", b"\x1f\xff\xff", b"\x30\x88" + b"\xff" * 8, b"\x18\x0f20260231000000Z", b"\x30",
        b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02",
    ],
)  # fmt: skip
JSON = Language(
    [
        b'{"at":"2026-11-27T10:00:00.000000Z","body":{"channels":[],"by":"b","reason":"r"},"kind":"paused","probe":null}',
        json.dumps({"at": "2026-11-27T10:00:00Z", "kind": "scheduled", "probe": "p", "body": {"n": [1, 2.5, None, True]}}).encode(),
    ],
    [
        b"{", b"}", b"[", b"]", b'"a":', b",", b"null", b"1e400", b"-0", b"0.1", b"NaN", b"Infinity", b'"\\ud800"', b'"\\u0000"', b"[" * 2000,
        b'{"a":' * 2000, b"9" * 5000, b'"kind":"finished"', b'"at":"9999-99-99"', b'"body":', b"true", b'"probe":1', b"9007199254740993",
    ],
)  # fmt: skip


def _zip(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return made.getvalue()


_MANIFEST = json.dumps({"format": "cpr-canary-bundle@2", "files": {"log/a": {"sha256": "0" * 64, "size": 1}}}).encode()
ARCHIVE = Language(
    [
        _zip({"manifest.json": _MANIFEST, "log/a": b"x"}),
        _zip({"manifest.json": _MANIFEST, "../evil": b"x", "/abs": b""}, zipfile.ZIP_DEFLATED),
        _zip({"manifest.json": b"{" * 5000}, zipfile.ZIP_DEFLATED),
        _zip({}),
    ],
    [
        b"PK\x03\x04",
        b"PK\x01\x02",
        b"PK\x05\x06",
        b"PK\x06\x06",
        b"\0" * 8,
        b"\xff" * 4,
        b"manifest.json",
        b"\x08\0",
        b"\x0e\0",
    ],
)
HEADERS = Language(
    [
        b"localhost:9750\nhttp://localhost:9750\nhttp://localhost:9750/x\nsame-origin\nBasic YTpi",
        b"[::1]:9750\nnull\n\ncross-site\nBearer abc",
        b"evil.test\nhttps://evil.test\nhttps://[::1\nnone\nbasic " + b"QUFB" * 20,
    ],
    [
        b"localhost",
        b"\n",
        b":",
        b"[",
        b"]",
        b"http://",
        b"//",
        b"@",
        b"127.0.0.1",
        b"Basic ",
        b"Bearer ",
        b"QQ==",
        b".",
        b"xn--",
        b"%41",
        b"\xff",
    ],
)
SECRET = 'correct "horse\\'
ECHO = Language(
    [
        b"NO [AUTHENTICATIONFAILED] " + SECRET.encode(),
        b'LOGIN "desk" "correct \\"horse\\\\"',
        b"AHVzZXIAY29ycmVjdCAiaG9yc2Vc",
    ],
    [
        SECRET.encode(),
        b"Y29ycmVjdCAi",
        b"%63%6f",
        b"correct%20%22horse%5C",
        b"&quot;",
        b"\\x22",
        b"=",
        b"correct",
        b"horse",
        b"636f727265637420",
    ],
)
KEYS = Language(
    [
        b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n-----END PRIVATE KEY-----\n",
        b"a" * 52 + b"\n",
    ],
    [b"-----BEGIN ", b"PRIVATE KEY-----\n", b"-----END ", b"AAAA", b"\n", b"=", b"CERTIFICATE-----\n"],
)
ANYTHING = Language([b"a plain sentence", "ümläut \u202e \x1b[31m [/red] =cmd|' /C calc'!A1".encode()], [])
