"""The second half of a report to a form that sends its reporter a link: the mail is waited for, and its link followed.

Only a mail that has the mark of this report counts, in its text or in the address that it was sent to, and only a link
that is as the configuration says, on the form's own hosts or those named for it. Until then the report reached nobody.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from html import unescape
from itertools import islice

from canary.budgets import OPT_IN_LINKS
from canary.channels import Awaited, Resources, UnusableError
from canary.channels.forms.attempt import Attempt, NoAnswerError
from canary.channels.forms.home import Address
from canary.channels.forms.page import short
from canary.channels.forms.settings import FormSettings
from canary.mail.reading import read_mail
from canary.model import OwnFaultError, Report, Submission
from canary.threads import in_thread

_LINK = re.compile(rf"https?://[^\s<>\"'`\\\x00-\x20\x7f]{{1,{OPT_IN_LINKS.received}}}", re.IGNORECASE)
_CLOSING = ".,;:!?)]}*_"
"""What may follow a link and is none of it."""
_TOLD = 5
"""Hosts of links that were not followed, which are named."""

Submit = Callable[[float], Awaitable[Submission]]
Follow = Callable[[str], Awaitable[str | None]]


class OptIn:
    """What a form wants after it thanked; nothing, for one without."""

    def __init__(self, settings: FormSettings, resources: Resources) -> None:
        self._settings, self._opt_in = settings, settings.opt_in
        self._clock, self._letters = resources.clock, resources.letters

    async def completed(self, report: Report, submit: Submit, follow: Follow, within: float) -> Submission:
        """What ``submit`` gives in so many seconds, accepted only once the link in its mail was followed.

        ``follow`` loads a link; it returns the reference number in the page that confirms, or raises UnusableError or
        OwnFaultError.
        """
        if self._opt_in is None:
            return await submit(within)
        if self._letters is None:
            raise ValueError("a form with opt_in is submitted by who reads the senders' replies")
        whole = Attempt(self._clock)
        with ExitStack() as waiting:  # from before it is sent, no mail is too early; what comes after the link is none
            awaited = waiting.enter_context(self._letters.awaited(report.probe))
            first = await submit(within)
            if not first.accepted:
                return first
            follow = partial(_then, waiting.close, follow)
            second, told = await self._followed(awaited, follow, within - whole.seconds())
        return _joined(first, second, told)

    async def _followed(self, awaited: Awaited, follow: Follow, left: float) -> tuple[Submission, list[str]]:
        """How it went on, and that in lines."""
        attempt, told = Attempt(self._clock), list[str]()
        attempt.clicked = True  # the report left; whether anybody has it is another matter
        try:
            async with asyncio.timeout(left):
                link = await self._link(awaited, attempt, told)
                attempt.passed("mail")
                told.append(f"{attempt.seconds():.1f} s: following {link}")
                reference = await follow(link)
                attempt.passed("link")
        except TimeoutError:
            result = attempt.failed(NoAnswerError(f"the form's link took longer than {left:.0f} s"))
        except UnusableError as fault:
            result = attempt.failed(type(fault)(f"the form's link: {fault}"))
        except OwnFaultError as fault:
            result = attempt.failed(fault)
        else:
            result = attempt.accepted(reference)
        told.append(f"{attempt.seconds():.1f} s: {result.reason or 'confirmed'}")
        return result, told

    async def _link(self, awaited: Awaited, attempt: Attempt, told: list[str]) -> str:
        """The link that is to be followed. Raises NoAnswerError if none came, OwnFaultError if nobody could see it."""
        assert self._opt_in is not None, "asked for where there is one"
        until, elsewhere = self._clock.now() + timedelta(seconds=self._opt_in.within), dict[str, None]()
        while (raw := await awaited.next(until)) is not None:
            found, fitting = await in_thread(partial(self._read, raw))
            told.append(f"{attempt.seconds():.1f} s: a mail with {len(found)} links, {len(fitting)} of them fitting")
            if fitting:
                return fitting[0]
            elsewhere.update(dict.fromkeys(_host(link) for link in found))
        why = f"; links that came lead to {', '.join(list(elsewhere)[:_TOLD])}" if elsewhere else ""
        raise NoAnswerError(f"no mail with it within {self._opt_in.within:g} s{why}")

    def _read(self, raw: bytes) -> tuple[list[str], list[str]]:
        """The links in a message, and those that are as the configuration says and lead nowhere else."""
        assert self._opt_in is not None, "asked for where there is one"
        found, home = _links(raw), self._settings.following(self._settings.url).home()
        return found, [link for link in found if re.fullmatch(self._opt_in.link, link) and home.has(link)]


async def _then(first: Callable[[], None], follow: Follow, link: str) -> str | None:
    first()
    return await follow(link)


def _links(raw: bytes) -> list[str]:
    """The links in the texts of a message, in their order; as they stand, and without what closes a sentence."""
    return list(dict.fromkeys(islice(_each_link(raw), OPT_IN_LINKS.number)))


def _each_link(raw: bytes) -> Iterator[str]:
    for part in read_mail(raw).parts:
        if part.type in ("text/plain", "text/html"):
            for match in _LINK.finditer(part.text(OPT_IN_LINKS.decoded)):
                link = unescape(match[0]) if part.type == "text/html" else match[0]
                if _LINK.fullmatch(link):
                    yield from dict.fromkeys((link.rstrip(_CLOSING), link))


def _host(link: str) -> str:
    address = Address.of(link)
    return short(address.host if address else link, 100)


def _joined(first: Submission, second: Submission, told: list[str]) -> Submission:
    """Both halves as one submission, as the second one ended."""
    later = ((f"opt-in {name}", first.seconds + took) for name, took in second.steps)
    return replace(
        second,
        at=first.at,
        seconds=first.seconds + second.seconds,
        reference=second.reference or first.reference,
        steps=(*first.steps, *later),
        artefacts=(*first.artefacts, ("opt-in.txt", "\n".join([*told, ""]).encode("ascii", "backslashreplace"))),
        troubles=first.troubles,
    )
