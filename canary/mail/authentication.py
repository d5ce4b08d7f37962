"""What receiving servers found by SPF, DKIM, DMARC and ARC (RFC 8601, RFC 7208). Pure, linear; never raises.

Anybody can write such a field into a message that they send. So one counts only if the part of the way that is surely
the receiver's has a server by its authserv-id, and if it stands above what came from outside (RFC 8601 section 5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from canary.mail.received import LONGEST, LONGEST_NAME, ReceivedField
from canary.mail.words import unfolded
from canary.model import Authentication

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

METHODS = ("spf", "dkim", "dmarc", "arc")
RESULTS = (
    "pass", "fail", "softfail", "hardfail", "neutral", "none", "policy", "permerror", "temperror", "bestguesspass",
)  # fmt: skip
"""What a method may come to (RFC 8601 section 2.7, and what large receivers write besides); else ``other``."""
_MOST = 20
"""Fields that are looked at, the topmost."""
_OWN = tuple(
    ip_network(net)
    for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "::1", "fc00::/7",
                "fe80::/10")
)  # fmt: skip
_TOKEN = re.compile(r'[();]|"(?:[^"\\]|\\.)*+"?|[^()";]++', re.DOTALL)
_RESULT = re.compile(r"\s*+([A-Za-z0-9-]{1,40})(?:\s*/\s*[0-9]{1,4})?\s*=\s*([A-Za-z]{1,40})")
_DOMAIN = re.compile(r"(?i)\b(?:header\.[di]|smtp\.(?:mailfrom|helo)|header\.from|envelope-from)\s*=\s*\"?([^\s;\"]++)")
_OF_SPF = re.compile(r"\s*+([A-Za-z]{1,40})")
_OF_SPF_BY = re.compile(r"(?i)\breceiver\s*=\s*([^\s;]++)")
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]")

Field = tuple[int, bytes]
"""Where in the header a field stands, the topmost at 0, and its value."""


@dataclass(frozen=True, slots=True)
class Inside:
    """The part of a header that is the receiver's: the names of its servers, and where what came from outside begins.

    ``border`` is where the Received field stands that the outermost of them wrote.
    """

    hosts: frozenset[str]
    border: int
    end: int


def inside(received: Sequence[tuple[int, ReceivedField]], believed: Sequence[str]) -> Inside:
    """How far down the Received fields are surely the receiver's own, the topmost first.

    The final server is, and whoever it had the message from, as long as that is told to be of the same organisation, or
    of a network of its own; and each of the ``believed``, names of servers or domains that an operator relies on.
    """
    hosts, border, within = set(believed), -1, True
    for at, field in received:
        if not within and not any(related(field.by, name) for name in believed):
            return Inside(frozenset(hosts), border, at)
        if field.by:
            hosts.add(field.by.lower())
        border, within = at, _came_from_within(field, hosts)
    return Inside(frozenset(hosts), border, 1 << 30)


def authentication(fields: Sequence[Field], spf: Sequence[Field], within: Inside) -> tuple[Authentication, ...]:
    """The first result of each method, of DKIM one that passed before others; ``spf`` are fields as RFC 7208 has them.

    Order is that of :data:`METHODS`.
    """
    found: dict[str, Authentication] = {}
    told = [each for field in fields[:_MOST] for each in _of_field(field, within)]
    for each in (*told, *(spf for field in spf[:_MOST] for spf in _of_spf(field, within))):
        known = found.setdefault(each.method, each)
        if each.method == "dkim" and each.result == "pass" and known.result != "pass" and each.told_by == known.told_by:
            found[each.method] = each
    return tuple(found[method] for method in METHODS if method in found)


def related(one: str, other: str) -> bool:
    """Whether two names are the same, or of domains that one organisation registered."""
    one, other = one.lower().rstrip("."), other.lower().rstrip(".")
    if one == other:
        return bool(one)
    domain = _registered(one)
    return domain is not None and domain == _registered(other)


def _came_from_within(field: ReceivedField, hosts: set[str]) -> bool:
    """Whether a server had the message from one of the receiver's own, as it saw it."""
    if field.unnamed or (field.address is not None and any(field.address in network for network in _OWN)):
        return True
    if field.address is None and field.name.lower() == "localhost":
        return True
    return any(related(field.name, host) for host in hosts)


@lru_cache(1024)
def _registered(name: str) -> str | None:
    """The domain under a public suffix; None for an address and a name without dots.

    Kept, since the same few servers stand in every message, and each was a quarter of what reading its way cost.
    """
    try:
        ip_address(name)
    except ValueError:
        registered: str | None = _suffixes().privatesuffix(name) if "." in name else None
        return registered
    return None


@cache
def _suffixes() -> PublicSuffixList:
    """The list, read when it is first needed: that takes a tenth of a second."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def _of_field(field: Field, within: Inside) -> Iterator[Authentication]:
    at, value = field
    first, *rest = _parts(unfolded(value[: 2 * LONGEST])[:LONGEST])
    if _RESULT.match(first):  # Exchange Online gives no authserv-id
        by, results = "", [first, *rest]
    else:
        by, results = _NO_NAME.sub("?", (first.split() or [""])[0])[:LONGEST_NAME].lower(), rest
    believed = at < within.end and any(related(by, host) for host in within.hosts) if by else at < within.border
    for text in results if believed else ():
        said = _RESULT.match(text)
        if said and said[1].lower() in METHODS:
            yield Authentication(said[1].lower(), _result(said[2]), _domain(text), by)


def _of_spf(field: Field, within: Inside) -> Iterator[Authentication]:
    """``pass (remark) client-ip=...; envelope-from=...; receiver=...`` (RFC 7208 section 9.1)."""
    at, value = field
    text = unfolded(value[: 2 * LONGEST])[:LONGEST]
    said, by = _OF_SPF.match(text), _OF_SPF_BY.search(text)
    name = _NO_NAME.sub("?", by[1])[:LONGEST_NAME].lower() if by else ""
    if said and at < within.end and any(related(name, host) for host in within.hosts):
        yield Authentication("spf", _result(said[1]), _domain(text), name)


def _parts(text: str) -> list[str]:
    """What stands between semicolons, without remarks; a quoted string is one word."""
    parts: list[list[str]] = [[]]
    depth = 0
    for piece in _TOKEN.findall(text):
        if piece in ("(", ")"):
            depth = max(0, depth + (1 if piece == "(" else -1))
        elif depth == 0 and piece == ";":
            parts.append([])
        elif depth == 0:
            parts[-1].append(piece)
    return ["".join(part) for part in parts]


def _result(word: str) -> str:
    return word.lower() if word.lower() in RESULTS else "other"


def _domain(text: str) -> str:
    """The domain that was looked at, of an address what is behind the @."""
    found = _DOMAIN.search(text)
    return _NO_NAME.sub("?", found[1].rpartition("@")[2].strip("<>"))[:LONGEST_NAME].lower() if found else ""
