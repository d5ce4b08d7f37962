"""The public's side of a form that lets the canary by its CAPTCHA: a plain look without the bypass before each report.

What the public cannot use is down, whatever the bypass shows. One that asks for no CAPTCHA any more is told.
"""

from __future__ import annotations

from canary.channels import UnusableError
from canary.channels.forms.attempt import Attempt
from canary.model import Component, OwnFaultError, Submission

Troubles = tuple[tuple[Component, str, str], ...]


class PublicSide:
    """What was seen of it since the channel was opened."""

    def __init__(self, url: str) -> None:
        self._url, self._asked = url, True

    def troubles(self, captcha: str | None) -> Troubles:
        """That the page asks the public for no CAPTCHA: told once, until it does so again."""
        before, self._asked = self._asked, captcha is not None
        if self._asked or not before:
            return ()
        said = f"{self._url} asks the public for no CAPTCHA: got none on the page, want the one that the bypass is for"
        return ((Component.HTTP, "captcha_gone", said),)


def not_for_the_public(attempt: Attempt, fault: UnusableError | OwnFaultError) -> Submission:
    """A report that was not sent, since the form is not there for anybody else; or we could not look."""
    if isinstance(fault, OwnFaultError):
        return attempt.failed(fault)
    return attempt.failed(UnusableError(f"for the public, without the bypass: {fault}"))


def words(captcha: str | None) -> str:
    """What the public is asked, for the end of a sentence."""
    return f"; the public is asked for {captcha}" if captcha else "; NO CAPTCHA for the public, and a bypass of one"
