"""The log: structlog on standard error, for people or for machines."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from io import StringIO

import structlog


class _Unfailing(StringIO):
    """Standard error, which may be a file on a full disk: what cannot be written is lost, and ends nothing."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def log_to_stderr(*, as_json: bool) -> None:
    """Log to standard error, for people or as JSON."""
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(_Unfailing()),
    )
