"""The tree on disk, as C2SP tlog-tiles lays it out: files of 256 hashes, and bundles of the entries themselves.

Whatever is complete never changes. The rightmost tile of each level is partial: one file for each size of the tree that
was signed, until the full tile replaces them. Every file appears whole or not at all, and is on disk when a call
returns.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from canary.evidence.merkle import HASH_SIZE, Nodes, complete_root, leaf_hash, tree_root
from canary.model import CanaryError
from canary.private import make_folder, open_private, read_file

WIDTH = 256
"""Hashes in a full tile, and entries in a full bundle."""

LARGEST_ENTRY = 65_535
"""Bytes of an entry: its length is written as 16 bits."""

_HEIGHT = 8
_ENTRIES = "entries"
_CACHED = 256  # tiles of 8 KiB


class EvidenceError(CanaryError):
    """The evidence is not as it must be: something is missing, or was changed."""


def tile_path(level: int | str, index: int, width: int = WIDTH) -> str:
    """The path of a tile (of a bundle, where the level is ``entries``) below the log's folder or address."""
    digits = f"{index:d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    name = "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{name}" + ("" if width == WIDTH else f".p/{width}")


class Tiles:
    """The tiles and bundles below one folder. Knows no size of its own: whoever asks says how large the tree is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = lru_cache(_CACHED)(self._read_tile)

    def nodes(self, size: int) -> Nodes:
        """The nodes of the tree of ``size`` leaves, which must be one that was signed (or of full tiles).

        The nodes raise EvidenceError where a tile is missing or too short.
        """

        def node(height: int, index: int) -> bytes:
            level, within = divmod(height, _HEIGHT)
            tile = (index << within) // WIDTH
            hashes = self.hashes(level, tile, _width(size, level, tile))
            first = (index << within) % WIDTH
            return complete_root(hashes[first : first + (1 << within)])

        return node

    def root(self, size: int) -> bytes:
        """The root hash of the tree of ``size`` leaves. Raises EvidenceError."""
        return tree_root(size, self.nodes(size))

    def hashes(self, level: int, index: int, width: int = WIDTH) -> list[bytes]:
        """The first ``width`` hashes of a tile. Raises EvidenceError if it is missing or too short."""
        raw = self._read(level, index, width) if width else b""
        return [raw[i : i + HASH_SIZE] for i in range(0, len(raw), HASH_SIZE)]

    def _read_tile(self, level: int, index: int, width: int) -> bytes:
        raw = self._either(level, index, width)[: width * HASH_SIZE]
        if len(raw) != width * HASH_SIZE:
            raise EvidenceError(f"{tile_path(level, index, width)} has {len(raw)} bytes, wanted {width * HASH_SIZE}")
        return raw

    def entries(self, index: int, width: int = WIDTH) -> list[bytes]:
        """The first ``width`` entries of a bundle; one that was forgotten is empty. Raises EvidenceError."""
        try:
            found = list(_unpacked(self._either(_ENTRIES, index, width)))[:width]
        except ValueError as error:
            raise EvidenceError(f"{tile_path(_ENTRIES, index)} is cut off") from error
        if len(found) != width:
            raise EvidenceError(f"{tile_path(_ENTRIES, index, width)} has {len(found)} entries, wanted {width}")
        return found

    def _either(self, level: int | str, index: int, width: int) -> bytes:
        """A file's content, full or at least as wide as is wanted: the full one comes before the partial ones go."""
        full = self._folder / tile_path(level, index)
        partials = full.with_name(full.name + ".p")
        for path in (full, partials / str(width), full, *_wider(partials, width)):
            try:
                return read_file(path)
            except FileNotFoundError:
                continue
        raise EvidenceError(f"{tile_path(level, index, width)} is missing")

    def extend(self, size: int, entries: Iterable[bytes]) -> int:
        """Write the tiles of the tree that has these entries after its first ``size``, and return its new size.

        Safe to repeat after an end at any moment. Raises EvidenceError if a full tile is there already and says
        something else, and ValueError for an entry that is too long.
        """
        edge = [self.hashes(level, at, width) for level, at, width in partial(size)]
        full, width = divmod(size, WIDTH)
        bundle = self.entries(full, width) if width else []
        folders: set[Path] = set()
        for entry in entries:
            bundle.append(entry)
            size += 1
            folders |= self._add(edge, size, leaf_hash(entry))
            if len(bundle) == WIDTH:
                folders.add(self._write(tile_path(_ENTRIES, size // WIDTH - 1), _packed(bundle)))
                bundle = []
        for level, at, width in partial(size):
            if width:
                folders.add(self._write(tile_path(level, at, width), b"".join(edge[level])))
        if bundle:
            folders.add(self._write(tile_path(_ENTRIES, size // WIDTH, len(bundle)), _packed(bundle)))
        self._settle(folders)
        return size

    def _add(self, edge: list[list[bytes]], size: int, found: bytes) -> set[Path]:
        """Put the last leaf of a tree of ``size`` at the edge; what becomes full is written, and its root goes up."""
        folders = set()
        for level in range(len(edge) + 1):
            if level == len(edge):
                edge.append([])
            edge[level].append(found)
            if len(edge[level]) < WIDTH:
                break
            at = (size >> _HEIGHT * (level + 1)) - 1
            folders.add(self._write_once(tile_path(level, at), b"".join(edge[level])))
            found, edge[level] = complete_root(edge[level]), []
        return folders

    def _write_once(self, path: str, content: bytes) -> Path:
        try:
            kept = read_file(self._folder / path)
        except FileNotFoundError:
            return self._write(path, content)
        if kept != content:
            raise EvidenceError(f"{path} is there already, of another history")
        return (self._folder / path).parent

    def _write(self, path: str, content: bytes) -> Path:
        whole = self._folder / path
        write_file(whole, content)
        return whole.parent

    def _settle(self, folders: Iterable[Path]) -> None:
        """Have what was renamed on disk; only then the partial tiles go whose full tile is there."""
        for folder in folders:
            for known in (folder, *folder.parents):
                sync_folder(known)
                if known == self._folder:
                    break
        for folder in folders:
            for partials in folder.glob("*.p"):
                if partials.with_suffix("").exists():
                    shutil.rmtree(partials)

    def forget(self, indices: Collection[int]) -> None:
        """Empty these entries (0-based) in every bundle that has them; the hashes stay, so proofs still hold."""
        for index in sorted({entry // WIDTH for entry in indices}):
            full = self._folder / tile_path(_ENTRIES, index)
            for path in (full, *full.with_name(full.name + ".p").glob("*")):
                if path.exists():
                    kept = [
                        b"" if index * WIDTH + place in indices else entry
                        for place, entry in enumerate(_unpacked(read_file(path)))
                    ]
                    write_file(path, _packed(kept))
                    sync_folder(path.parent)


def partial(size: int) -> Iterator[tuple[int, int, int]]:
    """Level, index and width of every level's rightmost tile in a tree of ``size``; the width is 0 where it is full."""
    level = 0
    while (count := size >> _HEIGHT * level) > 0:
        yield level, count // WIDTH, count % WIDTH
        level += 1


def write_file(path: Path, content: bytes) -> None:
    """Put a file there whole or not at all, and only for its owner to read; its folder is not synced. Raises OSError.

    What an end in the middle leaves behind is overwritten the next time; there is one writer at a time.
    """
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.new")
    descriptor = open_private(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def sync_folder(folder: Path) -> None:
    """Have what was created or renamed in a folder on disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _wider(partials: Path, width: int) -> Iterator[Path]:
    """The partial tiles of more than ``width``; looked for only when the others are missing."""
    yield from (path for path in partials.glob("[1-9]*") if int(path.name) > width)


def _width(size: int, level: int, tile: int) -> int:
    return min(WIDTH, (size >> _HEIGHT * level) - tile * WIDTH)


def _packed(entries: Iterable[bytes]) -> bytes:
    parts = []
    for entry in entries:
        if len(entry) > LARGEST_ENTRY:
            raise ValueError(f"an entry has {len(entry)} bytes, wanted at most {LARGEST_ENTRY}")
        parts += [len(entry).to_bytes(2, "big"), entry]
    return b"".join(parts)


def _unpacked(bundle: bytes) -> Iterator[bytes]:
    """The entries of a bundle. Raises ValueError if it is cut off."""
    place = 0
    while place < len(bundle):
        end = place + 2 + int.from_bytes(bundle[place : place + 2], "big")
        if end > len(bundle):
            raise ValueError("a bundle is cut off")
        yield bundle[place + 2 : end]
        place = end
