"""How a sender's messages are signed by DKIM (RFC 6376)."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from canary.settings.base import Secret, Settings

_LABELS = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?){0,10}")


def _labels(value: str) -> str:
    lower = value.lower()
    if not _LABELS.fullmatch(lower):
        raise ValueError("wanted a name of letters, digits, hyphens and dots such as s1 or example.com")
    return lower


class DkimSettings(Settings):
    """By which key a persona's messages are signed, where no provider does it."""

    domain: Annotated[str, AfterValidator(_labels)] = Field(
        description="the domain that signs: that of the persona's address"
    )
    selector: Annotated[str, AfterValidator(_labels)] = Field(
        description="which key: it is published as SELECTOR._domainkey.DOMAIN"
    )
    key: Secret = Field(description="the private key, RSA in PEM without a password")
