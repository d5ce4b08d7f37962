"""The words of a dialogue with a submission server (RFC 5321): its commands, its refusals, and how it breaks off.

Nothing here decides what a failure means for a probe: :class:`Refusal`, :class:`Lost`,
:class:`Undeliverable` and :class:`canary.model.OwnFaultError` tell what happened and at which command.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from canary.model import CanaryError


class SmtpFault(StrEnum):
    """What is broken on our side of the submission; a closed set, since it is a metric label."""

    UNREACHABLE = "unreachable"
    NAME_NOT_FOUND = "name_not_found"  # component dns
    LOOKUP_FAILED = "lookup_failed"  # likewise: no answer, or none that tells anything
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    TLS_FAILED = "tls_failed"
    STARTTLS_MISSING = "starttls_missing"
    SECRET_MISSING = "secret_missing"  # noqa: S105  # a word of ours, no secret
    TOKEN_REFUSED = "token_refused"  # noqa: S105  # likewise: the token server gives none
    TOKEN_UNAVAILABLE = "token_unavailable"  # noqa: S105  # likewise: it does not answer, or answers nonsense
    AUTH_FAILED = "auth_failed"
    SESSION_REFUSED = "session_refused"  # at the greeting or EHLO
    SENDER_REFUSED = "sender_refused"  # may not send, or not as this sender
    RECIPIENT_REFUSED = "recipient_refused"
    MESSAGE_REFUSED = "message_refused"
    RELAY_DENIED = "relay_denied"
    QUOTA = "quota"  # the sender has sent too much
    BLOCKLISTED = "blocklisted"  # the address that we come from is
    DEFERRED = "deferred"  # nothing but temporary refusals
    PROTOCOL_ERROR = "protocol_error"


class SmtpStep(StrEnum):
    """Where in the dialogue something happened, in the words of a reason."""

    GREETING = "the greeting"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL FROM"
    RCPT = "RCPT TO"
    DATA = "DATA"
    END = "the end of DATA"
    NOOP = "NOOP"


class Refusal(CanaryError):  # noqa: N818  # a reply of the server's, no error of ours
    """The server said no: a reply of 400 to 599, after which it has not taken the message."""

    def __init__(self, step: SmtpStep, code: int, text: str) -> None:
        super().__init__(in_words(step, code, text))
        self.step, self.code, self.text = step, code, text

    @property
    def temporary(self) -> bool:
        """Whether the same may be tried again (RFC 5321 section 4.2.1)."""
        return self.code < 500


class Lost(CanaryError):  # noqa: N818  # the end of a dialogue, by whichever side
    """No reply that could be understood. At :attr:`SmtpStep.END` it is not known whether the message was taken."""

    def __init__(self, step: SmtpStep, fault: SmtpFault, detail: str) -> None:
        super().__init__(f"{detail} (at {step})")
        self.step, self.fault = step, fault


class Undeliverable(CanaryError):  # noqa: N818  # likewise: it is so, and no error of ours
    """The CA's own systems keep a message from being handed to them, before or beside what its servers reply.

    ``temporary`` says that it may be better later, ``reached`` that a server of theirs was.
    """

    def __init__(self, reason: str, *, temporary: bool = False, reached: bool = False) -> None:
        super().__init__(reason)
        self.temporary, self.reached = temporary, reached


def in_words(step: SmtpStep, code: int, text: str) -> str:
    """A reply as a reason: the whole of it on one line, and at which command."""
    return f"{code} {' / '.join(text.splitlines())} (at {step})"


def unwanted(step: SmtpStep, code: int, text: str) -> Refusal | Lost:
    """What another reply than the wanted one means: a refusal, or a server that does not keep to the protocol."""
    if 400 <= code <= 599:
        return Refusal(step, code, text)
    return Lost(step, SmtpFault.PROTOCOL_ERROR, f"unexpected reply {in_words(step, code, text)}")


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message to one recipient; ``content`` is as it was recorded, with CRLF line ends.

    ``notify_as`` is the id by which notifications of its delivery are asked for (RFC 3461, ENVID); None for none.
    """

    sender: str
    recipient: str
    content: bytes = field(repr=False)
    notify_as: str | None = None
