"""Where a report may go: to the configured page's own address, and to the further hosts of the configuration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from canary.channels import UnusableError

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Scheme, host in lower case and port of an http(s) address: its origin (RFC 6454, section 4)."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Address | None:
        """The origin of ``url``, or None for what is no http(s) address."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return None
        if parts.scheme not in _PORTS or not parts.hostname:
            return None
        return cls(parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port)

    @property
    def place(self) -> str:
        """``HOST``, or ``HOST:PORT`` if the port is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.place}"


def host_and_port(place: str) -> tuple[str, int | None]:
    """What ``HOST`` or ``HOST:PORT`` names; an IPv6 address stands in brackets. Raises ValueError."""
    parts = urlsplit(f"//{place}")
    if not parts.hostname or parts.netloc != place or "@" in place:
        raise ValueError(f"{place!r} is no host; wanted HOST or HOST:PORT")
    return parts.hostname, parts.port


def _place(value: str) -> str:
    host_and_port(value)
    return value


Place = Annotated[str, AfterValidator(_place)]
"""``HOST`` or ``HOST:PORT``."""


class Home:
    """The origins that a report may go to.

    The scheme is that of ``url`` or the better one. The port is the one of ``url``, or that of ``https`` where ``url``
    has that of ``http``. Each of ``further`` is a host, which may have the port of ``url`` or the usual one, or a host
    with its port.
    """

    def __init__(self, url: str, further: Iterable[str]) -> None:
        own = Address.of(url)
        assert own is not None, "a configured url is checked by web_address"
        self._own = own
        self._places = {(own.host, own.port)}
        if own.port == _PORTS["http"]:
            self._places.add((own.host, _PORTS["https"]))
        for host, port in map(host_and_port, further):
            self._places |= {(host, found) for found in ((own.port, *_PORTS.values()) if port is None else (port,))}

    def has(self, url: str) -> bool:
        """Whether a report may go to ``url``."""
        there = Address.of(url)
        if there is None or (there.host, there.port) not in self._places:
            return False
        return there.scheme == "https" or self._own.scheme == "http"

    def require(self, url: str, what: str = "the form leads") -> None:
        """Raise UnusableError, in words that begin with ``what``, if a report may not go to ``url``."""
        if self.has(url):
            return
        there, hosts = Address.of(url), list(dict.fromkeys(host for host, _ in sorted(self._places)))
        if there is not None and there.host in hosts:
            raise UnusableError(f"{what} elsewhere on its host: got {there}, want {self._own} or better")
        hosts.sort(key=lambda host: host != self._own.host)
        where = there.host if there else url[:100]
        raise UnusableError(f"{what} to another host: got {where!r}, want {', '.join(hosts)}")
