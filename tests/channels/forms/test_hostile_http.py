"""Servers of forms that send whatever hurts: each is a form error in words, at check and at a report, never more."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable

import brotli
import pytest
from channels.opened import resources
from hypothesis import given, settings
from hypothesis import strategies as st
from servers.form_examples import SENDER, report
from servers.speaking import Speak, saying, speaking, without_end

from canary.channels import UnusableError
from canary.channels.forms.http import HttpFormChannel
from canary.channels.forms.settings import HttpFormSettings
from canary.model import Failure, Submission

FORM = b"<form method=post action=%s><input name=text></form>"
ENDLESS = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


def channel(url: str, within: str = "20s") -> HttpFormChannel:
    made = HttpFormSettings.model_validate(
        {
            "arrives_in": "cpr",
            "approved_by": "the tests",
            "url": f"{url}/form",
            "fields": {"text": "{text}"},
            "confirm": {"text": "Thank you", "within": within},
            "loads_within": within,
        }
    )
    return HttpFormChannel(made, SENDER, resources())


async def submit(url: str, within: str = "20s") -> Submission:
    opened = channel(url, within)
    return await opened.submit(opened.prepare(report()), within=60)


def page(content: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    length = b"Content-Length: %d" % len(content)
    return b"\r\n".join([b"HTTP/1.1 " + status, *headers, length, b"Connection: close", b"", content])


def after_the_form(answer: Speak) -> Speak:
    """A good form first, and then this."""
    asked = 0

    async def speak(writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await (saying(page(FORM % b"/")) if asked == 1 else answer)(writer)

    return speak


NEVER_A_PAGE: list[tuple[Speak, str]] = [
    (saying(page(b"<![foo bar]>")), "form not found: got 0 forms"),
    (saying(page(b"&#" + b"9" * 5000)), "form not found: got 0 forms"),
    (saying(page(FORM % b"/" + b"<b>x" * 75_000)), "the page cannot be read: a form's page: deeper than 2048"),
    (saying(page(FORM % b"/" + b"<br>" * 75_000)), "a form's page: more than 60000 tags and attributes"),
    (without_end(ENDLESS, b"x"), "answers of a form's server: more than 1048576 bytes when decoded"),
    (without_end(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"), r"page unreachable: .*([Tt]oo long|more than)"),
    (saying(page(brotli.compress(bytes(1 << 20)), b"Content-Encoding: br")), "coded as 'br', want gzip or nothing"),
    (saying(page(gzip.compress(bytes(9 << 20)), b"Content-Encoding: gzip")), "more than 1048576 bytes when decoded"),
    (saying(page(b"no gzip", b"Content-Encoding: gzip")), "page unreachable: .* is not the gzip that it says"),
    (saying(page(b"", b"Location: /form", status=b"302 Found")), "the redirects of a form: more than 10 redirects"),
    (
        saying(page(b"", b"Location: http://[", status=b"302 Found")),
        "the form leads to another host: got '%5B', want 127.0.0.1",
    ),
    (saying(page(b"", b"Location: /" + b"\xe9" * 30_000, status=b"302 Found")), "page unreachable: .*too long"),
    (
        saying(page(b"", b"Location: file:///etc/passwd", status=b"302 Found")),
        "leads to another host: got 'file://127.0.0.1/etc/passwd'",
    ),
    (saying(page(FORM % b"http://[")), "the form leads to no address: 'http://\\['"),
    (saying(page(FORM % b"http://ca:999999/")), "the form leads to another host: got 'http://ca:999999/'"),
    (saying(page(FORM % b"javascript:send()")), "the form leads to (no address|another host)"),
    (saying(page(FORM % b"/" + b"<form>" * 50_000)), "deeper than 2048"),
]


@pytest.mark.parametrize(("speak", "words"), NEVER_A_PAGE)
async def test_a_page_that_is_none_is_a_form_error_and_nothing_is_sent(speak: Speak, words: str) -> None:
    async with speaking(speak) as url:
        result = await submit(url)
        assert (result.accepted, result.failure, result.uncertain) == (False, Failure.FORM_ERROR, False)
        with pytest.raises(UnusableError, match=words):
            raise UnusableError(result.reason)
        assert len(result.reason) < 4000


@pytest.mark.parametrize(("speak", "words"), [case for case in NEVER_A_PAGE if "form leads" not in case[1]])
async def test_check_tells_the_same(speak: Speak, words: str) -> None:
    async with speaking(speak) as url:
        with pytest.raises(UnusableError, match=words):
            await channel(url).check()


@pytest.mark.parametrize(
    ("answer", "uncertain", "words"),
    [
        (saying(page(b"<![foo bar]>")), False, "not confirmed: page says '', want 'Thank you'"),
        (saying(page(b"<b>x" * 75_000)), True, "the form was sent and its answer cannot be read: .* deeper than 2048"),
        (without_end(ENDLESS, b"x"), True, "the form was sent and no answer came: .* more than 1048576 bytes"),
        (saying(page(brotli.compress(bytes(1 << 20)), b"Content-Encoding: br")), True, "no answer came: .*'br'"),
        (saying(page(b"", b"Location: /" + b"\xe9" * 30_000, status=b"303 See Other")), True, "no answer came: .*long"),
        (saying(page(b"", b"Location: ftp://ca/", status=b"303 See Other")), True, "its answer leads away"),
    ],
)
async def test_an_answer_that_is_none_leaves_it_open_where_the_report_may_have_been_taken(
    answer: Speak, uncertain: bool, words: str
) -> None:
    async with speaking(after_the_form(answer)) as url:
        result = await submit(url)
    assert (result.accepted, result.failure, result.uncertain) == (False, Failure.FORM_ERROR, uncertain)
    with pytest.raises(UnusableError, match=words):
        raise UnusableError(result.reason)


async def test_a_confirmation_counts_though_more_follows_than_is_read() -> None:
    async with speaking(after_the_form(saying(page(b"Thank you" + b"<b>x" * 75_000)))) as url:
        assert (await submit(url)).accepted


@pytest.mark.parametrize("again", [b"a: b\r\n", b""])
async def test_whoever_answers_line_by_line_is_left_when_the_time_for_the_whole_is_over(again: bytes) -> None:
    slow = without_end(b"HTTP/1.1 200 OK\r\n", again, pause=0.02)
    async with speaking(slow) as url:
        result = await submit(url, "300ms")
        assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
        assert result.reason.endswith("/form: the answers of a form's server: not whole within 0.3 s")
        with pytest.raises(UnusableError, match=r"not whole within 0\.3 s"):
            await channel(url, "300ms").check()
    async with speaking(after_the_form(slow)) as url:
        result = await submit(url, "1s")
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, True)
    assert result.reason == (
        "the form was sent and no answer came: the answers of a form's server: not whole within 1 s"
    )


@pytest.mark.parametrize(
    "charset",
    [b"foo", b"punycode", b"idna", b"undefined", b"hex", b"zlib", b"windows-99999", b"\xff", b'"', b""],
)
async def test_an_unknown_charset_is_read_as_utf_8(charset: bytes) -> None:
    good = page(FORM % b"/" + "Größe".encode(), b"Content-Type: text/html; charset=" + charset)
    async with speaking(saying(good)) as url:
        assert f"{url}/form: found 'text'; 1 field, goes to POST {url}/" in await channel(url).check()


async def test_a_charset_of_the_web_is_read_as_it_is() -> None:
    form = "<form method=post><label for=a>Größe</label><input id=a name=größe></form>".encode("windows-1252")
    async with speaking(saying(page(form, b"Content-Type: text/html; charset=Windows-1252"))) as url:
        with pytest.raises(UnusableError, match="got fields \\['größe'\\], want 'text'"):
            await channel(url).check()


_STATUS = st.sampled_from(
    [b"200 OK", b"302 X", b"303 X", b"307 X", b"101 X", b"204 X", b"304 X", b"404 \xff", b"000 x", b"9"]
)
_HEADER = st.sampled_from([
    b"Set-Cookie: a=b; expires=Mon, 99-Foo-9999", b"Set-Cookie: \xff=\xff", b"Set-Cookie: a=b; domain=..; path=\0",
    b"Set-Cookie: a=b; max-age=99999999999999999999999", b"Set-Cookie2: x", b"Content-Encoding: \xff", b"X:", b"x",
    b"Location: http://[", b"Location: //", b"Location: ?", b"Location: http://\xff/", b"Location: http://xn--\x80/",
    b"Location: http://a..b/", b"Transfer-Encoding: gzip", b"Upgrade: h2c", b"Content-Length: 1, 2",
    b"Content-Type: text/html; charset*=x'y'%ff", b"Content-Type: ;", b"Content-Encoding: gzip",
])  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(_STATUS, st.lists(_HEADER, max_size=3), st.binary(max_size=20))
def test_no_answer_whatever_is_more_than_a_form_error(status: bytes, headers: list[bytes], content: bytes) -> None:
    async def try_it(speak: Callable[[], Speak]) -> None:
        async with speaking(speak()) as url:
            result = await submit(url, "5s")
            assert result.accepted or result.failure is Failure.FORM_ERROR
            assert len(result.reason) < 4000

    answer = page(FORM % b"/" + content, *headers, status=status)
    asyncio.run(try_it(lambda: saying(answer)))
    asyncio.run(try_it(lambda: after_the_form(saying(answer))))
