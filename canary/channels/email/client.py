"""aiosmtplib's client, made to write down what is said and to show nothing secret or unprintable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import aiosmtplib
from aiosmtplib.typing import Default

from canary.channels.email.smtp import Lost, SmtpFault, SmtpStep, unwanted
from canary.channels.email.transcript import Transcript
from canary.echo import Echo

_UNPRINTABLE = re.compile(r"[^\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3} ")


class SmtpClient(aiosmtplib.SMTP):
    """An SMTP client that writes down what is said, and whose replies are safe to print.

    ``transcript`` is to be set before anything is said, and again for each further message.
    """

    transcript: Transcript
    echo = Echo()
    """What is never written down: the password, and all that was said to prove that we know it."""
    authenticating = False

    async def execute_command(
        self,
        *args: bytes,
        timeout: float | Literal[Default.token] | None = Default.token,  # noqa: ASYNC109  # the library's own
    ) -> aiosmtplib.SMTPResponse:
        """Say a command and hear its reply, both written down."""
        self.transcript.said(self._shown(args))
        return self.heard(await super().execute_command(*args, timeout=timeout))

    def heard(self, response: aiosmtplib.SMTPResponse) -> aiosmtplib.SMTPResponse:
        """Write down a reply; returns it with nothing in it that is unprintable or secret."""
        clean = aiosmtplib.SMTPResponse(response.code, self.printable(response.message))
        self.transcript.heard(*clean)
        return clean

    def printable(self, text: str) -> str:
        """``text`` with nothing in it that is unprintable or secret.

        While we log in it is replaced, but for an enhanced code (RFC 3463), if it may repeat so much as a part of that.
        """
        text = _UNPRINTABLE.sub("?", self.echo.removed(text))
        if self.authenticating and self.echo.suspected(text):
            code = _ENHANCED.match(text)
            return f"{code[0] if code else ''}(not shown: it may repeat the password)"
        return text

    @contextmanager
    def at(self, step: SmtpStep) -> Iterator[None]:
        """Raise Refusal or Lost for what the library raises at ``step``; it closes a connection that cannot go on."""
        try:
            yield
        except aiosmtplib.SMTPTimeoutError as error:
            raise Lost(step, SmtpFault.TIMEOUT, "no reply in time") from error
        except aiosmtplib.SMTPServerDisconnected as error:
            raise Lost(step, SmtpFault.CONNECTION_LOST, "connection lost") from error
        except aiosmtplib.SMTPResponseException as error:
            raise unwanted(step, error.code, self.printable(error.message)) from error

    def _shown(self, args: tuple[bytes, ...]) -> str:
        if self.authenticating:
            public = args[:2] if args[0] == b"AUTH" else ()
            self.echo = self.echo.also(*(arg.decode("ascii") for arg in args[len(public) :]))
            args = (*public, *(b"<secret>" for _ in args[len(public) :]))
        return b" ".join(args).decode("ascii")
