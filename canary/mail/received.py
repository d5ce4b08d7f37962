"""What a Received field says (RFC 5321 section 4.4), in whichever words. Pure, linear; never raises."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from canary.mail.words import unfolded

LONGEST = 4000
"""Characters of a field that are looked at."""
LONGEST_NAME = 100
"""Characters of a server's name."""
_LONGEST_DATE = 100

_TOKEN = re.compile(r"[()]|[^\s()]++")
_CLAUSES = {"from", "by", "via", "with", "id", "for", "tls"}
_NO_NAME = re.compile(r"[^A-Za-z0-9._:-]")
_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){1,20}\.?")
_GREETED = {"helo", "ehlo", "helo:", "ehlo:"}
_VERSION = re.compile(r"(?i)(?<![\w.-])(TLS|SSL)[v ]?([1-3])(?:[._]([0-9]))?(?![\w.-])")
_PROTECTED = re.compile(r"(?i)(?:UTF8)?(?:E?SMTP|LMTP)SA?|HTTPS")


@dataclass(frozen=True, slots=True)
class ReceivedField:
    """What one field says. ``name`` is whom the server saw, ``address`` from where; "" and None where it is not told.

    ``unnamed`` says that nobody is named from whom the message came: it was made there, or handed on within.
    """

    by: str
    name: str
    address: IPv4Address | IPv6Address | None
    tls: str
    at: datetime | None
    unnamed: bool

    @property
    def came_from(self) -> str:
        """Whom the server saw, with the address."""
        return f"{self.name} [{self.address}]".strip() if self.address else self.name


def read_received(value: bytes) -> ReceivedField:
    """The parts of a field by their names; what is not there or cannot be read is empty."""
    text = unfolded(value[: 2 * LONGEST])[:LONGEST]
    clauses = _clauses(text.rpartition(";")[0] or text)
    words, remarks = clauses.get("from", ([], []))
    return ReceivedField(
        by=_name(clauses["by"][0][0]) if clauses.get("by", ([], []))[0] else "",
        name=_seen_as(words, remarks),
        address=next((found for word in (*remarks, *words[:1]) if (found := _address(word))), None),
        tls=_tls(clauses),
        at=received_at(value),
        unnamed="from" not in clauses,
    )


def received_at(value: bytes) -> datetime | None:
    """When the server says that it received the message: to the second, cut off; in UTC."""
    try:
        found = parsedate_to_datetime(value.rpartition(b";")[2].decode("latin-1").strip()[:_LONGEST_DATE])
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _clauses(text: str) -> dict[str, tuple[list[str], list[str]]]:
    """By the word that begins a clause: its words, and those of the remarks in it. The first of each counts."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    current: tuple[list[str], list[str]] = ([], [])
    depth = 0
    for word in _TOKEN.findall(text):
        name = word.lower()
        if word in "()":
            depth = max(0, depth + (1 if word == "(" else -1))
        elif depth:
            current[1].append(word)
        elif name in _CLAUSES and name not in found:
            found[name] = current = ([], [])
        else:
            current[0].append(word)
    return found


def _seen_as(words: list[str], remarks: list[str]) -> str:
    """The name that the server found by the address, which most write as a remark; else the one that it was told."""
    for before, remark in zip(["", *remarks], remarks, strict=False):
        greeted = before.lower() in _GREETED
        if not greeted and _HOST.fullmatch(remark) and _address(remark) is None and _VERSION.fullmatch(remark) is None:
            return _name(remark)
    told = words[0] if words else ""
    return "" if _address(told) else _name(told)


def _name(word: str) -> str:
    return _NO_NAME.sub("?", word.strip("[]<>;,").rstrip("."))[:LONGEST_NAME]


def _address(word: str) -> IPv4Address | IPv6Address | None:
    """An address as they are written: 192.0.2.1, [192.0.2.1], [IPv6:2001:db8::1], with a port behind it."""
    bare = word.strip("[];,").partition("]")[0]
    bare = bare[5:] if bare.lower().startswith("ipv6:") else bare
    return _parsed(bare[:LONGEST_NAME]) if bare[:1].isalnum() or bare[:1] == ":" else None


@lru_cache(1024)
def _parsed(bare: str) -> IPv4Address | IPv6Address | None:
    """Kept, since the same few servers stand in every message."""
    try:
        return ip_address(bare)
    except ValueError:
        return None


def _tls(clauses: dict[str, tuple[list[str], list[str]]]) -> str:
    """The version that a remark tells, else that the protocol is one with TLS (RFC 3848, RFC 6531, RFC 8314)."""
    remarks = " ".join(word for _, remark in clauses.values() for word in remark)
    version = _VERSION.search(remarks) or _VERSION.search(" ".join(clauses.get("with", ([], []))[0]))
    if version:
        return f"{version[1].upper()} {version[2]}.{version[3] or 0}"
    protocol = next(iter(clauses.get("with", ([], []))[0]), "")
    return "yes" if _PROTECTED.fullmatch(protocol) or "tls" in clauses else ""
