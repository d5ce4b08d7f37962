"""The evidence of a running canary: signs, time-stamps, cosigns and checks in threads of its own.

No two authorities wait for each other, and nothing here holds up a probe: the prober only reads the newest checkpoint.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from canary.evidence.keys import key_store
from canary.evidence.log import EvidenceLog, newest
from canary.evidence.notes import Checkpoint, NoteError
from canary.evidence.rotation import SigningKeys
from canary.evidence.selfcheck import Checked, check
from canary.evidence.settings import EvidenceSettings
from canary.evidence.tiles import EvidenceError
from canary.evidence.timestamps import Authority, TimestampError
from canary.evidence.witness import Witness, WitnessError
from canary.ledger import Event, EventKind, Ledger
from canary.ledger.events import cut
from canary.model import Component, OwnFaultError

_SHARE = 3.0
"""A self-check rests so many times as long as it works: a quarter of one processor at the most."""

_FIRST_RETRY, _LAST_RETRY = 30.0, 3600.0
_STOP_WITHIN = 10.0
_MEASURE_EVERY = 3600.0

_FAILURES = (EvidenceError, NoteError, TimestampError, WitnessError, OwnFaultError, OSError)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Figures:
    """What the metrics tell of the evidence; times in POSIX seconds, None where there is none yet."""

    size_bytes: int
    last_checkpoint: float | None
    last_verify_success: bool | None
    last_verify: float | None
    last_timestamp: float | None
    pending_timestamps: int


class Evidence:
    """The evidence of one ledger, in ``STATE/evidence``. Does nothing by itself before :meth:`start`."""

    def __init__(
        self, settings: EvidenceSettings, state: Path, origin: str, ledger: Ledger, now: Callable[[], datetime]
    ) -> None:
        self.folder, self.origin = state / "evidence", origin
        self._ledger, self._now = ledger, now
        self._apply(settings)
        self.checked = Checked.read(self.folder / "verified.json")
        self._stopping = threading.Event()
        self._news = threading.Condition()
        self._news_number = 0
        self._threads: list[threading.Thread] = []
        self._failing: set[str] = set()
        self._forked = False
        self._signed: Event | None = None
        self._head: Checkpoint | None = None
        self._pending: dict[str, int] = {}
        self._size_bytes, self._measured = 0, -_MEASURE_EVERY

    def _apply(self, settings: EvidenceSettings) -> None:
        store = key_store(settings.key, self.folder / "key", self.origin)
        keys = SigningKeys(self._ledger, store, self.origin, timedelta(seconds=settings.overlap))
        self.settings = settings
        self.log = EvidenceLog(self._ledger, self.folder, self.origin, keys, self._now)
        stamps = self.folder / "timestamps"
        self.authorities = [Authority(tsa, self._ledger, stamps, self._now) for tsa in settings.timestamps]
        self.witnesses = [Witness(witness, self.log, self._ledger, self._now) for witness in settings.witnesses]

    def change(self, settings: EvidenceSettings) -> None:
        """Go on as another configuration says (a new origin holds from the next start on). Raises OwnFaultError."""
        if settings != self.settings:
            self.stop()
            self._apply(settings)
            self._pending = {}
            self.start()

    def latest(self) -> Checkpoint | None:
        """The newest checkpoint; None if there is none, or none that can be read (which is logged, not raised)."""
        try:
            return self.log.latest()
        except (EvidenceError, OSError) as error:
            _log.error("the newest checkpoint cannot be read", error=str(error))
            return None

    def carried(self) -> tuple[int, str] | None:
        """Size and root hash (hexadecimal) of the newest checkpoint that we know of, as reports carry them."""
        head = self._head or self.latest()
        return (head.size, head.root.hex()) if head else None

    def start(self) -> None:
        """Begin to sign, time-stamp, cosign and check."""
        self._stopping.clear()
        self._run("evidence-sign", self._sign_for_ever)
        self._run("evidence-check", self._check_for_ever)
        outsiders: list[Authority | Witness] = [*self.authorities, *self.witnesses]
        for outside in outsiders:
            self._run(f"evidence-{outside.name}", partial(self._keep_up, outside))

    def stop(self) -> None:
        """Sign what is new a last time, and end the threads. What waits for an answer is given up, and due again."""
        self._stopping.set()
        with self._news:
            self._news.notify_all()
        deadline = time.monotonic() + _STOP_WITHIN
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._threads = []
        self.advance()

    def advance(self) -> Checkpoint | None:
        """Sign what is new, now. A failure is recorded and logged, not raised."""
        with self._told("sign"):
            try:
                self.log.advance()
                self._forked = False
            except EvidenceError:
                self._forked = True
                raise
            finally:
                self._signed = newest(self._ledger, EventKind.CHECKPOINT, self._now())
            with self._news:
                self._news_number += 1
                self._news.notify_all()
        self._head = self.latest()
        return self._head

    def forget(self) -> None:
        """Empty in the published bundles what retention has emptied. A failure is recorded and logged, not raised."""
        with self._told("forget"):
            self.log.forget()

    def check(self, *, gently: bool = False) -> Checked | None:
        """Check the whole log now, ``gently`` with rests in between. Returns None if nothing was signed yet."""
        begun = [time.monotonic()]

        def between() -> bool:
            if gently and self._stopping.wait((time.monotonic() - begun[0]) * _SHARE):
                return False
            begun[0] = time.monotonic()
            return True

        found = check(self.log, self._now(), between)
        if found is not None:
            self.checked = found
            found.write(self.folder / "verified.json")
        return found

    def figures(self) -> Figures:
        """What the metrics tell. Cheap: what the threads found last."""
        checked, signed = self.checked, self._signed
        stamped = max((authority.last for authority in self.authorities if authority.last), default=None)
        return Figures(
            size_bytes=self._size_bytes,
            last_checkpoint=signed.at.timestamp() if signed else None,
            last_verify_success=False if self._forked else checked.ok if checked else None,
            last_verify=checked.at.timestamp() if checked else None,
            last_timestamp=stamped.timestamp() if stamped else None,
            pending_timestamps=sum(self._pending.values()),
        )

    def _measure(self) -> None:
        """How many bytes the ledger and its evidence take; looked up rarely, there may be many tiles."""
        if time.monotonic() - self._measured >= _MEASURE_EVERY:
            files = [*self.folder.rglob("*"), *self.folder.parent.glob("ledger.sqlite*")]
            self._size_bytes = sum(path.stat().st_size for path in files if path.is_file())
            self._measured = time.monotonic()

    def _run(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _sign_for_ever(self) -> None:
        while not self._stopping.is_set():
            self.advance()
            with self._told("measure"):
                self._measure()
            self._stopping.wait(self.until_next())

    def until_next(self) -> float:
        """Seconds to the next checkpoint: every so often, and when a day (UTC) has ended."""
        now = self._now()
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return min(self.settings.checkpoint_every, (midnight - now).total_seconds() + 0.1)

    def _check_for_ever(self) -> None:
        while not self._stopping.is_set():
            last, seen = self.checked, self._news_number
            if last is None or (self._now() - last.at).total_seconds() >= self.settings.verify_every:
                with self._told("check"):
                    found = self.check(gently=True)
                    if found is not None and found.problems:
                        raise EvidenceError(f"the ledger is not as it was signed: {'; '.join(found.problems)}")
            self._wait_for_news(seen)

    def _keep_up(self, what: Authority | Witness) -> None:
        """Do what is pending, and again at each new checkpoint; what fails is tried again, ever more rarely."""
        retry = _FIRST_RETRY
        while not self._stopping.is_set():
            seen = self._news_number
            with self._told(what.name) as failed:
                self._do(what)
            if failed:
                self._stopping.wait(retry)
                retry = min(retry * 2, _LAST_RETRY)
            else:
                retry = _FIRST_RETRY
                self._wait_for_news(seen)

    def _do(self, what: Authority | Witness) -> None:
        pending = what.pending()
        while pending and not self._stopping.is_set():
            if isinstance(what, Authority):
                self._pending[what.name] = len(pending)
            what.do(pending.pop(0))
        self._pending[what.name] = len(pending)

    def _wait_for_news(self, seen: int) -> None:
        with self._news:
            self._news.wait_for(lambda: self._stopping.is_set() or self._news_number != seen, _LAST_RETRY)

    @contextmanager
    def _told(self, what: str) -> Iterator[list[str]]:
        """Log a failure, and record the first of a row of them; the list then holds it."""
        failed: list[str] = []
        try:
            yield failed
        except _FAILURES as error:
            failed.append(str(error))
            _log.error("evidence", part=what, error=str(error))
            if what not in self._failing:
                self._failing.add(what)
                self._record(error)
        else:
            self._failing.discard(what)

    def _record(self, error: Exception) -> None:
        component, reason = _reason(error)
        body = {"component": component.value, "reason": reason, "detail": cut(str(error))}
        self._ledger.append(Event(EventKind.TROUBLE, self._now(), body))


def _reason(error: Exception) -> tuple[Component, str]:
    """What a failure is called in the ledger and in metrics: a closed list."""
    if isinstance(error, TimestampError):
        return Component.HTTP, "timestamp"
    if isinstance(error, WitnessError):
        return Component.HTTP, "witness"
    if isinstance(error, OwnFaultError):
        return error.component, error.reason
    return Component.STORE, "evidence"
