"""What goes wrong between us and a ticket system, in closed words."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from enum import StrEnum

import httpx

from canary.budgets import BudgetError
from canary.echo import Echo
from canary.model import Component, OwnFaultError

_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
LONGEST_TOLD = 300
"""Characters of what a system says that are told."""


class TicketReason(StrEnum):
    """Why a ticket system cannot be read: the closed list of ``reason`` for :attr:`Component.TICKETS`."""

    SECRET = "secret"  # noqa: S105  the password or the token could not be read
    CA_FILE = "ca_file"  # the trusted CAs could not be read
    DNS = "dns"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TLS_EXPIRED = "tls_expired"
    TLS_UNTRUSTED = "tls_untrusted"  # an unknown CA, or another server's certificate
    TLS_FAILED = "tls_failed"
    LOGIN_REFUSED = "login_refused"
    FORBIDDEN = "forbidden"  # the account may not see it
    QUEUE_MISSING = "queue_missing"  # it does not exist, or the account may not see it
    REDIRECTED = "redirected"  # the answer leads elsewhere, where nobody follows
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"  # it says that it is out of order
    PROTOCOL = "protocol"  # it refuses a question
    GARBAGE = "garbage"  # an answer that is not what the description says
    TOO_MUCH = "too_much"  # an answer of more bytes, seconds or pieces than its budget
    BLIND = "blind"  # what is known to be there is not shown
    UNEXPECTED = "unexpected"  # a fault of the watcher itself


AWAY = frozenset({TicketReason.DNS, TicketReason.UNREACHABLE, TicketReason.TIMEOUT, TicketReason.UNAVAILABLE})
"""Those by which nobody is there who could be bothered."""


def fault(reason: TicketReason, detail: str) -> OwnFaultError:
    """A fault of ours with a ticket system."""
    return OwnFaultError(Component.TICKETS, reason.value, detail)


def explain(error: BaseException, where: str, echo: Echo) -> OwnFaultError:
    """Whatever was raised while the system at ``where`` was asked, as a fault of ours that tells no secret."""
    if isinstance(error, OwnFaultError):
        return error
    said = echo.removed(str(error)[: 10 * LONGEST_TOLD])[:LONGEST_TOLD]
    return fault(_reason(error), f"{where}: {type(error).__name__}: {said}")


def _reason(error: BaseException) -> TicketReason:
    for cause in _causes(error):
        match cause:
            case BudgetError():
                return TicketReason.TOO_MUCH
            case ssl.SSLCertVerificationError():
                return TicketReason.TLS_EXPIRED if cause.verify_code == _EXPIRED else TicketReason.TLS_UNTRUSTED
            case ssl.SSLEOFError() | ConnectionResetError() | BrokenPipeError():
                return TicketReason.UNREACHABLE
            case ssl.SSLError():
                return TicketReason.TLS_FAILED
            case socket.gaierror():
                return TicketReason.DNS
            case TimeoutError() | httpx.TimeoutException():
                return TicketReason.TIMEOUT
    match error:
        case httpx.DecodingError() | ValueError() | RecursionError():
            return TicketReason.GARBAGE
        case httpx.RequestError() | OSError():
            return TicketReason.UNREACHABLE
    return TicketReason.UNEXPECTED


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from, the deepest first: on top it is only that no attempt succeeded."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return reversed(chain)
