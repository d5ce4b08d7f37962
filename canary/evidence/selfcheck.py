"""The self-check: the whole ledger hashed again, against the tiles, every signed root and the published checkpoint."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from canary.evidence.merkle import complete_root, leaf_hash, tree_root
from canary.evidence.notes import Checkpoint, Note, NoteError
from canary.evidence.published import PublishedLog
from canary.evidence.tiles import WIDTH, EvidenceError, Tiles, sync_folder, write_file
from canary.ledger import EventKind
from canary.ledger.events import parse_time, timestamp
from canary.private import read_file

VERIFIED = "verified.json"
"""The file, in the folder of the log, of what the last check found."""

_HEIGHT = 8
_MOST = 20
"""Problems that are listed one by one; there may be millions after the first."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: nothing, if all is well."""

    at: datetime
    size: int
    """How many events were checked."""
    forgotten: int
    """Events whose body was emptied by retention: only their hash is left."""
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether everything is as it was signed."""
        return not self.problems

    def write(self, path: Path) -> None:
        """Keep it for the next start. Raises OSError."""
        write_file(path, json.dumps(asdict(self) | {"at": timestamp(self.at)}).encode())
        sync_folder(path.parent)

    @classmethod
    def read(cls, path: Path) -> Checked | None:
        """What the last check found; None if there was none."""
        try:
            kept = json.loads(read_file(path))
            return cls(parse_time(kept["at"]), kept["size"], kept["forgotten"], tuple(kept["problems"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def check(log: PublishedLog, now: datetime, between: Callable[[], bool] = lambda: True) -> Checked | None:
    """Check everything that was signed. ``between`` is called after each 256 events, and ends the check with False.

    Reads the files anew, whatever is cached. Returns None if it was ended, or if nothing is signed yet.
    """
    found = _Check(log)
    head = found.head()
    if head is None:
        return Checked(now, 0, 0, tuple(found.problems)) if found.problems else None
    for tile in range(-(-head.size // WIDTH)):
        found.tile(tile, min(WIDTH, head.size - tile * WIDTH))
        if not between():
            return None
    found.upper_tiles()
    return Checked(now, head.size, found.forgotten, tuple(found.problems))


class _Check:
    def __init__(self, log: PublishedLog) -> None:
        self._log, self._tiles = log, Tiles(log.folder / "log")
        self.problems: list[str] = []
        self.forgotten = 0
        self._forgotten_upto = log.ledger.forgotten_upto()
        self._roots: list[bytes] = []  # of the full tiles
        self._hashes: list[bytes] = []  # of the tile that was read last
        self._signed: deque[Checkpoint] = deque()

    def head(self) -> Checkpoint | None:
        """The published checkpoint, if the log's keys signed it; and the signed ones that the ledger tells."""
        try:
            keys = [rotation.new for rotation in self._log.rotations()]
            self._signed.extend(self._recorded())
            note = self._log.note()
            if note is None:
                return None
            head = Checkpoint.parse(note.text)
            if head.origin == self._log.origin:
                note.verify(*keys)
            self._signed.append(head)
            return head
        except (EvidenceError, NoteError) as error:
            self._tell(str(error))
            return None

    def _recorded(self) -> Iterator[Checkpoint]:
        for event in self._log.ledger.events(kind=EventKind.CHECKPOINT):
            head = Checkpoint.parse(Note.parse(event.body["note"]).text)
            if (head.size, head.root.hex()) != (event.body["size"], event.body["root"]):
                self._tell(f"event {event.seq} tells another checkpoint than the note in it")
            yield head

    def tile(self, index: int, width: int) -> None:
        """The events of one level 0 tile, against its hashes and its bundle."""
        known = self._read(self._tiles.hashes, 0, index, width)
        bundle = self._read(self._tiles.entries, index, width)
        bodies = dict(self._log.ledger.leaves(index * WIDTH, index * WIDTH + width))
        self._hashes = []
        for place in range(width):
            seq = index * WIDTH + place + 1
            body, kept = bodies.get(seq), known[place] if known else b""
            self._hashes.append(leaf_hash(body) if body else kept)
            self.forgotten += body == b""
            if body is None:
                self._tell(f"event {seq} is missing in the ledger")
            elif not body and seq > self._forgotten_upto:
                self._tell(f"event {seq} was emptied, and nothing in the ledger says so")
            elif known and self._hashes[-1] != kept:
                self._tell(f"event {seq} is not the one that was signed")
            elif bundle and bundle[place] != body:
                self._tell(f"event {seq} is another one in its entry bundle")
        for seq in self._log.ledger.misplaced(index * WIDTH + 1, index * WIDTH + width):
            self._tell(f"event {seq} stands in the ledger under another time, kind or probe than it says")
        if width == WIDTH:
            self._roots.append(complete_root(self._hashes))
        while self._signed and self._signed[0].size <= index * WIDTH + width:
            head = self._signed.popleft()
            if tree_root(head.size, self._node) != head.root:
                self._tell(f"the {head.size} events of a signed checkpoint do not lead to its root")

    def _node(self, height: int, index: int) -> bytes:
        """The tree as it was just computed, as far as the last tile that was read."""
        if height < _HEIGHT:
            first = (index << height) % WIDTH
            return complete_root(self._hashes[first : first + (1 << height)])
        height -= _HEIGHT
        return complete_root(self._roots[index << height : (index + 1) << height])

    def upper_tiles(self) -> None:
        """The tiles above level 0, against what was computed."""
        hashes, level = self._roots, 1
        while hashes:
            parts = [hashes[i : i + WIDTH] for i in range(0, len(hashes), WIDTH)]
            for index, part in enumerate(parts):
                kept = self._read(self._tiles.hashes, level, index, len(part))
                if kept and kept != part:
                    self._tell(f"tile {index} of level {level} is not that of the events")
            hashes = [complete_root(part) for part in parts if len(part) == WIDTH]
            level += 1

    def _read(self, read: Callable[..., list[bytes]], *place: int) -> list[bytes]:
        """What the tiles have there; nothing, and a problem noted, if they have it not."""
        try:
            return read(*place)
        except EvidenceError as error:
            self._tell(str(error))
            return []

    def _tell(self, problem: str) -> None:
        if len(self.problems) < _MOST:
            self.problems.append(problem)
