"""Keys for the evidence that hang while they sign, as those of a hardware module do whose connection is lost."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from canary.evidence.keys import FileKeys
from canary.evidence.notes import Signer, VKey


class HangingKeys(FileKeys):
    """Keys in ``OPTIONS[folder]``. They sign, but never a checkpoint; that one was asked for says ``asked`` there."""

    def __init__(self, options: dict[str, str], name: str) -> None:
        self._folder = Path(options["folder"])
        super().__init__(self._folder / "keys", name)

    def signers(self) -> list[Signer]:
        return [HangingSigner(signer, self._folder / "asked") for signer in super().signers()]

    def create(self) -> Signer:
        return HangingSigner(super().create(), self._folder / "asked")


@dataclass
class HangingSigner:
    signer: Signer
    asked: Path

    @property
    def vkey(self) -> VKey:
        return self.signer.vkey

    def sign(self, message: bytes) -> bytes:
        if message.startswith(self.vkey.name.encode()):  # a checkpoint begins so
            self.asked.touch()
            threading.Event().wait()
        return self.signer.sign(message)
