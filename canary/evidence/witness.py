"""Witnesses (C2SP tlog-witness): somebody else checks that each checkpoint extends the last one, and cosigns it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import httpx

from canary.evidence.log import EvidenceLog, newest
from canary.evidence.notes import Checkpoint, Note, NoteError, Signature, VKey, hash_lines
from canary.evidence.settings import WitnessSettings
from canary.ledger import Event, EventKind, Ledger
from canary.model import CanaryError

_SIZE_TYPE = "text/x.tlog.size"
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\n")
_LARGEST = 64 * 1024


class WitnessError(CanaryError):
    """No cosignature was had, or not a good one; said in a sentence."""


class Witness:
    """One witness, and what it has cosigned of the log. Used by one thread at a time."""

    def __init__(
        self, settings: WitnessSettings, log: EvidenceLog, ledger: Ledger, now: Callable[[], datetime]
    ) -> None:
        self.settings, self._log, self._ledger, self._now = settings, log, ledger, now
        self._key = VKey.parse(settings.vkey)

    @property
    def name(self) -> str:
        """What it is called here."""
        return self.settings.name

    def pending(self) -> list[Event]:
        """The newest checkpoint, if it is not cosigned yet."""
        signed = newest(self._ledger, EventKind.CHECKPOINT, self._now())
        return [signed] if signed is not None and signed.body["size"] > self.seen() else []

    def seen(self) -> int:
        """The size that it cosigned last, as far as the ledger tells."""
        told = newest(self._ledger, EventKind.COSIGNED, self._now(), lambda event: event.body["witness"] == self.name)
        return told.body["size"] if told else 0

    def do(self, checkpoint: Event) -> Event:
        """Have a checkpoint cosigned, publish and record it. Raises WitnessError, EvidenceError, OwnFaultError."""
        note = Note.parse(checkpoint.body["note"])
        head = Checkpoint.parse(note.text)
        answer = self._submit(self.seen(), head, note)
        if (
            answer.status_code == httpx.codes.CONFLICT
        ):  # it may stand elsewhere than the ledger tells: an end in between
            answer = self._submit(self._conflict(answer, head), head, note)
        if answer.status_code != httpx.codes.OK:
            raise WitnessError(f"{self.settings.url}: answered {answer.status_code}: {answer.text[:200].strip()}")
        signatures = self._verified(answer.text, note)
        self._log.add_signatures(note.text, signatures)
        body = {
            "size": head.size,
            "root": head.root.hex(),
            "witness": self.name,
            "note": str(note.with_signatures(signatures)),
        }
        [told] = self._ledger.append(Event(EventKind.COSIGNED, self._now(), body)).result()
        return told

    def _submit(self, old: int, head: Checkpoint, note: Note) -> httpx.Response:
        proof = self._log.consistency(old, head.size)
        content = "\n".join([f"old {old}", *hash_lines(proof), "", str(note)])
        url = f"{self.settings.url.rstrip('/')}/add-checkpoint"
        try:
            with httpx.Client(timeout=self.settings.timeout, follow_redirects=False) as client:
                answer = client.post(url, content=content.encode())
        except httpx.HTTPError as error:
            raise WitnessError(f"{url}: {error or type(error).__name__}") from error
        if len(answer.content) > _LARGEST:
            raise WitnessError(f"{url}: answered {len(answer.content)} bytes, wanted at most {_LARGEST}")
        return answer

    def _conflict(self, answer: httpx.Response, head: Checkpoint) -> int:
        """The size that the witness says it stands at. Raises WitnessError if no proof leads from there to here."""
        found = _SIZE.fullmatch(answer.text)
        if answer.headers.get("content-type", "").partition(";")[0] != _SIZE_TYPE or not found:
            raise WitnessError(
                f"fork: the witness has seen another tree of {head.size} events: {answer.text[:200].strip()}"
            )
        size = int(found[1])
        if size > head.size:
            raise WitnessError(f"fork: the witness has seen {size} events of this log, and there are {head.size}")
        return size

    def _verified(self, lines: str, note: Note) -> list[Signature]:
        """The witness's cosignatures; others are ignored. Raises WitnessError if there is none, or a wrong one."""
        try:
            cosigned = Note.parse(f"{note.text}\n{lines}")
            return [signature for _, signature in cosigned.verify(self._key)]
        except NoteError as error:
            raise WitnessError(f"not a cosignature of the witness: {error}") from error
