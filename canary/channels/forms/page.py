"""What a form's page says, and what went wrong with it; shared by both kinds of form.

A fault of the CA's is an :class:`UnusableError`, one of ours an :class:`OwnFaultError`; an :class:`Attempt` turns both
into submissions.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from canary.channels import UnusableError
from canary.channels.forms.steps import plain
from canary.model import Component, Failure, OwnFaultError, Submission

_CAPTCHAS = {
    "reCAPTCHA": ("recaptcha",),
    "hCaptcha": ("hcaptcha", "h-captcha"),
    "Turnstile": ("challenges.cloudflare.com", "cf-turnstile"),
    "Friendly Captcha": ("friendlycaptcha", "friendly-challenge", "frc-captcha"),
    "a CAPTCHA": ("captcha",),
}
_CAPTCHA_LABELS = ("captcha", "security code", "characters in the image", "characters shown", "not a robot")


class NoAnswerError(UnusableError):
    """The report was sent off and no answer came: it is not known whether it was taken."""


@dataclass(frozen=True, slots=True)
class FormField:
    """A field that a visitor sees. ``kind`` is its input type, or textarea, select, radio (one for a whole group)."""

    label: str
    kind: str
    required: bool = False
    options: tuple[str, ...] = ()
    multiple: bool = False
    form: int = -1
    """Which of the page's forms it belongs to; -1 for none."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button that a visitor sees, and its form."""

    label: str
    form: int = -1


@dataclass(frozen=True, slots=True)
class PageFacts:
    """A page as a visitor sees it. ``sources`` are the addresses and class names that give a CAPTCHA away."""

    text: str
    errors: tuple[str, ...] = ()
    fields: tuple[FormField, ...] = ()
    buttons: tuple[Button, ...] = ()
    sources: tuple[str, ...] = field(default=(), repr=False)

    @property
    def captcha(self) -> str | None:
        """Whose CAPTCHA the page has, if any."""
        sources = " ".join(self.sources).lower()
        for name, signs in _CAPTCHAS.items():
            if any(sign in sources for sign in signs):
                return name
        labels = [item.label.lower() for item in self.fields]
        return "a CAPTCHA" if any(sign in label for label in labels for sign in _CAPTCHA_LABELS) else None

    @property
    def login(self) -> bool:
        """Whether the page asks for a password."""
        return any(item.kind == "password" for item in self.fields)

    def with_sources(self, sources: Iterable[str]) -> PageFacts:
        """These facts, and the signs of a CAPTCHA on the page before: an answer to a form often lacks them."""
        return replace(self, sources=(*self.sources, *sources))

    def hurdle(self) -> str:
        """The CAPTCHA or login wall on the page as the beginning of a sentence, or nothing."""
        if self.login:
            return "login wall: the page asks for a password; "
        return f"CAPTCHA: the page has {self.captcha}; " if self.captcha else ""

    def words(self, before: Iterable[str] = ()) -> str:
        """What the page says: its errors that were not there ``before``, else the beginning of its text."""
        fresh = [error for error in self.errors if error not in set(before)]
        if fresh:
            return short("; ".join(dict.fromkeys(fresh)), 500)
        return short(self.text, 300)

    def not_confirmed(self, wanted: str, before: Iterable[str] = ()) -> UnusableError:
        """The page answered, and the answer is not a confirmation."""
        return UnusableError(f"{self.hurdle()}not confirmed: page says {self.words(before)!r}, want {wanted!r}")

    def lacks(self, what: str, wanted: str) -> UnusableError:
        """A field (or button) that the configuration needs is not there."""
        names = [item.label for item in (self.buttons if what == "button" else self.fields)]
        got = ", ".join(repr(short(name, 60)) for name in names[:30])
        return UnusableError(f"{self.hurdle()}{what} not found: got {what}s [{got}], want {wanted!r}")


class Attempt:
    """One try to submit a form, as it goes: when it began and how long each step took."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)
        self._start = time.monotonic()
        self._steps: list[tuple[str, float]] = []
        self.clicked = False
        """Whether the report may have left."""

    def passed(self, step: str) -> None:
        """Note that ``step`` is done."""
        self._steps.append((step, time.monotonic() - self._start))

    def accepted(self, reference: str | None, artefacts: Iterable[tuple[str, bytes]] = ()) -> Submission:
        """The page confirmed the report."""
        return Submission(
            at=self.at,
            accepted=True,
            seconds=time.monotonic() - self._start,
            reference=reference,
            steps=tuple(self._steps),
            artefacts=tuple(artefacts),
        )

    def failed(self, fault: UnusableError | OwnFaultError, artefacts: Iterable[tuple[str, bytes]] = ()) -> Submission:
        """It did not go through. Our own fault after the last click leaves it open whether the report was taken."""
        ours = isinstance(fault, OwnFaultError)
        return Submission(
            at=self.at,
            accepted=False,
            seconds=time.monotonic() - self._start,
            failure=Failure.OURS if ours else Failure.FORM_ERROR,
            uncertain=self.clicked and (ours or isinstance(fault, NoAnswerError)),
            reason=str(fault),
            component=fault.component if isinstance(fault, OwnFaultError) else None,
            own_reason=fault.reason if isinstance(fault, OwnFaultError) else None,
            steps=tuple(self._steps),
            artefacts=tuple(artefacts),
        )


def name_fault(host: str, error: socket.gaierror) -> UnusableError | OwnFaultError:
    """A failed look-up: a name that does not exist is the CA's fault, a resolver that does not answer is ours."""
    if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
        return UnusableError(f"the host name {host} does not exist: {error.strerror}")
    return OwnFaultError(Component.DNS, "lookup_failed", f"looking up {host}: {error.strerror}")


async def lookup_fault(host: str) -> UnusableError | OwnFaultError:
    """Whose fault it is that the browser could not look up ``host``: asks the system's resolver."""
    try:
        await asyncio.get_running_loop().getaddrinfo(host, None)
    except socket.gaierror as error:
        return name_fault(host, error)
    return OwnFaultError(Component.DNS, "lookup_failed", f"the browser could not look up {host}, the system can")


def short(text: str, most: int) -> str:
    """``text`` on one line, without control characters, cut to ``most`` characters."""
    clean = "".join(character if character.isprintable() else " " for character in text)
    clean = plain(clean)
    return clean if len(clean) <= most else clean[: most - 1] + "…"
