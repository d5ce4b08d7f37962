"""The zip file, which may be hostile: nothing is ever unpacked to disk, and every size has a bound.

A file is read once, in pieces, and its SHA-256 compared with the manifest's before anything in it is believed.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from . import canonical
from .findings import RefusedError, require
from .limits import LARGEST_BUNDLE, LARGEST_DIRECTORY, LARGEST_FILES, LARGEST_MANIFEST, LARGEST_UNPACKED

VERSION = 5
"""Of the format: another number wherever a bundle holds, or its events say, what a verifier before did not know."""
FORMAT = f"cpr-canary-bundle@{VERSION}"
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"

_PIECE = 256 << 10
_KEYS = {"format", "origin", "vkeys", "period", "seed", "size", "probes", "asked", "files"}
_FORMAT = re.compile(r"cpr-canary-bundle@([1-9][0-9]{0,8})", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_END = struct.Struct("<4s4H2LH")
"""The end of a zip file: signature, disk numbers, entries here and in all, size and place of the directory, comment."""

_LOCAL = struct.Struct("<4s3H4L2H")
"""Before each file: signature, version, flags, packing, time and date (as one), CRC, sizes, lengths of fields."""
_LISTED = 46
"""Bytes of an entry of the directory besides its name."""
_UTF8 = 0x800
"""The one flag that an entry may have: its name is UTF-8."""

_NUMBER, _ID, _SLUG = "(?:0|[1-9][0-9]{0,15})", "[a-z2-7]{16}", "[a-z0-9][a-z0-9-]{0,62}"
LAYOUT = {
    "checkpoint": re.compile("checkpoint"),
    "head": re.compile(rf"checkpoints/{_NUMBER}"),
    "cosignature": re.compile(rf"cosignatures/{_NUMBER}"),
    "consistency": re.compile(rf"consistency/{_NUMBER}-{_NUMBER}"),
    "token": re.compile(rf"timestamps/{_NUMBER}-{_SLUG}\.tsr"),
    "chain": re.compile(rf"timestamps/{_SLUG}\.pem"),
    "event": re.compile(rf"events/{_NUMBER}\.json"),
    "proof": re.compile(rf"proofs/{_NUMBER}\.tlog-proof"),
    "artefact": re.compile("artefacts/[0-9a-f]{64}"),
    "summary": re.compile(rf"probes/{_ID}/summary\.json"),
    "population": re.compile(r"population\.csv"),
}
"""Every file that a bundle may have; how large it may be is in :mod:`.limits`."""


class Archive:
    """A bundle's files, by kind; closed by :meth:`close`. Raises RefusedError for a zip that is not one of ours."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        try:
            _check_end(self._file)
            self._zip = _opened(self._file)
            self._entries = _entries(self._zip)
            _check_layout(self._file, self._zip)
            self.manifest = self._manifest()
        except BaseException:
            self._file.close()
            raise
        self._left = LARGEST_UNPACKED
        self.files: dict[str, str] = self.manifest["files"]
        self.unread = dict.fromkeys(self.files)
        """What nobody has asked for yet."""

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()
        self._file.close()

    def _manifest(self) -> dict[str, Any]:
        raw = self._listed(MANIFEST)
        manifest: dict[str, Any] = canonical.load(raw)
        require(isinstance(manifest, dict), f"{MANIFEST} is not one of {FORMAT}")
        _check_format(manifest.get("format"))
        _check_names(self._entries)
        require(manifest.keys() == _KEYS, f"{MANIFEST} is not one of {FORMAT}")
        sums, files = self._listed(SUMS), manifest["files"]
        self.digest = sha256(raw).hexdigest()
        for name, digest in files.items():
            require(kind_of(name) is not None, f"{MANIFEST} names {name!r:.120}, which is no file of a bundle")
            require(bool(_SHA256.fullmatch(digest)), f"{MANIFEST} has no SHA-256 of {name}")
        whole = {**files, MANIFEST: self.digest}
        require(
            sums == "".join(f"{whole[name]}  {name}\n" for name in sorted(whole)).encode(), f"{SUMS} is another list"
        )
        there = self._entries.keys() - {MANIFEST, SUMS}
        for name in sorted(files.keys() - there):
            raise RefusedError(f"{name} is in the manifest and not in the bundle")
        for name in sorted(there - files.keys()):
            raise RefusedError(f"{name!r:.120} is in the bundle and not in the manifest")
        return manifest

    def _listed(self, name: str) -> bytes:
        """The content of a file that the manifest does not vouch for."""
        require(name in self._entries, f"there is no {name}")
        return b"".join(self._pieces(name, LARGEST_MANIFEST))

    def of(self, kind: str) -> list[str]:
        """The names of the files of a kind; by number, where they have one."""
        names = [name for name in self.files if kind_of(name) == kind]
        return sorted(names, key=lambda name: [int(part) if part.isdigit() else 0 for part in re.split(r"\D+", name)])

    def read(self, name: str) -> bytes:
        """The content of a file whose SHA-256 is as the manifest says. Raises RefusedError."""
        return b"".join(self.pieces(name))

    def pieces(self, name: str) -> Iterator[bytes]:
        """The content piece by piece; what came is not to be believed until the last one came without an error."""
        kind = kind_of(name)
        require(kind is not None and name in self.files, f"there is no {name}")
        assert kind is not None
        self.unread.pop(name, None)
        found = sha256()
        for piece in self._pieces(name, LARGEST_FILES[kind]):
            self._left -= len(piece)
            require(self._left >= 0, f"the bundle unpacks to more than {LARGEST_UNPACKED} bytes")
            found.update(piece)
            yield piece
        require(found.hexdigest() == self.files[name], f"{name} is not the file that the manifest names")

    def size(self, name: str) -> int:
        """How long a file says to be, unpacked."""
        return self._entries[name].file_size

    def _pieces(self, name: str, limit: int) -> Iterator[bytes]:
        require(self._entries[name].file_size <= limit, f"{name} is larger than {limit} bytes")
        left = limit
        for piece in _unpacked(self._file, self._entries[name]):
            left -= len(piece)
            require(left >= 0, f"{name} is larger than {limit} bytes")
            yield piece
        told = self._entries[name].file_size
        require(limit - left == told, f"{name} has {limit - left} bytes, and says to have {told}")


def kind_of(name: str) -> str | None:
    """What kind of file has this name; None if it is none of a bundle."""
    return next((kind for kind, pattern in LAYOUT.items() if pattern.fullmatch(name)), None)


def _check_format(stated: object) -> None:
    """Refuse what another version made, before anything else is said of it: the other one's verifier checks that."""
    found = _FORMAT.fullmatch(stated) if isinstance(stated, str) else None
    require(found is not None, f"the format is {stated!r:.80}, wanted {FORMAT}")
    assert found is not None
    version = int(found[1])
    age = "a newer" if version > VERSION else "an older"
    require(
        version == VERSION,
        f"this bundle was made by {age} canary (format {version}, this verifier knows {VERSION}): "
        "check it with the verifier that belongs to that canary",
    )


def _check_names(names: Iterable[str]) -> None:
    """Refuse files that no bundle has: no absolute path, no .., no folder can have a name of the layout."""
    for name in names:
        require(
            name in (MANIFEST, SUMS) or kind_of(name) is not None, f"the entry {name!r:.120} is no file of a bundle"
        )


def _unpacked(file: IO[bytes], entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content of an entry, a bounded piece at a time: of all its bytes, so that none hide behind what they hold."""
    shown = f"{entry.filename!r:.120} cannot be unpacked"
    place = entry.header_offset + _LOCAL.size + len(entry.filename.encode())
    end, crc, packed, inflating = place + entry.compress_size, 0, b"", zlib.decompressobj(-zlib.MAX_WBITS)
    stored = entry.compress_type == zipfile.ZIP_STORED
    while place < end or not (stored or inflating.eof):
        if not packed:
            file.seek(place)
            packed = file.read(min(_PIECE, end - place))
            place += len(packed)
        given = len(packed)
        try:
            piece = packed if stored else inflating.decompress(packed, _PIECE)
        except zlib.error as error:
            raise RefusedError(f"{shown}: {error!s:.120}") from error
        packed = b"" if stored else inflating.unconsumed_tail
        require(bool(piece) or len(packed) < given or inflating.eof, f"{shown}: it is cut off")
        require(not inflating.unused_data and not (inflating.eof and place < end), f"{shown}: bytes behind its end")
        crc = zlib.crc32(piece, crc)
        yield piece
    require(crc == entry.CRC, f"{shown}: its CRC is another one")


def _check_end(file: IO[bytes]) -> None:
    """Refuse a directory that would not fit into memory, before anybody reads it; bundles have no zip comment."""
    size = file.seek(0, 2)
    require(_END.size <= size <= LARGEST_BUNDLE, f"the file has {size} bytes, which no bundle has")
    file.seek(size - _END.size)
    signature, _, _, here, entries, length, start, comment = _END.unpack(file.read(_END.size))
    file.seek(0)
    require(signature == b"PK\x05\x06" and comment == 0, "not a zip file, or it has something behind its end")
    require(here == entries < 0xFFFF and length <= LARGEST_DIRECTORY, "the zip file has too many entries")
    require(start + length + _END.size == size, "the zip file has something before its beginning")


def _opened(file: IO[bytes]) -> zipfile.ZipFile:
    """The zip file as the standard library reads it, whose errors for a broken one are of every kind."""
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OverflowError, struct.error) as error:
        raise RefusedError(f"not a zip file that can be read: {error!s:.200}") from error


def _check_layout(file: IO[bytes], archive: zipfile.ZipFile) -> None:
    """Whether files stand one behind the other, each under its one name, with nothing before, between or behind."""
    place, listed = 0, 0
    for entry in sorted(archive.infolist(), key=lambda entry: entry.header_offset):
        shown = f"the entry {entry.filename!r:.120}"
        require(entry.header_offset == place, f"{shown} does not stand right behind the one before it")
        file.seek(place)
        signature, _, flags, packing, _, crc, packed, size, length, more = _LOCAL.unpack(file.read(_LOCAL.size))
        name = file.read(length)
        require(signature == b"PK\x03\x04" and not more and not entry.extra, f"{shown} has fields that no file needs")
        require(not entry.comment and not entry.flag_bits & ~_UTF8, f"{shown} has fields that no file needs")
        told = (flags, packing, crc, packed, size, name)
        known = (entry.flag_bits, entry.compress_type, entry.CRC, entry.compress_size, entry.file_size)
        require(told == (*known, entry.filename.encode()), f"{shown} is described in two ways")
        place += _LOCAL.size + length + packed
        listed += _LISTED + length
    require(place == archive.start_dir, "the zip file has something before its directory")
    file.seek(-_END.size, 2)
    require(_END.unpack(file.read(_END.size))[5] == listed, "the directory of the zip file has more than its entries")


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        name = entry.filename
        shown = f"the entry {entry.orig_filename!r:.120}"
        require(name == entry.orig_filename, f"{shown} is no file of a bundle")
        require(name not in found, f"{shown} is there twice")
        require(entry.external_attr >> 28 in (0, 8), f"{shown} is a link or a device, not a file")
        require(not entry.flag_bits & 0x1, f"{shown} is encrypted")
        require(entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), f"{shown} is packed in another way")
        found[name] = entry
    return found
