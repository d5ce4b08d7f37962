"""Witnesses (C2SP tlog-witness): somebody else checks that each checkpoint extends the last one, and cosigns it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from functools import partial
from http import HTTPStatus

from canary.budgets import COSIGNATURE
from canary.clock import Clock
from canary.evidence.log import EvidenceLog
from canary.evidence.notes import Checkpoint, Note, NoteError, Signature, VKey, hash_lines
from canary.evidence.outside import OutsideError
from canary.evidence.published import newest
from canary.evidence.recorder import EvidenceRecorder
from canary.evidence.settings import WitnessSettings
from canary.ledger import Event, EventKind, Ledger
from canary.ledger.reader import LedgerReader
from canary.outside import HttpAnswer, UnansweredError, ask
from canary.threads import in_thread

_SIZE_TYPE = "text/x.tlog.size"
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\n")


class WitnessError(OutsideError):
    """No cosignature was had, or not a good one; said in a sentence."""

    reason = "witness"


def cosigned_size(ledger: LedgerReader, witness: str, now: datetime) -> int:
    """The size of the log that a witness cosigned last, as far as the ledger tells; 0 for none."""
    cosigned = newest(ledger, EventKind.COSIGNED, now, lambda event: event.body["witness"] == witness)
    return cosigned.body["size"] if cosigned else 0


class Witness:
    """One witness, and what it has cosigned of the log. Asked for one cosignature at a time."""

    def __init__(
        self,
        settings: WitnessSettings,
        log: EvidenceLog,
        ledger: Ledger,
        clock: Clock,
        recorder: EvidenceRecorder | None = None,
    ) -> None:
        self.settings, self._log, self._ledger, self._clock = settings, log, ledger, clock
        self._recorder = recorder or EvidenceRecorder(ledger)
        self._key = VKey.parse(settings.vkey)

    @property
    def name(self) -> str:
        """What it is called here."""
        return self.settings.name

    def pending(self) -> list[Event]:
        """The newest checkpoint, if it is not cosigned yet."""
        signed = newest(self._ledger, EventKind.CHECKPOINT, self._clock.now())
        return [signed] if signed is not None and signed.body["size"] > self.seen() else []

    def seen(self) -> int:
        """The size that it cosigned last, as far as the ledger tells."""
        return cosigned_size(self._ledger, self.name, self._clock.now())

    async def do(self, checkpoint: Event) -> Event:
        """Have a checkpoint cosigned, publish and record it.

        Raises WitnessError, EvidenceError, OwnFaultError, and EndedError if it was given up meanwhile. Cancelled while
        the witness is asked, it ends at once and nothing is recorded.
        """
        note = Note.parse(checkpoint.body["note"])
        head = Checkpoint.parse(note.text)
        answer = await self._submit(await in_thread(self.seen), head, note)
        if answer.status == HTTPStatus.CONFLICT:  # it may stand elsewhere than the ledger tells: an end in between
            answer = await self._submit(self._conflict(answer, head), head, note)
        if answer.status != HTTPStatus.OK:
            raise WitnessError(f"{self.settings.url}: answered {answer.status}: {answer.text[:200].strip()}")
        signatures = self._verified(answer.text, note)
        return await in_thread(partial(self._keep, head, note, signatures))

    def _keep(self, head: Checkpoint, note: Note, signatures: list[Signature]) -> Event:
        """Have cosignatures published and in the ledger."""
        self._log.add_signatures(note.text, signatures)
        body = {
            "size": head.size,
            "root": head.root.hex(),
            "witness": self.name,
            "note": str(note.with_signatures(signatures)),
        }
        return self._recorder.record(Event(EventKind.COSIGNED, self._clock.now(), body))

    async def _submit(self, old: int, head: Checkpoint, note: Note) -> HttpAnswer:
        proof = await in_thread(partial(self._log.consistency, old, head.size))
        content = "\n".join([f"old {old}", *hash_lines(proof), "", str(note)])
        url = f"{self.settings.url.rstrip('/')}/add-checkpoint"
        try:
            headers = {"Accept-Encoding": "identity"}
            return await ask(
                url, headers, replace(COSIGNATURE, seconds=self.settings.timeout), content=content.encode()
            )
        except UnansweredError as error:
            raise WitnessError(str(error)) from error

    def _conflict(self, answer: HttpAnswer, head: Checkpoint) -> int:
        """The size that the witness says it stands at. Raises WitnessError if no proof leads from there to here."""
        found = _SIZE.fullmatch(answer.text)
        if answer.kind != _SIZE_TYPE or not found:
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
