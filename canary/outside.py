"""One question over HTTP to somebody outside: what it takes in time and in bytes has a limit, whatever is there."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from canary.budgets import Budget, BudgetError
from canary.model import CanaryError

if TYPE_CHECKING:
    import ssl


class UnansweredError(CanaryError):
    """Nothing, too much or too late was answered; said in a sentence that begins with the address."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer over HTTP, read to its end."""

    status: int
    reason: str
    """What it says beside the status, such as ``Service Unavailable``."""
    kind: str
    """Its media type, without parameters; empty if there is none."""
    content: bytes

    @property
    def text(self) -> str:
        """Its content as text; what is none is replaced."""
        return self.content.decode(errors="replace")


async def ask(
    url: str,
    headers: Mapping[str, str],
    budget: Budget,
    *,
    content: bytes | None = None,
    trust: Callable[[], ssl.SSLContext] | None = None,
    at: Mapping[str, tuple[str, int]] | None = None,
) -> HttpAnswer:
    """Get what is at ``url``, or post ``content`` there; the whole answer must hold the budget, time included.

    A redirect is an answer as any other. ``trust`` may raise OSError. ``at`` is where hosts are that somebody else than
    the system's resolver has looked up: address and port. Raises UnansweredError.
    """
    from canary.exchange import BROKEN, body, exchange  # whoever asks nobody outside does not load httpx

    trusting = {} if trust is None else {"trust": trust}
    try:
        async with (
            budget.deadline(),
            exchange(budget, headers=headers, at=at, **trusting) as client,
            client.stream("GET" if content is None else "POST", url, content=content) as answer,
        ):
            kept = await body(answer, budget)
    except BROKEN as error:
        raise UnansweredError(f"{url}: {_reason(error)}") from error
    except OSError as error:  # the certificates to be trusted
        raise UnansweredError(f"{url}: the CAs to trust cannot be read: {error}") from error
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    return HttpAnswer(answer.status_code, answer.reason_phrase, kind, kept)


def _reason(error: BaseException) -> str:
    """What went wrong, by the deepest that the operating system tells: on top it is only that no attempt succeeded."""
    import ssl  # who asks has it by now

    words, cause = str(error) or type(error).__name__, error.__cause__ or error.__context__
    if isinstance(error, BudgetError):  # it says itself what was too much, whatever had happened before
        return words
    while cause is not None:
        elsewhere = isinstance(cause, FileNotFoundError | ssl.SSLError)  # of no network, or no number of the system's
        if isinstance(cause, OSError) and cause.errno is not None and not elsewhere:
            words = os.strerror(cause.errno) if cause.errno in errno.errorcode else cause.strerror or words
        cause = cause.__cause__ or cause.__context__
    return words
