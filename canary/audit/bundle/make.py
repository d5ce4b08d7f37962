"""The evidence of a sample, as one zip file that an auditor checks with no help of ours: see docs/evidence.md.

The sample is picked by the auditor's seed. The same ledger, seed and period give the same bytes.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from canary.audit.bundle.commitment import Commitment, draw, signed_heads
from canary.audit.bundle.faults import faults
from canary.audit.bundle.files import BundleError, Files
from canary.audit.bundle.heads import Heads
from canary.audit.bundle.meanings import Meanings
from canary.audit.bundle.population import Progress, part, write
from canary.audit.bundle.sample import Lowest, spots
from canary.audit.bundle.summary import named, summary
from canary.evidence.merkle import inclusion_proof
from canary.evidence.notes import Checkpoint, Note, Proof, hash_lines
from canary.evidence.published import PublishedLog
from canary.evidence.tiles import EvidenceError
from canary.ledger import Event, EventKind
from canary.ledger.canonical import canonical
from canary.ledger.event_reader import Leaf
from canary.ledger.events import read, timestamp
from canary.ledger.reading import understood


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the auditor asks for: ``size`` probes by ``seed`` of those scheduled in the period, and those ``asked``.

    With a commitment the period is that which was bound to, and the end of the log is the one of that time.
    ``kept`` are the sizes of checkpoints that the auditor has, to see that they are the beginning of this log.
    """

    since: datetime
    until: datetime
    seed: str
    size: int
    asked: tuple[str, ...] = ()
    kept: tuple[int, ...] = ()
    bound: Commitment | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: up to what time, which is earlier than asked for where less is signed.

    ``missing`` are artefacts that are not kept, without a word in the ledger.
    """

    sha256: str
    probes: tuple[str, ...]
    population: int
    files: int
    missing: tuple[str, ...]
    until: str


def make(
    path: Path,
    log: PublishedLog,
    wanted: Wanted,
    chains: Mapping[str, Path] | None = None,
    progress: Progress = lambda _: None,
) -> Made:
    """Write a bundle; ``chains`` are the certificate files of time-stamping authorities by name.

    Raises BundleError, EvidenceError, OwnFaultError, and OSError.
    """
    heads = signed_heads(log)
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)  # it may hold personal data
    try:
        with (
            os.fdopen(descriptor, "wb") as file,
            zipfile.ZipFile(file, "w", allowZip64=False) as archive,
            understood("what is to be packed"),
        ):
            made = _Bundle(Files(archive), log, heads, wanted, progress).write(chains or {})
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return made


class _Bundle:
    """The bundle of all that is signed, about one part of it."""

    def __init__(self, files: Files, log: PublishedLog, heads: Heads, wanted: Wanted, progress: Progress) -> None:
        self._files, self._log, self._heads, self._wanted = files, log, heads, wanted
        self._size = heads.newest.size
        self._ledger = log.ledger.at(self._size)
        self._meanings = Meanings(self._ledger, heads, self._size)
        self._artefacts, self._progress = log.ledger.artefacts, progress
        self._note = heads.note(self._size)
        self._part = wanted.bound.part if wanted.bound else part(log.ledger, heads, wanted.since, wanted.until)
        self._events: dict[int, Leaf] = {}
        self._sizes: set[int] = {self._part.start, self._part.end, *wanted.kept} - {0}
        self._missing: list[str] = []
        self._tombstones: set[int] = set()

    def write(self, chains: Mapping[str, Path]) -> Made:
        """Everything, in the order in which it becomes known what is needed."""
        count, picked = self._population()
        asked = [probe for probe in dict.fromkeys(self._wanted.asked) if probe not in picked]
        self._progress("events")
        chosen = {probe: self._of_probe(probe) for probe in [*picked, *asked]}
        picks = self._pick_events(chosen)
        rules = self._rules(chosen)
        self._progress("messages and files")
        carried = {probe: self._probe(probe, leaves, rules) for probe, leaves in chosen.items()}
        self._progress("time-stamps and cosignatures")
        shown = [*picks, *(leaf.seq for leaves in chosen.values() for leaf in leaves)]
        self._stamps(shown, [size for size in carried.values() if size], chains)
        self._cosignatures()
        self._told()
        while self._emptied():
            self._stamps([], [], chains)
            self._told()
        self._add(self._ledger.leaves_of_kind(EventKind.CLOCK_STEPPED, after=min([self._part.start, *self._events])))
        self._progress("proofs")
        self._checkpoints()
        for seq in sorted(self._events):
            self._event(self._events[seq])
        digest = self._files.seal(self._manifest(picked, asked))
        return Made(
            digest, tuple(chosen), count, len(self._files.digests), tuple(self._missing), timestamp(self._part.until)
        )

    def _one(self, seq: int) -> Leaf:
        leaf = self._ledger.leaf(seq)
        if leaf is None:
            raise EvidenceError(f"event {seq} is missing in the ledger")
        return leaf

    def _of_probe(self, probe: str) -> list[Leaf]:
        leaves = self._ledger.leaves_of_probe(probe)
        if not leaves:
            raise BundleError(f"there is no probe {probe} in what is signed; `cpr-canary probes list` names the newest")
        return leaves

    def _population(self) -> tuple[int, list[str]]:
        """Write the list of all probes; returns how many there are, and the sample of them."""
        seed, size, bound = self._wanted.seed, self._wanted.size, self._wanted.bound
        with TemporaryDirectory() as folder:
            listed = Path(folder) / "population.csv"
            if bound:
                count, drawn = bound.count, draw(self._log, bound, seed, size, listed, self._progress)
            else:
                written = write(listed, self._log.ledger, self._part, Lowest(seed, size), self._progress)
                count, drawn = written.count, written.drawn
            self._files.add_file("population.csv", listed)
        return count, drawn

    def _pick_events(self, chosen: Mapping[str, list[Leaf]]) -> list[int]:
        """The events of the probes, those that the seed picks, and those that hold the others together.

        Returns the numbers that the seed picks.
        """
        for leaves in chosen.values():
            self._add(leaves)
            self._add(map(self._one, faults(self._ledger, _read(leaves))))
            self._add_meanings(leaves)
        picks = spots(self._wanted.seed, self._wanted.size, self._part.start, self._part.end)
        for seq in picks:
            self._sizes.add(self._heads.after(seq - 1).size)
            spot = self._one(seq)
            self._add([spot])
            if spot.kind == EventKind.CONFIGURED:
                self._add_meanings([spot])
            if spot.probe is not None:
                self._add(leaf for leaf in self._ledger.leaves_of_probe(spot.probe) if leaf.kind == EventKind.SCHEDULED)
        self._add([self._one(self._part.end), self._one(self._size)])
        self._add(self._ledger.leaves_of_kind(EventKind.KEY_ROTATED))
        self._ends()
        return picks

    def _ends(self) -> None:
        """What tells of both ends of the part: its checkpoints, their totals, and that none lies between."""
        heads = self._heads
        told = [heads.at(self._part.start), heads.at(self._part.end), heads.after(self._part.start)]
        for head in told:
            if head and head.seq <= self._size:
                event = self._one(head.seq)
                self._add([event])
                table = read(event.body).body["totals"]["channels"]
                if self._artefacts.path(table).exists():
                    self._files.add_file(f"artefacts/{table}", self._artefacts.path(table))

    def _told(self) -> None:
        """The totals at each checkpoint that is there, and what shows that they were told at once."""
        part = self._part
        for size in self._sizes:
            head = self._heads.at(size)
            if head and head.seq <= self._size and part.start <= size <= part.end:
                self._add([self._one(head.seq), self._one(size + 1)])

    def _add_meanings(self, leaves: Iterable[Leaf]) -> None:
        """What says what the channel of a probe meant, or how long things are kept; and that this was in force."""
        for event in _read(leaves):
            numbers = list(self._meanings.of(event))
            head = self._meanings.head(event.seq) if numbers else None
            if head:
                self._sizes.add(head.size)
                numbers.append(head.seq)
            self._add(map(self._one, numbers))

    def _add(self, leaves: Iterable[Leaf]) -> None:
        self._events |= {leaf.seq: leaf for leaf in leaves}

    def _rules(self, chosen: Mapping[str, list[Leaf]]) -> dict[str, str]:
        """By which rule a file was deleted, of all that the bundle would have; with the events that tell so."""
        gone = {
            item.sha256
            for leaves in chosen.values()
            for item in named(_read(leaves))
            if not self._artefacts.path(item.sha256).exists()
        }
        rules: dict[str, str] = {}
        for leaf in self._ledger.leaves_of_kind(EventKind.FORGOTTEN) if gone else ():
            body = read(leaf.body).body
            here = gone.intersection(body.get("artefacts", ()))
            if here:
                rules |= dict.fromkeys(here, body["rule"])
                self._tombstone(leaf)
        return rules

    @cached_property
    def _emptying(self) -> list[tuple[Leaf, int, int]]:
        """The events that tell that others were emptied, with the numbers of the first and the last of these."""
        told = ((leaf, read(leaf.body).body) for leaf in self._ledger.leaves_of_kind(EventKind.FORGOTTEN))
        return [(leaf, body["first"], body["last"]) for leaf, body in told if "artefacts" not in body]

    def _emptied(self) -> bool:
        """Whether a tombstone was lacking of an event that was emptied; it is there then, with what shows its age."""
        emptied, known = [leaf.seq for leaf in self._events.values() if not leaf.body], len(self._tombstones)
        for leaf, first, last in self._emptying if emptied else ():
            if leaf.seq not in self._tombstones and any(first <= seq <= last for seq in emptied):
                self._tombstone(leaf)
                self._add([self._one(last)])
        return len(self._tombstones) > known

    def _tombstone(self, leaf: Leaf) -> None:
        """Something was deleted, and by which rule."""
        self._add([leaf])
        self._add_meanings([leaf])
        self._tombstones.add(leaf.seq)

    def _probe(self, probe: str, leaves: list[Leaf], rules: Mapping[str, str]) -> int | None:
        """A probe's files and its summary; returns the size of the checkpoint whose root its report carried."""
        events = _read(leaves)
        for item in named(events):
            source = self._artefacts.path(item.sha256)
            if source.exists():
                self._files.add_file(f"artefacts/{item.sha256}", source)
            elif item.sha256 not in rules:
                self._missing.append(item.sha256)
        if events:
            self._files.add(f"probes/{probe}/summary.json", canonical(summary(probe, events, rules)))
        return self._carried({event.kind: event for event in events})

    def _carried(self, events: Mapping[EventKind, Event]) -> int | None:
        """The size of the checkpoint that a probe's report carried; it is in the bundle, as is the one it should."""
        if EventKind.SCHEDULED in events:
            self._sizes |= {head.size for head in self._heads.older(events[EventKind.SCHEDULED].seq, 1)}
        sent = events.get(EventKind.SUBMITTING)
        size: int | None = sent.body.get("checkpoint", {}).get("size") if sent else None
        if size is None or size not in self._heads:
            return None
        self._sizes.add(size)
        return size

    def _stamps(self, shown: list[int], carried: list[int], chains: Mapping[str, Path]) -> None:
        """The time-stamps that say the most about each event that is ``shown``, and those at both ends of the period.

        And the events that tell why these may be far apart.
        """
        stamps = self._heads.stamps
        told = [self._one(seq) for seq in stamps.told(shown, carried) if seq <= self._size]
        self._add(leaf for leaf in told if leaf.body)
        over = [*shown, *self._tombstones, self._part.end]
        for stamp in stamps.around([*carried, self._part.start, *(seq - 1 for seq in shown)], over):
            source = self._artefacts.path(stamp.token)
            if not source.exists():
                self._missing.append(stamp.token)
                continue
            self._sizes.add(stamp.size)
            self._files.add_file(f"timestamps/{stamp.size}-{stamp.tsa}.tsr", source)
            if stamp.tsa in chains:
                self._files.add(f"timestamps/{stamp.tsa}.pem", chains[stamp.tsa].read_bytes())
            if stamp.seq <= self._size:
                self._add([self._one(stamp.seq)])

    def _cosignatures(self) -> None:
        by_size: dict[int, Note] = {}
        for size, note in self._heads.cosigned:
            self._sizes.add(size)
            by_size[size] = by_size[size].with_signatures(note.signatures) if size in by_size else note
        for size, note in by_size.items():
            self._files.add(f"cosignatures/{size}", str(note).encode())

    def _checkpoints(self) -> None:
        newest = self._size
        self._files.add("checkpoint", str(self._note).encode())
        for size in sorted(self._sizes - {newest}):
            self._files.add(f"checkpoints/{size}", str(self._heads.note(size)).encode())
            lines = [f"old {size}", *hash_lines(self._log.consistency(size, newest)), "", str(self._note)]
            self._files.add(f"consistency/{size}-{newest}", "\n".join(lines).encode())

    def _event(self, leaf: Leaf) -> None:
        """The exact bytes of an event and its proof; of one that was emptied, its hash."""
        index, size = leaf.seq - 1, self._size
        nodes = self._log.tiles.nodes(size)
        extra = b"" if leaf.body else nodes(0, index)
        if leaf.body:
            self._files.add(f"events/{leaf.seq}.json", leaf.body)
        proof = Proof(index, tuple(inclusion_proof(index, size, nodes)), self._note, extra)
        self._files.add(f"proofs/{leaf.seq}.tlog-proof", str(proof).encode())

    def _manifest(self, picked: list[str], asked: list[str]) -> dict[str, object]:
        origin = Checkpoint.parse(self._note.text).origin
        of = self._part
        return {
            "origin": origin,
            "vkeys": [new for new in self._keys() if new.startswith(f"{origin}+")],
            "period": {"from": timestamp(of.since), "to": timestamp(of.until), "start": of.start, "end": of.end},
            "seed": self._wanted.seed,
            "size": self._wanted.size,
            "probes": picked,
            "asked": asked,
        }

    def _keys(self) -> list[str]:
        return [event.body["new"] for event in _read(self._ledger.leaves_of_kind(EventKind.KEY_ROTATED))]


def _read(leaves: Iterable[Leaf]) -> list[Event]:
    return [read(leaf.body) for leaf in leaves if leaf.body]
