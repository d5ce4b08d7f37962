"""The zip file of a bundle: its files, their digests, and the manifest that names them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO

from canary.ledger.canonical import canonical
from canary.model import CanaryError
from canary.private import open_file

FORMAT = "cpr-canary-bundle@5"
"""What the manifest says to be: another number wherever a bundle holds what a verifier before did not know."""

_MANIFEST, _SUMS = "manifest.json", "SHA256SUMS"
_MOST_FILES = 0xFFFF - 2
_EPOCH = (1980, 1, 1, 0, 0, 0)


class BundleError(CanaryError):
    """No bundle can be made of what was asked for; said in a sentence."""


@dataclass
class Files:
    """The zip and the digests of what is in it."""

    archive: zipfile.ZipFile
    digests: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, content: bytes) -> None:
        """Add a file, if there is none of this name. Raises BundleError where there are too many."""
        if name in self.digests:
            return
        if len(self.digests) >= _MOST_FILES:
            raise BundleError(f"a bundle has at most {_MOST_FILES} files; ask for a smaller sample")
        with self._open(name) as file:
            file.write(content)
        self.digests[name] = sha256(content).hexdigest()

    def add_file(self, name: str, source: Path) -> None:
        """Copy a file, piece by piece."""
        if name in self.digests:
            return
        found = sha256()
        with os.fdopen(open_file(source), "rb") as content, self._open(name) as file:
            while piece := content.read(1 << 18):
                found.update(piece)
                file.write(piece)
        self.digests[name] = found.hexdigest()

    def _open(self, name: str) -> IO[bytes]:
        info = zipfile.ZipInfo(name, _EPOCH)
        info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100600 << 16
        return self.archive.open(info, "w")

    def seal(self, manifest: Mapping[str, object]) -> str:
        """Write the manifest and the list of sums; returns the manifest's own."""
        raw = canonical({"format": FORMAT, **manifest, "files": self.digests})
        digest = sha256(raw).hexdigest()
        whole = {**self.digests, _MANIFEST: digest}
        self.add(_MANIFEST, raw)
        self.add(_SUMS, "".join(f"{whole[name]}  {name}\n" for name in sorted(whole)).encode())
        return digest
