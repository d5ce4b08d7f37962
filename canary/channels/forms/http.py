"""Report through a form that needs no JavaScript: fetch the page, fill in its fields by name, send it as browsers do.

Hidden fields (CSRF tokens, view state), preset values and cookies are carried over. The report is sent once, and only
to the configured host (or ``posts_to``): a form or a redirect that leads elsewhere is a form error.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from canary.channels import Resources, Sender, UnusableError
from canary.channels.forms.attempt import Attempt, NoAnswerError
from canary.channels.forms.html import HtmlForm, HtmlPage, read_html
from canary.channels.forms.lookup import name_fault
from canary.channels.forms.settings import HttpFormSettings
from canary.channels.forms.steps import attached, filled, payload, same_host, values
from canary.model import Attachment, Component, Outgoing, OwnFaultError, Report, Submission

_HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
}
_MOST_REDIRECTS = 10
_MOST_BYTES = 5_000_000


class HttpFormChannel:
    """A :class:`canary.channels.Channel` through a form that needs no browser."""

    def __init__(self, settings: HttpFormSettings, _sender: Sender, resources: Resources) -> None:
        self._settings, self._hosts, self._clock = settings, settings.targets(), resources.clock

    def prepare(self, report: Report) -> Outgoing:
        """The text of each field, and the names and hashes of the files: RFC 8785 canonical JSON."""
        files = {file.name: file for _, file in self._files(report)}
        return Outgoing(report, payload(report, self._fields(report), files.values()))

    async def submit(self, outgoing: Outgoing, *, within: float) -> Submission:
        """Fill in the form and submit it, once. Raises ValueError for a channel that is for reachability only."""
        if self._settings.reachability_only:
            raise ValueError("this channel is reachability_only: it may be checked, never submitted")
        attempt = Attempt(self._clock)
        try:
            async with asyncio.timeout(within), self._client() as client:
                text = await self._send(client, outgoing.report, attempt)
        except TimeoutError:
            return attempt.failed(NoAnswerError(f"the form took longer than {within:g} s"))
        except (UnusableError, OwnFaultError) as fault:
            return attempt.failed(fault)
        return attempt.accepted(self._settings.confirm.reference_in(text))

    async def check(self) -> str:
        """Load the page and find the form and each of its configured fields."""
        async with self._client() as client:
            form, page, url = await self._load(client)
        self._merge(form, page, dict.fromkeys(self._settings.fields))
        found = f"{url}: found {', '.join(repr(name) for name in (*self._settings.fields, *self._settings.files))}"
        return f"{found}; {page.facts.captcha} on the page" if page.facts.captcha else found

    async def close(self) -> None:
        """Nothing to let go of: each probe has a connection, and cookies, of its own."""

    def _fields(self, report: Report) -> dict[str, str]:
        known = values(report, self._settings.serial)
        return {name: filled(template, known) for name, template in self._settings.fields.items()}

    def _files(self, report: Report) -> list[tuple[str, Attachment]]:
        return [(name, file) for name, which in self._settings.files.items() for file in attached(report, which)]

    def _client(self) -> httpx.AsyncClient:
        try:
            context = ssl.create_default_context(cafile=self._settings.ca_file and str(self._settings.ca_file))
        except OSError as error:
            raise OwnFaultError(Component.CONFIG, "ca_file", f"{self._settings.ca_file}: {error.strerror}") from error
        return httpx.AsyncClient(headers=_HEADERS, verify=context, timeout=self._settings.loads_within)

    async def _send(self, client: httpx.AsyncClient, report: Report, attempt: Attempt) -> str:
        form, page, url = await self._load(client)
        attempt.passed("load")
        sent = self._merge(form, page, self._fields(report))
        target = urljoin(url, form.action)
        self._at_home(target)
        if form.method != "post":
            raise UnusableError(f"the form is sent by {form.method.upper()}, want POST")
        files = [(name, (f.name, f.content, f.media_type)) for name, f in self._files(report)]
        client.timeout = httpx.Timeout(self._settings.confirm.within)
        request = _request(client, target, sent, files, multipart=form.multipart, referer=url)
        attempt.clicked = True
        try:
            answer, text = await self._follow(client, request)
        except httpx.ConnectError as error:
            if error.request.url != request.url:
                raise NoAnswerError(f"the form was sent and its answer leads nowhere: {_said(error)}") from error
            attempt.clicked = False
            raise _fault(target, error) from error
        except UnusableError as error:
            raise NoAnswerError(f"the form was sent and its answer leads away: {error}") from error
        except httpx.TransportError as error:
            raise NoAnswerError(f"the form was sent and no answer came: {_said(error)}") from error
        attempt.passed("submit")
        return self._judge(answer, text, page)

    def _judge(self, answer: httpx.Response, text: str, before: HtmlPage) -> str:
        """The text of a page that confirms. Raises UnusableError in the page's words."""
        after = read_html(text)
        facts = after.facts.with_sources(before.facts.sources)
        if answer.status_code >= 400:
            words = facts.words(before.facts.errors)
            raise UnusableError(f"{facts.hurdle()}HTTP {answer.status_code}: page says {words!r}")
        if not self._settings.confirm.seen_in(after.text):
            raise facts.not_confirmed(self._settings.confirm.text, before.facts.errors)
        return after.text

    async def _load(self, client: httpx.AsyncClient) -> tuple[HtmlForm, HtmlPage, str]:
        """The form, its page, and the address that it came from in the end."""
        try:
            answer, text = await self._follow(client, client.build_request("GET", self._settings.url))
        except httpx.TransportError as error:
            raise _fault(self._settings.url, error) from error
        page = read_html(text)
        if answer.status_code >= 400:
            words = page.facts.words()
            raise UnusableError(f"{page.facts.hurdle()}HTTP {answer.status_code} for {answer.url}: {words!r}")
        return self._pick(page), page, str(answer.url)

    def _pick(self, page: HtmlPage) -> HtmlForm:
        """The configured form; without a choice, the first one that has the most of the configured fields."""
        wish = self._settings.form
        if wish is None and page.forms:
            wanted = {*self._settings.fields, *self._settings.files}
            return max(page.forms, key=lambda form: len(wanted.intersection(form.names)))
        if isinstance(wish, str):
            named = next((form for form in page.forms if form.id == wish), None)
            if named is None:
                ids = ", ".join(repr(form.id[:60]) for form in page.forms)
                raise UnusableError(f"{page.facts.hurdle()}form not found: got forms with id [{ids}], want {wish!r}")
            return named
        number = wish or 0
        if number >= len(page.forms):
            raise UnusableError(
                f"{page.facts.hurdle()}form not found: got {len(page.forms)} forms, want number {number} (from 0)"
            )
        return page.forms[number]

    def _merge(self, form: HtmlForm, page: HtmlPage, fields: Mapping[str, str | None]) -> list[tuple[str, str]]:
        """What the form carries by itself, with ``fields`` put in. Raises UnusableError for one that it lacks."""
        names = form.names
        for name in (*fields, *self._settings.files):
            if name not in names:
                got = ", ".join(repr(other[:60]) for other in names[:30])
                raise UnusableError(f"{page.facts.hurdle()}field not found: got fields [{got}], want {name!r}")
        for name, value in fields.items():
            _require_option(form, name, value)
        carried = [(name, value) for name, value in form.carried() if name not in fields]
        return [*carried, *((name, value or "") for name, value in fields.items())]

    async def _follow(self, client: httpx.AsyncClient, request: httpx.Request) -> tuple[httpx.Response, str]:
        """Send ``request`` and follow its redirects, as long as they stay at home."""
        for _ in range(_MOST_REDIRECTS):
            self._at_home(str(request.url))
            answer = await client.send(request, stream=True)
            try:
                body = await _body(answer)
            finally:
                await answer.aclose()
            if answer.next_request is None:
                return answer, body.decode(answer.charset_encoding or "utf-8", "replace")
            request = answer.next_request
        raise UnusableError(f"more than {_MOST_REDIRECTS} redirects, the last one to {str(request.url)[:200]}")

    def _at_home(self, url: str) -> None:
        if not same_host(url, self._hosts):
            where = urlsplit(url).hostname
            raise UnusableError(f"the form leads to another host: got {where!r}, want {', '.join(self._hosts)}")


def _require_option(form: HtmlForm, name: str, value: str | None) -> None:
    """A list or a group of radio buttons takes only what it offers."""
    offered = [
        option
        for item in form.fields
        if item.name == name and item.kind in ("select", "radio")
        for option in item.options
    ]
    if value is not None and offered and value not in [option for option, _ in offered]:
        got = ", ".join(repr(option[:60]) for option, _ in offered[:30])
        raise UnusableError(f"option not found in {name!r}: got [{got}], want {value!r}")


def _request(
    client: httpx.AsyncClient,
    target: str,
    sent: Iterable[tuple[str, str]],
    files: list[tuple[str, tuple[str, bytes, str]]],
    *,
    multipart: bool,
    referer: str,
) -> httpx.Request:
    """The POST as a browser makes it: line breaks as CRLF (HTML, section 4.10.21.8), in the form's own encoding."""
    fields: dict[str, list[str]] = {}
    for name, value in sent:
        fields.setdefault(name, []).append("\r\n".join(value.replace("\r\n", "\n").split("\n")))
    parts = urlsplit(referer)
    headers = {"Referer": referer, "Origin": f"{parts.scheme}://{parts.netloc}"}
    if not multipart:
        return client.build_request("POST", target, data=fields, headers=headers)
    plain_parts: list[Any] = [(name, (None, value.encode())) for name, several in fields.items() for value in several]
    return client.build_request("POST", target, files=[*plain_parts, *files], headers=headers)


async def _body(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > _MOST_BYTES:
            break
    return bytes(body)


def _fault(url: str, error: httpx.TransportError) -> UnusableError | OwnFaultError:
    """Whose fault it is that a page could not be had."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return name_fault(urlsplit(url).hostname or "", cause)
        if isinstance(cause, OSError) and cause.errno in (errno.ENETUNREACH, errno.ENETDOWN):
            return OwnFaultError(Component.HTTP, "network_down", f"{url}: {_said(error)}")
        cause = cause.__cause__ or cause.__context__
    return UnusableError(f"page unreachable: {url}: {_said(error)}")


def _said(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:300]
