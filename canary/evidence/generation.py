"""The evidence as one configuration has it, from its start to its end: it signs, time-stamps, cosigns and checks.

No two authorities wait for each other, and nothing here holds up a probe: what blocks is done in threads. Whatever
hangs when it is stopped is given up, and records nothing any more.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from canary.clock import Clock
from canary.evidence.jobs import Jobs, Step
from canary.evidence.keys import key_store
from canary.evidence.log import IDLE, BusyError, EvidenceLog
from canary.evidence.notes import Checkpoint
from canary.evidence.outside import OutsideError
from canary.evidence.published import newest
from canary.evidence.recorder import EndedError, EvidenceRecorder
from canary.evidence.rotation import SigningKeys
from canary.evidence.selfcheck import VERIFIED, Checked, check
from canary.evidence.settings import EvidenceSettings, TsaSettings, WitnessSettings
from canary.evidence.tiles import EvidenceError
from canary.ledger import Event, EventKind, Ledger
from canary.ledger.events import trouble
from canary.model import CanaryError, Component, OwnFaultError
from canary.threads import begun, in_thread

if TYPE_CHECKING:
    from canary.evidence.timestamps import Authority
    from canary.evidence.witness import Witness

_SHARE = 3.0
"""A self-check rests so many times as long as it works: a quarter of one processor at the most."""

_FIRST_RETRY, _LAST_RETRY = 30.0, 3600.0
_STOP_WITHIN = 10.0
_STAMP_WITHIN = 5.0
"""Seconds that an authority has for the last time-stamp before an end."""
_MEASURE_EVERY = 3600.0

_SIGN = "sign"
_PARTS = {_SIGN: "signing", "check": "self-check", "forget": "forgetting"}
"""What some of the jobs are called among the parts of the canary."""
_HANGS = 120.0
"""Seconds after which a signature that is being made is taken for one that hangs."""

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


class Generation:
    """The evidence of one ledger under one configuration. Does nothing by itself before :meth:`start`."""

    def __init__(self, settings: EvidenceSettings, folder: Path, origin: str, ledger: Ledger, clock: Clock) -> None:
        """Raises OwnFaultError if the keys cannot be used."""
        self.settings, self._folder, self._ledger, self._clock = settings, folder, ledger, clock
        self._recorder = recorder = EvidenceRecorder(ledger)
        store = key_store(settings.key, folder / "key", origin)
        self._keys = SigningKeys(ledger, store, origin, timedelta(seconds=settings.overlap), recorder)
        self.log = EvidenceLog(ledger, folder, origin, clock, self._keys, recorder)
        stamps = folder / "timestamps"
        self.authorities = [
            _authority(tsa, ledger, stamps, clock, recorder, settings.checkpoint_every) for tsa in settings.timestamps
        ]
        self.witnesses = [_witness(witness, self.log, ledger, clock, recorder) for witness in settings.witnesses]
        self.checked = Checked.read(folder / VERIFIED)
        self._jobs = Jobs()
        self.failing: dict[str, str] = {}
        """By part (``sign``, ``check``, ``forget``, ``measure``, an authority or a witness) why it failed last."""
        self._forked = False
        self._signing_since: float | None = None
        self._signed: Event | None = None
        self._head: Checkpoint | None = None
        self._pending: dict[str, int] = {}
        self._size_bytes, self._measured = 0, -_MEASURE_EVERY

    def prove(self) -> None:
        """Whether it could sign, without a change to anything. Raises OwnFaultError, and NoteError as signing does."""
        self._keys.prove()

    def start(self) -> None:
        """Begin to sign, time-stamp, cosign and check, on the running event loop."""
        self._jobs.begin(_SIGN, self._sign, heeds_news=False)
        self._jobs.begin("check", self._check)
        outsiders: list[Authority | Witness] = [*self.authorities, *self.witnesses]
        for outside in outsiders:
            self._jobs.begin(outside.name, self._upkeep(outside))

    async def stop(self, *, signing: bool) -> None:
        """End, within some 20 seconds whatever hangs; ``signing`` what is new a last time.

        What waits for an answer from outside is ended at once, and due again at the next start. What does not end is
        given up, told in the log and in the ledger, and never recorded.
        """
        self._recorder.stopping.set()
        given_up = await self._jobs.stop(_STOP_WITHIN)
        if signing and _SIGN not in given_up:
            last = begun(self.advance)
            await asyncio.wait([last], timeout=_STOP_WITHIN)
            given_up += await self._stamp_last(given_up) if last.done() else ["the last checkpoint"]
        if given_up:
            error = EvidenceError(f"stopped before it was done: {', '.join(given_up)}")
            _log.error("evidence", part="stop", error=str(error))
            self._record(error)
        self._recorder.end()

    async def _stamp_last(self, given_up: list[str]) -> list[str]:
        """Have the last checkpoint time-stamped: until the next start nothing else proves when that was.

        By whoever answered last time. Returns the names of those that do not answer soon; they are not waited for.
        """

        async def stamp(authority: Authority) -> None:
            with self._recording_faults(authority.name):
                signed = await in_thread(authority.newest)
                if signed is not None:
                    await authority.do(signed)

        asked = [one for one in self.authorities if one.last and one.name not in {*self.failing, *given_up}]
        tasks = {asyncio.create_task(stamp(authority)): authority.name for authority in asked}
        late = (await asyncio.wait(tasks, timeout=_STAMP_WITHIN))[1] if tasks else set()
        for task in late:
            task.cancel()
        return [tasks[task] for task in late]

    def latest(self) -> Checkpoint | None:
        """The newest checkpoint; None if there is none, or none that can be read (which is logged, not raised)."""
        try:
            return self.log.latest()
        except (CanaryError, OSError) as error:
            _log.error("the newest checkpoint cannot be read", error=str(error))
            return None

    def carried(self) -> Checkpoint | None:
        """The newest checkpoint that we know of: what can no longer be read was signed all the same."""
        return self._head or self.latest()

    def advance(self) -> Checkpoint | None:
        """Sign what is new, now. A failure is recorded and logged, not raised."""
        with self._recording_faults(_SIGN):
            try:
                self.log.advance(idle=timedelta(0) if self._is_awaited() else IDLE)
                self._forked = False
            except (BusyError, EndedError):
                raise
            except EvidenceError:
                self._forked = True
                raise
            finally:
                self._signed = newest(self._ledger, EventKind.CHECKPOINT, self._clock.now())
        self._head = self.latest()
        return self._head

    def _is_awaited(self) -> bool:
        """Whether an authority that answers is to stamp a checkpoint of now: its time-stamps follow close on another
        also where nothing happens, since of what happens next nothing closer is proved."""
        return any(authority.waits() and authority.name not in self.failing for authority in self.authorities)

    def forget(self) -> None:
        """Empty in the published bundles what retention has emptied. A failure is recorded and logged, not raised."""
        with self._recording_faults("forget"):
            self.log.forget()

    def check(self, *, gently: bool = False) -> Checked | None:
        """Check the whole log now, ``gently`` with rests in between. Returns None if nothing was signed yet."""
        began = [self._clock.monotonic()]

        def between() -> bool:
            worked = self._clock.monotonic() - began[0]
            if gently and self._clock.wait(self._recorder.stopping, worked * _SHARE):
                return False
            began[0] = self._clock.monotonic()
            return True

        found = check(self.log, self._clock.now(), between)
        if found is not None:
            self.checked = found
            found.write(self._folder / VERIFIED)
        return found

    def figures(self) -> Figures:
        """What the metrics tell. Cheap: what was found last."""
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

    def troubles(self) -> dict[str, str]:
        """By part why it is not well; empty if it is. Callable from any thread."""
        outsiders: list[Authority | Witness] = [*self.authorities, *self.witnesses]
        names = ["check", "forget", *(outside.name for outside in outsiders)]
        known = {_SIGN: self._hanging() or self.failing.get(_SIGN, "")}
        known |= {name: self.failing.get(name, "") for name in names}
        known |= dict.fromkeys(self._jobs.ended(), "it has ended, and nobody wanted it to")
        return {_PARTS.get(name, name): why for name, why in known.items()}

    def _hanging(self) -> str:
        """Why nothing was signed for long, where that is because the key or the disk does not answer."""
        since = self._signing_since
        if since is None or self._clock.monotonic() - since < _HANGS:
            return ""
        return f"it has been signing for {self._clock.monotonic() - since:.0f} s and is not done"

    def until_next(self) -> float:
        """Seconds to the next checkpoint: every so often, and when a day (UTC) has ended."""
        now = self._clock.now()
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return min(self.settings.checkpoint_every, (midnight - now).total_seconds() + 0.1)

    async def _sign(self) -> float:
        self._signing_since = self._clock.monotonic()
        await in_thread(self.advance)
        self._signing_since = None
        with self._recording_faults("measure"):
            await in_thread(self._measure)
        self._jobs.news()
        return self.until_next()

    async def _check(self) -> float:
        every, last = self.settings.verify_every, self.checked
        if last is None or (self._clock.now() - last.at).total_seconds() >= every:
            with self._recording_faults("check"):
                found = await in_thread(partial(self.check, gently=True))
                if found is not None and found.problems:
                    raise EvidenceError(f"the ledger is not as it was signed: {'; '.join(found.problems)}")
        return min(every, _LAST_RETRY)

    def _upkeep(self, what: Authority | Witness) -> Step:
        """What is pending there; what fails is tried again ever more rarely, whatever the news."""
        retry, again_at = _FIRST_RETRY, -math.inf

        async def step() -> float:
            nonlocal retry, again_at
            if (left := again_at - self._clock.monotonic()) > 0:
                return left
            with self._recording_faults(what.name) as failed:
                await self._do_pending(what)
            if not failed:
                retry = _FIRST_RETRY
                return _LAST_RETRY
            rest, retry = retry, min(2 * retry, _LAST_RETRY)
            again_at = self._clock.monotonic() + rest
            return rest

        return step

    async def _do_pending(self, what: Authority | Witness) -> None:
        pending = await in_thread(what.pending)
        while pending:
            if what in self.authorities:
                self._pending[what.name] = len(pending)
            await what.do(pending.pop(0))
        self._pending[what.name] = 0

    def _measure(self) -> None:
        """How many bytes the ledger and its evidence take; looked up rarely, there may be many tiles."""
        if self._clock.monotonic() - self._measured >= _MEASURE_EVERY:
            files = sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())
            self._size_bytes = files + self._ledger.size_bytes()
            self._measured = self._clock.monotonic()

    @contextmanager
    def _recording_faults(self, what: str) -> Iterator[list[str]]:
        """Log a failure, and record the first of a row of them; the list then holds it."""
        failed: list[str] = []
        try:
            yield failed
        except EndedError as error:
            failed.append(str(error))
        except Exception as error:  # whatever it is, it must not end what the evidence rests on
            known = isinstance(error, CanaryError | OSError)
            words = str(error) if known else repr(error)
            failed.append(words)
            _log.error("evidence", part=what, error=words, exc_info=None if known else error)
            first = what not in self.failing
            self.failing[what] = words
            if first:
                self._record(error)
        else:
            self.failing.pop(what, None)

    def _record(self, error: Exception) -> None:
        component, reason = _reason(error)
        try:
            self._recorder.append(trouble(self._clock.now(), component, reason, str(error)))
        except EndedError:
            return  # what goes wrong after its end is no trouble any more


def _reason(error: Exception) -> tuple[Component, str]:
    """What a failure is called in the ledger and in metrics: a closed list."""
    if isinstance(error, OutsideError):
        return Component.HTTP, error.reason
    if isinstance(error, OwnFaultError):
        return error.component, error.reason
    return Component.STORE, "evidence"


def _authority(
    settings: TsaSettings, ledger: Ledger, folder: Path, clock: Clock, recorder: EvidenceRecorder, checkpoints: float
) -> Authority:
    from canary.evidence.timestamps import Authority  # with HTTP and the parser of tokens

    return Authority(settings, ledger, folder, clock, recorder, checkpoints=checkpoints)


def _witness(
    settings: WitnessSettings, log: EvidenceLog, ledger: Ledger, clock: Clock, recorder: EvidenceRecorder
) -> Witness:
    from canary.evidence.witness import Witness  # with HTTP

    return Witness(settings, log, ledger, clock, recorder)
