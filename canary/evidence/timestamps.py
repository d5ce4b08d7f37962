"""Time-stamps (RFC 3161): an authority outside says that a signed checkpoint, and so all before it, existed by then.

What is time-stamped are the bytes of the checkpoint's note as it was signed, without cosignatures. A token is verified
before it is recorded. What still lacks one follows from the ledger, so nothing is forgotten over a restart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from canary.budgets import TIMESTAMP, TRUSTED_CERTIFICATES
from canary.clock import Clock
from canary.evidence.outside import OutsideError
from canary.evidence.published import newest
from canary.evidence.recorder import EvidenceRecorder
from canary.evidence.settings import TsaSettings
from canary.evidence.tiles import sync_folder, write_file
from canary.ledger import Event, EventKind, Ledger
from canary.ledger.events import parse_time, timestamp, truncate
from canary.ledger.reader import LedgerReader
from canary.outside import UnansweredError, ask
from canary.threads import in_thread

_QUERY = {
    "Content-Type": "application/timestamp-query",
    "Accept": "application/timestamp-reply",
    "Accept-Encoding": "identity",
}


class TimestampError(OutsideError):
    """No time-stamp was had, or not a good one; said in a sentence."""

    reason = "timestamp"


@dataclass(frozen=True, slots=True)
class Pace:
    """How often an authority is to stamp, in seconds: ``every`` so often, of checkpoints of every ``checkpoints``."""

    every: float
    checkpoints: float

    @property
    def promised(self) -> float:
        """What the log tells: no two time-stamps are further apart, and so nothing further from one, but for faults.

        A report may carry the checkpoint before the newest one, so less than two of those would be broken at times.
        """
        return max(self.every, 2 * self.checkpoints)

    def is_due(self, last: datetime, now: datetime) -> bool:
        """Whether a checkpoint of ``now`` is to be stamped, as the next one may come too late."""
        return (now - last).total_seconds() >= self.every - self.checkpoints


@dataclass(frozen=True, slots=True)
class Lacking:
    """The checkpoints that lack a time-stamp of an authority, oldest first.

    And of its newest time-stamp the time in it, and that of the checkpoint which it is of.
    """

    checkpoints: list[Event]
    last: datetime | None = None
    signed: datetime | None = None


def lacking(ledger: LedgerReader, name: str, pace: Pace, now: datetime) -> Lacking:
    """What an authority is to stamp: the first checkpoint of every day (it closes the day before), and the newest one
    if the next may come too late; of one that has stamped nothing yet only the newest."""
    stamp = newest(ledger, EventKind.TIMESTAMPED, now, lambda event: event.body["tsa"] == name)
    if stamp is None:
        signed = newest(ledger, EventKind.CHECKPOINT, now)
        return Lacking([signed] if signed else [])
    size = stamp.body["size"]  # the event of its checkpoint stands behind all that it is over
    since = [event for event in ledger.events(kind=EventKind.CHECKPOINT, after=size) if event.body["size"] >= size]
    due = [event for before, event in pairwise(since) if event.at.date() > before.at.date()]
    if since[1:] and pace.is_due(since[0].at, since[-1].at) and since[-1] not in due:
        due.append(since[-1])
    return Lacking(due, parse_time(stamp.body["gen_time"]), since[0].at)


class Authority:
    """One time-stamping authority, and what it has stamped of the log. Asked for one time-stamp at a time.

    ``checkpoints`` is the number of seconds from one checkpoint to the next.
    """

    def __init__(
        self,
        settings: TsaSettings,
        ledger: Ledger,
        folder: Path,
        clock: Clock,
        recorder: EvidenceRecorder | None = None,
        *,
        checkpoints: float = 300.0,
    ) -> None:
        self.settings, self._ledger, self._folder, self._clock = settings, ledger, folder, clock
        self._pace = Pace(settings.every, checkpoints)
        self._recorder = recorder or EvidenceRecorder(ledger)
        self.last: datetime | None = None
        """The time in its newest time-stamp."""
        self._signed: datetime | None = None
        """The time of the checkpoint that was stamped last."""

    @property
    def name(self) -> str:
        """What it is called in the evidence."""
        return self.settings.name

    def waits(self) -> bool:
        """Whether it is to stamp a checkpoint of now, be it that only our own events are new in it."""
        return self._signed is not None and self._pace.is_due(self._signed, self._clock.now())

    def pending(self) -> list[Event]:
        """The checkpoints that lack its time-stamp, oldest first: see :func:`lacking`."""
        found = lacking(self._ledger, self.name, self._pace, self._clock.now())
        self.last, self._signed = found.last, found.signed
        return found.checkpoints

    def newest(self) -> Event | None:
        """The newest checkpoint, if it lacks its time-stamp."""
        signed = newest(self._ledger, EventKind.CHECKPOINT, self._clock.now())
        stamp = newest(self._ledger, EventKind.TIMESTAMPED, self._clock.now(), lambda e: e.body["tsa"] == self.name)
        stamped = stamp is not None and signed is not None and stamp.body["size"] == signed.body["size"]
        return None if stamped else signed

    async def do(self, checkpoint: Event) -> Event:
        """Have a checkpoint time-stamped and record it.

        Raises TimestampError, OwnFaultError, OSError, and EndedError if it was given up meanwhile. Cancelled while the
        authority is asked, it ends at once and nothing is recorded.
        """
        note = checkpoint.body["note"].encode()
        request = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256).nonce(nonce=True).build()
        reply = await self._ask(request.as_bytes())
        return await in_thread(partial(self._keep, checkpoint, reply, note, request.nonce))

    async def _ask(self, query: bytes) -> bytes:
        settings = self.settings
        try:
            answer = await ask(settings.url, _QUERY, replace(TIMESTAMP, seconds=settings.timeout), content=query)
        except UnansweredError as error:
            raise TimestampError(str(error)) from error
        if answer.status != HTTPStatus.OK:
            raise TimestampError(f"{settings.url}: answered {answer.status} {truncate(answer.reason, 100)}")
        return answer.content

    def _keep(self, checkpoint: Event, reply: bytes, note: bytes, nonce: int | None) -> Event:
        """Verify a reply, and have it on disk and in the ledger."""
        self.last = verify(reply, note, self.settings.ca_file, nonce)
        path = self._folder / f"{checkpoint.body['size']}-{self.name}.tsr"
        write_file(path, reply)
        sync_folder(path.parent)
        body = {
            "size": checkpoint.body["size"],
            "root": checkpoint.body["root"],
            "tsa": self.name,
            "token": self._ledger.artefacts.put(reply),
            "gen_time": timestamp(self.last),
            "every": self._pace.promised,
        }
        recorded = self._recorder.record(Event(EventKind.TIMESTAMPED, self._clock.now(), body))
        self._signed = checkpoint.at
        return recorded


def verify(reply: bytes, data: bytes, ca_file: Path, nonce: int | None = None) -> datetime:
    """When ``data`` existed, by a time-stamp reply that leads to a certificate in ``ca_file``.

    Raises TimestampError with what is wrong with it.
    """
    response = _decoded(reply)
    builder = VerifierBuilder(nonce=nonce)
    for certificate in _certificates(ca_file):
        if certificate.subject == certificate.issuer:
            builder = builder.add_root_certificate(certificate)
        else:
            builder = builder.add_intermediate_certificate(certificate)
    if response.tst_info.message_imprint.message != sha256(data).digest():
        raise TimestampError("the time-stamp is for other data")
    try:
        builder.build().verify_message(response, data)
    except (VerificationError, ValueError) as error:
        raise TimestampError(f"the time-stamp does not verify: {error}") from error
    return response.tst_info.gen_time.astimezone(UTC)


def _decoded(reply: bytes) -> TimeStampResponse:
    try:
        response = decode_timestamp_response(reply)
    except ValueError as error:
        raise TimestampError(f"not a time-stamp reply: {error}") from error
    if response.status != PKIStatus.GRANTED:
        words = truncate(" ".join(response.status_string), 200)
        raise TimestampError(f"not granted: status {response.status} {words}".rstrip())
    return response


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(TRUSTED_CERTIFICATES.read_path(path))
    except (OSError, ValueError) as error:
        raise TimestampError(f"{path}: {error}") from error
