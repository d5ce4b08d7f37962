"""A witness (C2SP tlog-witness) on loopback that really checks: signature, old size, consistency, and one history."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from servers.answering import Answering

from canary.evidence.merkle import EMPTY_ROOT, verify_consistency
from canary.evidence.notes import COSIGNATURE, Checkpoint, Note, NoteError, Signature, VKey, cosigned_message

Answer = tuple[int, str, str]
"""Status, content type, body."""


class WitnessServer(Answering):
    """Cosigns the checkpoints of one log while the context lasts."""

    def __init__(self, log: VKey, name: str = "witness.example/w1") -> None:
        self.logs = [log]
        self._secret = Ed25519PrivateKey.generate()
        self.vkey = VKey(name, self._secret.public_key().public_bytes_raw(), COSIGNATURE)
        self.seen = Checkpoint(log.name, 0, EMPTY_ROOT)
        self.answers: list[Answer] = []
        """Given, in turn, instead of what it would say."""
        self.asked: list[str] = []
        self.time = 1_790_000_000

    def answer(self, path: str, body: bytes) -> tuple[int, str, bytes]:
        """What was told to be given, or what a witness says."""
        asked = body.decode()
        self.asked.append(f"{path}\n{asked}")
        status, kind, text = self.answers.pop(0) if self.answers else self.add_checkpoint(asked)
        return status, kind, text.encode()

    @property
    def url(self) -> str:
        """Its submission prefix."""
        return f"{self.address}/prefix"

    def add_checkpoint(self, body: str) -> Answer:
        """What the specification has a witness do, in its order."""
        head, _, text = body.partition("\n\n")
        first, *lines = head.split("\n")
        proof = [base64.b64decode(line, validate=True) for line in lines]
        old, note = int(first.removeprefix("old ")), Note.parse(text)
        new = Checkpoint.parse(note.text)
        if new.origin != self.seen.origin:
            return 404, "text/plain", "unknown log\n"
        try:
            note.verify(*self.logs)
        except NoteError as error:
            return 403, "text/plain", f"{error}\n"
        if old > new.size:
            return 400, "text/plain", "the old size is larger\n"
        if old != self.seen.size:
            return 409, "text/x.tlog.size", f"{self.seen.size}\n"
        if old == new.size and new.root != self.seen.root:
            return 409, "text/plain", "another root\n"
        if not verify_consistency(old, new.size, proof, self.seen.root, new.root):
            return 422, "text/plain", "not consistent\n"
        self.seen = new
        return 200, "text/plain", f"{self.cosignature(note.text)}\n"

    def cosignature(self, text: str) -> Signature:
        """Its signature line for a checkpoint."""
        value = self.time.to_bytes(8, "big") + self._secret.sign(cosigned_message(text, self.time))
        return Signature(self.vkey.name, self.vkey.key_id, value)
