"""What a domain demands of those who hand mail to its servers: MTA-STS (RFC 8461). Parsed here, fetched, and kept."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import structlog

from canary.budgets import STS_POLICY
from canary.channels.email.mx.names import Names
from canary.channels.email.smtp import Undeliverable
from canary.clock import Clock
from canary.model import CanaryError, OwnFaultError
from canary.outside import UnansweredError, ask
from canary.threads import in_thread

if TYPE_CHECKING:
    import ssl

    from canary.channels.email.mx.kept import KeptPolicies

_RECORD = re.compile(r"v=STSv1[ \t]*;(?P<fields>.*)", re.DOTALL)
ID = re.compile(r"[A-Za-z0-9]{1,32}")
MOST_SECONDS = 31_557_600
"""A policy is kept no longer, whatever it says (section 3.2)."""
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
PATTERN = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL}){{0,20}}")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """A domain's policy: ``enforce``, ``testing`` or ``none``; ``max_age`` in seconds, ``mx`` the patterns of names."""

    mode: str
    mx: tuple[str, ...]
    max_age: int
    id: str = ""

    def names(self, host: str) -> bool:
        """Whether a server is one of those named; a star stands for one label (section 4.1)."""
        rest = host.partition(".")[2]
        return any(host == mx or (mx.startswith("*.") and rest == mx[2:]) for mx in self.mx)


@dataclass(frozen=True, slots=True)
class StsFound:
    """What was found of a domain's policy: it, or why there is none; in words, too, and whether it was just fetched."""

    policy: StsPolicy | None
    said: str
    fetched: bool = False


def record_id(texts: Iterable[bytes]) -> str | None:
    """The id that the records at ``_mta-sts`` tell; None if there is not exactly one that is valid (section 3.1)."""
    found = [match["fields"] for text in texts if (match := _RECORD.match(text.decode("ascii", "replace")))]
    if len(found) != 1:
        return None
    fields = (field.partition("=") for field in found[0].split(";"))
    ids = [value.strip() for name, _, value in fields if name.strip() == "id"]
    return ids[0] if ids and ID.fullmatch(ids[0]) else None


def read_policy(text: str) -> StsPolicy:
    """A policy's file (section 3.2). Raises ValueError for one that is none, in a sentence."""
    fields: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip(), []).append(value.strip())
    version, mode, age = (fields.get(name, [""])[0] for name in ("version", "mode", "max_age"))
    if version != "STSv1":
        raise ValueError(f"version is {version[:40]!r}, want STSv1")
    if mode not in ("enforce", "testing", "none"):
        raise ValueError(f"mode is {mode[:40]!r}, want enforce, testing or none")
    if not re.fullmatch(r"[0-9]{1,10}", age):
        raise ValueError(f"max_age is {age[:40]!r}, want seconds")
    mx = tuple(value.lower().rstrip(".") for value in fields.get("mx", []))
    wrong = [value for value in mx if not PATTERN.fullmatch(value)]
    if wrong or not (mx or mode == "none"):
        raise ValueError(f"mx is {wrong[0][:80]!r}, want the name of a server" if wrong else "no mx, want one at least")
    return StsPolicy(mode, mx, min(int(age), MOST_SECONDS))


class Policies:
    """The policies of domains, kept for as long as they say (section 3.3), in memory and in the ``file``."""

    def __init__(
        self,
        names: Names,
        clock: Clock,
        port: int,
        trust: Callable[[], ssl.SSLContext],
        file: KeptPolicies | None = None,
    ) -> None:
        self._names, self._clock, self._port, self._trust, self._file = names, clock, port, trust, file
        self._kept: OrderedDict[str, tuple[StsPolicy, float]] = OrderedDict()
        self._recalled, self._on_disk = file is None, asyncio.Lock()

    async def of(self, domain: str, within: float) -> StsFound:
        """The policy that holds for a domain now: fetched where its id is another than that of the one that is kept.

        What cannot be looked up or fetched changes nothing: the kept one holds, else there is none. Nor does a file
        that cannot be read or written; that is said with what was found.
        """
        until = self._clock.monotonic() + within
        async with self._on_disk:
            trouble = await self._recall()
        found = await self._found(domain, until)
        if found.fetched and found.policy is not None:
            async with self._on_disk:
                trouble += await self._keep(domain, found.policy)
        return replace(found, said=f"{found.said}{trouble}")

    async def _found(self, domain: str, until: float) -> StsFound:
        kept = self._held(domain)
        try:
            texts = await self._names.texts(f"_mta-sts.{domain}", until - self._clock.monotonic())
        except OwnFaultError as fault:
            return StsFound(kept, f"MTA-STS: {fault.detail}{_instead(kept)}")
        new = record_id(texts)
        if new is None:
            return StsFound(kept, f"MTA-STS: {domain} has no record of a policy{_instead(kept)}")
        if kept is not None and kept.id == new:
            return StsFound(kept, f"MTA-STS: {kept.mode}, policy {new}")
        try:
            policy = replace(await self._fetch(domain, until - self._clock.monotonic()), id=new)
        except (Undeliverable, OwnFaultError, UnansweredError, ValueError) as error:
            return StsFound(kept, f"MTA-STS: policy {new} cannot be had: {error}{_instead(kept)}")
        return StsFound(policy, f"MTA-STS: {policy.mode}, policy {new}, fetched now", fetched=True)

    async def _fetch(self, domain: str, within: float) -> StsPolicy:
        host = f"mta-sts.{domain}"
        url = f"https://{host}/.well-known/mta-sts.txt"
        where = await self._names.addresses(host, within)
        budget = replace(STS_POLICY, seconds=max(0.001, min(STS_POLICY.seconds or within, within)))
        at: Mapping[str, tuple[str, int]] = {host: (where.found[-1], self._port)}  # of IPv4, if there is one
        answer = await ask(url, {}, budget, trust=self._trust, at=at)
        if answer.status != 200:  # a redirect is none (section 3.3)
            raise ValueError(f"{url}: {answer.status} {answer.reason}")
        if answer.kind.lower() != "text/plain":
            raise ValueError(f"{url}: its media type is {answer.kind[:80]!r}, want text/plain")
        return read_policy(answer.text)

    def _held(self, domain: str) -> StsPolicy | None:
        policy, until = self._kept.get(domain, (None, 0.0))
        return policy if policy is not None and self._clock.monotonic() < until else None

    async def _recall(self) -> str:
        """Take over, once, what the file holds; in words what is wrong with it. One that is damaged is begun anew."""
        if self._recalled or self._file is None:
            return ""
        self._recalled = True
        try:
            kept = await in_thread(self._file.read)
        except CanaryError as error:
            return _told(error)
        steady, now = self._clock.monotonic(), self._clock.now().timestamp()
        for domain, (policy, until) in kept.items():  # of a clock that was set back meanwhile, no longer than it may be
            self._kept[domain] = (policy, steady + min(until - now, policy.max_age))
        return ""

    async def _keep(self, domain: str, policy: StsPolicy) -> str:
        """Keep a policy; in words why that is not so on disk."""
        steady, now = self._clock.monotonic(), self._clock.now().timestamp()
        self._kept[domain] = (policy, steady + policy.max_age)
        self._kept.move_to_end(domain)
        while STS_POLICY.number is not None and len(self._kept) > STS_POLICY.number:
            self._kept.popitem(last=False)
        if self._file is None:
            return ""
        held = {name: (one, now + until - steady) for name, (one, until) in self._kept.items() if until > steady}
        try:
            await in_thread(partial(self._file.write, held))
        except CanaryError as error:
            return _told(error)
        return ""


def _told(error: CanaryError) -> str:
    _log.error("the policies of MTA-STS are not kept as they should be", error=str(error))
    return f"; {error}"


def _instead(kept: StsPolicy | None) -> str:
    return f"; the kept one holds: {kept.mode}, policy {kept.id}" if kept is not None else ""
