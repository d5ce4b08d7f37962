"""What a page may send, and where: anything to the form's own addresses; to others only what asks for something, is
short, and has nothing in it that was typed. What it is kept from is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from canary.budgets import BROWSER_ADDRESS, BROWSER_TRAFFIC, Budget, BudgetError
from canary.channels.forms.bypass import Bypass
from canary.channels.forms.home import Address, Home
from canary.channels.forms.page import short
from canary.channels.forms.typed import Typed

_ASKING = ("GET", "HEAD", "OPTIONS")
_TOLD = 20


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request that a page wants to make, with the headers that are known of it; ``writes`` if it has a body."""

    url: str
    method: str
    headers: Mapping[str, str]
    writes: bool

    @property
    def host(self) -> str:
        """The host it would go to, as it may be told."""
        address = Address.of(self.url)
        return short(address.host if address else self.url, 100)


class Outlet:
    """What one visit lets out, and what it has cost so far."""

    def __init__(
        self,
        home: Home | None = None,
        traffic: Budget = BROWSER_TRAFFIC,
        bypass: Bypass | None = None,
        nowhere_else: bool = False,
    ) -> None:
        """``home`` are the form's own addresses, None for a page without a form to send; ``bypass`` signs requests.

        What goes ``nowhere_else`` asks no other host for anything.
        """
        self._home, self._traffic, self._bypass, self._nowhere_else = home, traffic, bypass, nowhere_else
        self._requests = self._received = 0
        self.written = 0
        """How many requests with something in them were let out to the form's own addresses."""
        self.typed = Typed()
        self.stopped: dict[str, bool] = {}
        """What was stopped, in words, and whether something typed was in it."""
        self.spent: str | None = None
        """Which budget it has passed, if any: then nothing more is let out."""
        self.shared = False
        """Whether bytes were counted that may have been another visit's: both had to do with the same address."""
        self.when_spent: Callable[[], None] | None = None

    def is_home(self, url: str) -> bool:
        """Whether ``url`` is one of the form's own."""
        return self._home is not None and self._home.has(url)

    def lets_out(self, wanted: PageRequest) -> bool:
        """Whether the request may be made; counted, and told if not."""
        self._hold(number=1)
        if self.spent is not None:
            return False
        if self.is_home(wanted.url):
            self.written += wanted.writes or wanted.method not in _ASKING
            return True
        why = self.objection(wanted)
        if why is not None:
            self.stop(why, typed=why.startswith("what was typed"))
        return why is None

    def signed(self, wanted: PageRequest) -> dict[str, str] | None:
        """All headers of a request in place of its own; None where those stay."""
        if self._bypass is None:
            return None
        return self._bypass.headers(wanted.method, wanted.url, wanted.headers)

    def objection(self, wanted: PageRequest) -> str | None:
        """What speaks against a request that does not go home."""
        if self._nowhere_else or wanted.writes or wanted.method not in _ASKING:
            return f"{wanted.method[:20]} to {wanted.host}"
        places = [wanted.url, *(f"{name}: {value}" for name, value in wanted.headers.items())]
        if self.typed.is_in([wanted.url[: BROWSER_ADDRESS.received], *places[1:]]):
            return f"what was typed, in a {wanted.method} to {wanted.host}"
        try:
            BROWSER_ADDRESS.hold(received=sum(map(len, places)))
        except BudgetError as error:
            return f"{wanted.method} to {wanted.host} ({error})"
        return None

    def stop(self, what: str, *, typed: bool = False) -> None:
        """Remember what was stopped, in words, and whether something typed was in it; a visit keeps the first 20."""
        if len(self.stopped) < _TOLD:
            self.stopped.setdefault(what, typed)

    def receive(self, octets: int, *, shared: bool = False) -> None:
        """Count bytes that came in for the visit, or went out; ``shared`` with others, who all count them."""
        self.shared |= shared
        self._hold(received=octets)

    def words(self) -> str:
        """What was stopped, for the end of a sentence; nothing if nothing was."""
        if not self.stopped:
            return ""
        first = list(self.stopped)[:3]
        more = f" and {len(self.stopped) - 3} more" if len(self.stopped) > 3 else ""
        return f"; kept from sending elsewhere: {', '.join(first)}{more}"

    def _hold(self, *, number: int = 0, received: int = 0) -> None:
        self._requests += number
        self._received += received
        if self.spent is not None:
            return
        try:
            self._traffic.hold(number=self._requests, received=self._received)
        except BudgetError as error:
            self.spend(str(error))

    def spend(self, why: str) -> None:
        """Let nothing more out, and have the visit ended."""
        if self.spent is None:
            self.spent = why
            if self.when_spent is not None:
                self.when_spent()
