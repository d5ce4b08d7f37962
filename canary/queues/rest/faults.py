"""What goes wrong between us and a system that is asked over HTTP, in closed words."""

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


class RestReason(StrEnum):
    """Why a ticket system or a mail platform cannot be read: the closed list of ``reason`` for both parts of ours."""

    SECRET = "secret"  # noqa: S105  the password or the token could not be read
    TOKEN_REFUSED = "token_refused"  # noqa: S105  the token server gives none
    TOKEN_UNAVAILABLE = "token_unavailable"  # noqa: S105  the token server cannot be asked
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
    CLOSE_REFUSED = "close_refused"  # our own ticket could not be closed
    UNEXPECTED = "unexpected"  # a fault of the watcher itself


AWAY = frozenset(
    {
        RestReason.DNS,
        RestReason.UNREACHABLE,
        RestReason.TIMEOUT,
        RestReason.UNAVAILABLE,
        RestReason.TOKEN_UNAVAILABLE,
    }
)
"""Those by which nobody is there who could be bothered."""
REFUSED = frozenset({RestReason.LOGIN_REFUSED, RestReason.FORBIDDEN, RestReason.TOKEN_REFUSED})
"""Those by which an account may be locked that goes on asking."""


def explain(part: Component, error: BaseException, where: str, echo: Echo) -> OwnFaultError:
    """Whatever was raised while the system at ``where`` was asked, as a fault of our ``part`` that tells no secret."""
    if isinstance(error, OwnFaultError):
        return error
    said = echo.removed(str(error)[: 10 * LONGEST_TOLD])[:LONGEST_TOLD]
    return OwnFaultError(part, _reason(error).value, f"{where}: {type(error).__name__}: {said}")


def _reason(error: BaseException) -> RestReason:
    for cause in _causes(error):
        match cause:
            case BudgetError():
                return RestReason.TOO_MUCH
            case ssl.SSLCertVerificationError():
                return RestReason.TLS_EXPIRED if cause.verify_code == _EXPIRED else RestReason.TLS_UNTRUSTED
            case ssl.SSLEOFError() | ConnectionResetError() | BrokenPipeError():
                return RestReason.UNREACHABLE
            case ssl.SSLError():
                return RestReason.TLS_FAILED
            case socket.gaierror():
                return RestReason.DNS
            case TimeoutError() | httpx.TimeoutException():
                return RestReason.TIMEOUT
    match error:
        case httpx.DecodingError() | ValueError() | RecursionError():
            return RestReason.GARBAGE
        case httpx.RequestError() | OSError():
            return RestReason.UNREACHABLE
    return RestReason.UNEXPECTED


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from, the deepest first: on top it is only that no attempt succeeded."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return reversed(chain)
