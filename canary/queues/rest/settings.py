"""What is configured of whatever is asked over HTTP: where it is, whom to trust, and how long an answer may take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from canary.queues import WatchSettings
from canary.settings import Duration, FilePath, is_loopback

URL = r"^https?://[^/?#\s@]+(/[^?#\s]*)?$"
"""An address without a login, a query or a fragment."""


class RestSettings(WatchSettings):
    """What every watch over HTTP has; a kind adds who asks, and what it looks into."""

    url: str = Field(pattern=URL, description="where it is, without the API's path")
    ca_file: FilePath | None = Field(None, description="PEM file of the CAs to trust instead of the system's")
    timeout: Duration = Field(30.0, description="within this long each answer must be whole")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        mistakes = list(self._mistakes())
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    def _mistakes(self) -> Iterator[str]:
        """What does not fit together; a kind adds to it."""
        parts = urlsplit(self.url)
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            yield f"http:// is only for loopback addresses, got host {parts.hostname}, want https://"
