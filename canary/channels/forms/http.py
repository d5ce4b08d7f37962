"""Report through a form that needs no JavaScript: fetch the page, fill in its fields by name, send it as browsers do.

Hidden fields (CSRF tokens, view state), preset values and cookies are carried over. The report is sent once, and only
to the configured address (or ``posts_to``): a form or a redirect that leads elsewhere is a form error. So is a server
that answers more than :mod:`canary.budgets` allows. Pages are read in a thread: others have the event loop meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from canary.budgets import FORM_ANSWERS, FORM_REDIRECTS
from canary.channels import Resources, Sender, UnusableError
from canary.channels.forms.asking import Answered, fault_of, follow, said
from canary.channels.forms.attempt import Attempt, NoAnswerError
from canary.channels.forms.bypass import HEADER, Bypass, bypass_of
from canary.channels.forms.charset import encoded, known, sent_in, urlencoded
from canary.channels.forms.html import HtmlField, HtmlForm, HtmlPage, read_html
from canary.channels.forms.identified import Identified
from canary.channels.forms.opt_in import OptIn
from canary.channels.forms.private_ca import trust_in
from canary.channels.forms.public import PublicSide, Troubles, not_for_the_public, words
from canary.channels.forms.settings import HttpFormSettings
from canary.channels.forms.shape import of_form, of_target, server_key, told
from canary.channels.forms.steps import attached, filled, payload, values
from canary.exchange import BROKEN, exchange
from canary.model import Attachment, Outgoing, OwnFaultError, Report, Submission
from canary.threads import in_thread

_HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
}


class HttpFormChannel:
    """A :class:`canary.channels.Channel` through a form that needs no browser."""

    def __init__(self, settings: HttpFormSettings, sender: Sender, resources: Resources) -> None:
        self._settings, self._home, self._clock = settings, settings.home(), resources.clock
        self._sender, self._resources, self._opt_in = sender, resources, OptIn(settings, resources)
        self._bypass, self._public = bypass_of(settings, resources), PublicSide(settings.url)
        self._identified = Identified()
        self.seen: dict[str, str] = {}
        """How the form looked on the last visit; empty if it was not seen."""

    def prepare(self, report: Report) -> Outgoing:
        """The text of each field, and the names and hashes of the files: RFC 8785 canonical JSON."""
        files = {file.name: file for _, file in self._files(report)}
        return Outgoing(report, payload(report, self._fields(report), files.values()))

    async def submit(self, outgoing: Outgoing, *, within: float) -> Submission:
        """Fill in the form and submit it, once. Raises ValueError for a channel that is for reachability only."""
        if self._settings.reachability_only:
            raise ValueError("this channel is reachability_only: it may be checked, never submitted")
        self.seen = {}
        report = outgoing.report
        whole = self._opt_in.completed(report, partial(self._submit, report), self._confirmed, within)
        result, key = await asyncio.gather(whole, server_key(self._settings.url))
        self.seen |= key if self.seen else {}
        return self._identified.told(report, result)

    async def _submit(self, report: Report, within: float) -> Submission:
        """Submit it, after a look at what the public has of the form where ours is let by a CAPTCHA."""
        attempt = Attempt(self._clock)
        troubles: Troubles = ()
        try:
            async with asyncio.timeout(within):
                if self._bypass is not None:
                    try:
                        _, page, _ = await self._look()
                        troubles = self._public.troubles(page.facts.captcha)
                    except (UnusableError, OwnFaultError) as fault:
                        return not_for_the_public(attempt, fault)
                async with self._client(self._bypass) as client:
                    reference = await self._send(client, report, attempt)
        except TimeoutError:
            result = attempt.failed(NoAnswerError(f"the form took longer than {within:g} s"))
        except (UnusableError, OwnFaultError) as fault:
            result = attempt.failed(fault)
        else:
            result = attempt.accepted(reference)
        return replace(result, troubles=troubles)

    async def _confirmed(self, link: str) -> str | None:
        """Follow the link of a mail; the reference number in the page that confirms. Raises UnusableError and such."""
        page = HttpFormChannel(self._settings.following(link), self._sender, self._resources)
        async with page._client(page._bypass) as client:
            try:
                answer = await page._loaded(client)
            except UnusableError as fault:
                if fault.__cause__ is None or isinstance(fault.__cause__, httpx.ConnectError):
                    raise
                raise NoAnswerError(str(fault)) from fault  # it was asked for, and may have been taken
        return await in_thread(partial(page._judge, answer, read_html("")))

    async def check(self) -> str:
        """Load the page and find the form and each of its configured fields."""
        form, page, loaded = await self._look(self._bypass)
        self.seen = _shape(form, page, loaded) | await server_key(self._settings.url)
        found = (
            f"{loaded.url}: found {', '.join(repr(name) for name in (*self._settings.fields, *self._settings.files))}"
        )
        captcha = f"; {page.facts.captcha} on the page" if page.facts.captcha else ""
        if self._bypass is not None:
            captcha += words((await self._look())[1].facts.captcha)
        return f"{found}; {told(self.seen)}{captcha}"

    async def _look(self, bypass: Bypass | None = None) -> tuple[HtmlForm, HtmlPage, Answered]:
        """The form with all that is configured of it. Raises UnusableError and OwnFaultError."""
        async with self._client(bypass) as client:
            form, page, loaded = await self._load(client)
        fields = dict.fromkeys(self._settings.fields)
        await in_thread(partial(self._merge, form, page, fields, self._button(form, page)))
        return form, page, loaded

    async def close(self) -> None:
        """Nothing to let go of: each probe has a connection, and cookies, of its own."""

    def _fields(self, report: Report) -> dict[str, str]:
        known = values(report, self._settings.serial, self._sender)
        return {name: filled(template, known) for name, template in self._settings.fields.items()}

    def _files(self, report: Report) -> list[tuple[str, Attachment]]:
        return [(name, file) for name, which in self._settings.files.items() for file in attached(report, which)]

    @asynccontextmanager
    async def _client(self, bypass: Bypass | None) -> AsyncIterator[httpx.AsyncClient]:
        async with exchange(FORM_ANSWERS, headers=_HEADERS, trust=partial(trust_in, self._settings.ca_file)) as client:
            if bypass is not None:
                client.event_hooks = {"request": [partial(_sign, bypass)]}
            yield client

    async def _send(self, client: httpx.AsyncClient, report: Report, attempt: Attempt) -> str | None:
        """Load, fill in and send the form; returns the reference number in the page that confirms, if there is one."""
        form, page, loaded = await self._load(client)
        attempt.passed("load")
        self.seen = _shape(form, page, loaded)
        request = await in_thread(partial(self._request, client, report, form, page, loaded))
        self._home.require(str(request.url))
        attempt.clicked = True
        try:
            async with replace(FORM_ANSWERS, seconds=self._settings.confirm.within).deadline():
                answer = await self._refreshed(client, await follow(client, request, self._home))
        except httpx.ConnectError as error:
            if error.request.url != request.url:
                raise NoAnswerError(f"the form was sent and its answer leads nowhere: {said(error)}") from error
            attempt.clicked = False
            raise fault_of(str(request.url), error) from error
        except UnusableError as error:
            raise NoAnswerError(f"the form was sent and its answer leads away: {error}") from error
        except BROKEN as error:
            raise NoAnswerError(f"the form was sent and no answer came: {said(error)}") from error
        attempt.passed("submit")
        return await in_thread(partial(self._judge, answer, page))

    def _request(
        self, client: httpx.AsyncClient, report: Report, form: HtmlForm, page: HtmlPage, loaded: Answered
    ) -> httpx.Request:
        """What sends the form. Raises UnusableError for one that cannot be sent as configured."""
        button = self._button(form, page)
        says = {
            "action": form.action,
            "method": form.method,
            "enctype": form.enctype,
            **(button.instead if button else {}),
        }
        sent = self._merge(form, page, self._fields(report), button)
        if says["method"].lower() != "post":
            raise UnusableError(f"the form is sent by {says['method'].upper()[:20]}, want POST")
        files = [(name, (f.name, f.content, f.media_type)) for name, f in self._files(report)]
        charset = sent_in(next(filter(None, map(known, form.charset.split())), loaded.charset))
        try:
            target = _target(says["action"], page, loaded)
            multipart = files if "multipart" in says["enctype"].lower() else None
            return _request(client, target, sent, multipart, charset=charset, referer=loaded.url)
        except BROKEN as error:
            raise UnusableError(f"the form leads to no address: {says['action'][:200]!r}: {said(error)}") from error

    def _button(self, form: HtmlForm, page: HtmlPage) -> HtmlField | None:
        """The button that sends the form. Raises UnusableError if it is not known which one that is, or not there."""
        wish = self._settings.button
        known_as = {f"{item.name}={value}": item for item in form.buttons for value in item.values or [""]}
        told = ", ".join(repr(name[:60]) for name in list(known_as)[:30])
        if wish is not None:
            names = [(item, (item.name, item.label, *item.values, *(f"{item.name}={v}" for v in item.values)))
                     for item in form.buttons]  # fmt: skip
            found = next((item for item, several in names if wish in several), None)
            if found is None:
                raise UnusableError(f"{page.facts.hurdle()}button not found: got buttons [{told}], want {wish!r}")
            return found
        different = {(item.name, *item.values, *item.instead.items()) for item in form.buttons}
        if len(different) > 1:
            raise UnusableError(f"{len(different)} buttons send the form: [{told}]; want one of them as `button`")
        return form.buttons[0] if form.buttons else None

    def _judge(self, answer: Answered, before: HtmlPage) -> str | None:
        """The reference number in a page that confirms. Raises UnusableError in the page's words."""
        after = read_html(answer.text)
        facts = after.facts.with_sources(before.facts.sources)
        if answer.status >= 400:
            words = facts.words(before.facts.errors)
            raise UnusableError(f"{facts.hurdle()}HTTP {answer.status}: page says {words!r}")
        if self._settings.confirm.seen_in(after.text):
            return self._settings.confirm.reference_in(after.text)
        if after.beyond:
            raise NoAnswerError(f"the form was sent and its answer cannot be read: {after.beyond}")
        raise facts.not_confirmed(self._settings.confirm.text, before.facts.errors)

    async def _load(self, client: httpx.AsyncClient) -> tuple[HtmlForm, HtmlPage, Answered]:
        """The form, its page, and the answer that this came in."""
        return await in_thread(partial(self._read, await self._loaded(client)))

    async def _loaded(self, client: httpx.AsyncClient) -> Answered:
        """What the address answers in the end. Raises UnusableError and OwnFaultError."""
        try:
            async with replace(FORM_ANSWERS, seconds=self._settings.loads_within).deadline():
                asked = client.build_request("GET", self._settings.url)
                return await self._refreshed(client, await follow(client, asked, self._home))
        except BROKEN as error:
            raise fault_of(self._settings.url, error) from error

    async def _refreshed(self, client: httpx.AsyncClient, answer: Answered) -> Answered:
        """The page that a page gives way to by itself, in the end; one with a form, or what is waited for, stays."""
        number = 0
        while answer.status < 400:
            page = await in_thread(partial(read_html, answer.text))
            if page.refresh is None or page.forms or self._settings.confirm.seen_in(page.text):
                break
            seconds, address = page.refresh
            number += 1
            FORM_REDIRECTS.hold(number=number)
            await self._clock.sleep(seconds)
            target = urljoin(urljoin(answer.url, page.base), address) if address else answer.url
            answer = await follow(client, client.build_request("GET", target), self._home)
        return answer

    def _read(self, answer: Answered) -> tuple[HtmlForm, HtmlPage, Answered]:
        page = read_html(answer.text)
        if answer.status >= 400:
            raise UnusableError(f"{page.facts.hurdle()}HTTP {answer.status} for {answer.url}: {page.facts.words()!r}")
        if page.beyond:
            raise UnusableError(f"{page.facts.hurdle()}the page cannot be read: {page.beyond}")
        return self._pick(page), page, answer

    def _pick(self, page: HtmlPage) -> HtmlForm:
        """The configured form; without a choice, the first one that has the most of the configured fields."""
        wish = self._settings.form
        if wish is None and page.forms:
            wanted = {*self._settings.fields, *self._settings.files}
            return max(page.forms, key=lambda form: len(wanted.intersection(form.names)))
        if isinstance(wish, str):
            named = next((form for form in page.forms if form.id == wish), None)
            if named is None:
                ids = ", ".join(repr(form.id[:60]) for form in page.forms[:30])
                raise UnusableError(f"{page.facts.hurdle()}form not found: got forms with id [{ids}], want {wish!r}")
            return named
        number = wish or 0
        if number >= len(page.forms):
            raise UnusableError(
                f"{page.facts.hurdle()}form not found: got {len(page.forms)} forms, want number {number} (from 0)"
            )
        return page.forms[number]

    def _merge(
        self, form: HtmlForm, page: HtmlPage, fields: Mapping[str, str | None], button: HtmlField | None
    ) -> list[tuple[str, str]]:
        """What the form carries by itself, with ``fields`` put in. Raises UnusableError for one that it lacks."""
        names = form.names
        for name in (*fields, *self._settings.files):
            if name not in names:
                got = ", ".join(repr(other[:60]) for other in names[:30])
                raise UnusableError(f"{page.facts.hurdle()}field not found: got fields [{got}], want {name!r}")
        for name, value in fields.items():
            _require_option(form, name, value)
        carried = [(name, value) for name, value in form.carried(button) if name not in fields]
        return [*carried, *((name, value or "") for name, value in fields.items())]


async def _sign(bypass: Bypass, request: httpx.Request) -> None:
    """Sign a request, or take from it what a redirect brought along."""
    request.headers.pop(HEADER, None)
    request.headers.update(bypass.headers(request.method, str(request.url), {}))


def _target(action: str, page: HtmlPage, loaded: Answered) -> str:
    """Where a form goes. Raises ValueError for what is no address."""
    return urljoin(urljoin(loaded.url, page.base), action) if action else loaded.url


def _shape(form: HtmlForm, page: HtmlPage, loaded: Answered) -> dict[str, str]:
    """How a form looks; of one that goes nowhere the fields alone."""
    try:
        return of_form(form, page.facts.captcha) | of_target(_target(form.action, page, loaded), form.method)
    except ValueError:
        return of_form(form, page.facts.captcha)


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
    files: list[tuple[str, tuple[str, bytes, str]]] | None,
    *,
    charset: str,
    referer: str,
) -> httpx.Request:
    """The POST as a browser makes it: line breaks as CRLF (HTML, section 4.10.21.8), in the form's own encoding; with
    ``files``, if only none, as multipart."""
    pairs = [(name, "\r\n".join(value.replace("\r\n", "\n").split("\n"))) for name, value in sent]
    pairs = [(name, charset.upper() if name == "_charset_" else value) for name, value in pairs]
    parts = urlsplit(referer)
    headers = {"Referer": referer, "Origin": f"{parts.scheme}://{parts.netloc}"}
    if files is None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return client.build_request("POST", target, content=urlencoded(pairs, charset), headers=headers)
    plain_parts: list[Any] = [(name, (None, encoded(value, charset))) for name, value in pairs]
    return client.build_request("POST", target, files=[*plain_parts, *files], headers=headers)
