"""A canary's evidence, made by hand and for real: a ledger, its log, keys, messages, a time-stamping authority."""

from __future__ import annotations

import asyncio
import random
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from builders import a_probe
from evidence.logging_keys import ORIGIN, MemoryKeys
from servers.tsa import Tsa
from servers.witness import WitnessServer

from canary.audit.bundle import population
from canary.audit.bundle.commitment import Commitment, commit, signed_heads
from canary.audit.bundle.make import Made, Wanted, make
from canary.audit.verifier import canonical
from canary.audit.verifier.archive import MANIFEST, SUMS
from canary.audit.verifier.findings import Findings
from canary.clock import Clock
from canary.evidence.log import EvidenceLog
from canary.evidence.rotation import SigningKeys
from canary.evidence.settings import TsaSettings, WitnessSettings
from canary.evidence.timestamps import Authority
from canary.evidence.witness import Witness
from canary.judge import judge
from canary.ledger import Event, EventKind, Ledger
from canary.ledger import events as record
from canary.mark import Keyring, new_probe_id
from canary.model import Component, Place, Role, Seen, Sighting, Submission, TimeSource
from canary.sealing import SealingKey

DEADLINE, GIVE_UP = 5.0, 20.0
SEALING = SealingKey(b"s" * 32)
ACCOUNT = "canary-desk@ca.example"
CHANNEL: dict[str, object] = {
    "kind": "email", "target": {"targets": ["ca.example"], "to": "cpr@ca.example"}, "disclosed_in": ["cps"],
    "approved_by": "J. Doe, 2026-03-02", "interval": 30 * 86_400.0, "deadline": DEADLINE, "give_up": GIVE_UP,
    "acknowledged_within": None, "picked_up_within": None, "answered_within": None, "answer_received_within": None,
    "arrives_in": ["cpr"], "senders": ["researcher"], "variants": ["V01"], "reachability_only": False, "blind_on": [],
    "queues": {
        "cpr": {
            "watch": "cpr-mailbox", "kind": "imap", "role": "monitored", "server": "imap.ca.example:993",
            "account": {"sealed": SEALING.sealed(ACCOUNT)}, "name": "CPR",
        },
    },
    "settings": {"sealed": SEALING.sealed("{}")},
}  # fmt: skip
RETENTION = {"messages": 90 * 86_400.0, "traces": 90 * 86_400.0, "events": 730 * 86_400.0}
CPR, JUNK = Place("cpr", Role.MONITORED), Place("junk", Role.JUNK)


class Office:
    """Writes probes as the prober does, at the real time if no clock is given; ``close`` when done."""

    def __init__(self, folder: Path, origin: str = ORIGIN, clock: Clock | None = None) -> None:
        self.folder, self.origin, self.clock = folder, origin, clock or Clock()
        self.ledger = Ledger(folder, inline=True)
        self.marks = Keyring([b"k" * 32])
        self.store = MemoryKeys(folder / "signed", origin)
        self.keys = SigningKeys(self.ledger, self.store, origin, timedelta(days=7))
        self.log = EvidenceLog(self.ledger, folder / "evidence", origin, self.clock, self.keys)
        self.begun = self.now() - timedelta(minutes=1)
        self.configured = 0

    def close(self) -> None:
        self.ledger.close()

    def now(self) -> datetime:
        return self.clock.now()

    def configure(
        self, *, scheduled: bool = True, retention: Mapping[str, float] = RETENTION, **changed: object
    ) -> int:
        """Record what is in force from now on; returns the number of the event that says so."""
        channel = CHANNEL | changed
        body = {"channels": {"alias": channel}, "watches": {}, "blackouts": [], "blind_drills": [], "part": 1}
        body |= {"parts": 1, "configuration": "c" * 64, "version": "0.1.0", "python": "3.11.2", "platform": "Linux"}
        body |= {"previous": self.ledger.state.totals.configured}
        body |= {"sealed_by": SEALING.id, "scheduled": scheduled, "retention": dict(retention)}
        told = self.tell(EventKind.CONFIGURED, **body)
        self.configured = told.seq
        return told.seq

    @property
    def vkey(self) -> str:
        """The key that signs now."""
        return str(self.store.signers()[0].vkey)

    def add(self, *events: Event) -> list[Event]:
        return self.ledger.append(*events).result()

    def tell(self, kind: EventKind, **body: object) -> Event:
        return self.add(Event(kind, self.now(), body))[0]

    def ill(self) -> None:
        """Tell a fault of ours."""
        self.add(record.trouble(self.now(), Component.IMAP, "login", "the server refused the login"))

    def probe(
        self,
        *,
        place: Place = CPR,
        arrives: float | None = 1.0,
        root: str | None = None,
        ends: bool = True,
        between: Callable[[], object] = lambda: None,
    ) -> str:
        """A probe from its schedule to its end; ``arrives`` is when it was seen at ``place``, None for never.

        ``between`` happens once it was sent.
        """
        configured = self.configured or self.configure()
        at, name = self.now(), new_probe_id()
        probe = replace(a_probe(name), scheduled_at=at, deadline=DEADLINE, give_up=GIVE_UP, configured=configured)
        mark = self.marks.make(name, at)
        message = self._message(mark, root)
        message_id = f"<{name}@probe.example>"
        found = b"Received: from probe.example by mx.ca.example\r\n" + message
        submission = Submission(at=at, accepted=True, seconds=0.2, reason="250 2.0.0 queued as 4711")
        self.add(
            record.scheduled(probe, mark),
            record.submitting(name, at, message_id, self.ledger.artefacts.put(message), self._carried()),
            record.submitted(name, at, submission, {"smtp-transcript.txt": self._transcript(name)}),
        )
        between()
        if arrives is not None:
            seen = at + timedelta(seconds=arrives)
            kept = self.ledger.artefacts.put(found)
            report = (Seen.REPORT, name, place, seen, TimeSource.RECEIVED, 1.0, seen, kept, message_id)
            self.add(record.sighting(seen, Sighting(*report, intact=True), "cpr-mailbox"))
        if ends:
            case = self.ledger.state.open[name].case
            end = case.started_at + timedelta(seconds=GIVE_UP)
            verdict = judge(case, end, {"cpr": end})
            assert verdict.deadline is not None
            assert verdict.outcome is not None
            self.add(record.deadline(name, end, verdict.deadline, verdict.outcome), record.finished(name, end, verdict))
        return name

    def _transcript(self, name: str) -> str:
        return self.ledger.artefacts.put(f"S 220 mx.ca.example\nC EHLO {name}\nS 250 2.0.0 queued\n".encode())

    def _carried(self) -> tuple[int, str] | None:
        latest = self.log.latest()
        return (latest.size, latest.root.hex()) if latest else None

    def _message(self, mark: str, root: str | None) -> bytes:
        latest = self._carried()
        carried = root or (latest[1] if latest else "none yet")
        body = f"A key is out. Reference {mark}.\r\nLog: {carried}\r\n{random.random()}\r\n"
        head = f"From: a@probe.example\r\nTo: cpr@ca.example\r\nSubject: key [{mark}]\r\n"
        return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{body}".encode()

    def stop(self) -> None:
        """Say that the canary stopped, after all that was told, and sign; twice, as the second tells of the first."""
        self.add(Event(EventKind.STOPPED, self.now() + timedelta(seconds=GIVE_UP + 1), {"run": "r", "scheduled": True}))
        self.log.advance(force=True)
        self.log.advance(force=True)

    def stamp(self, tsa: Tsa, name: str = "one", every: str = "1h", of: Event | None = None) -> Event:
        """Have a checkpoint time-stamped, the newest one if none is given."""
        settings = TsaSettings(name=name, url=tsa.url, ca_file=tsa.ca_file, every=every)
        authority = Authority(settings, self.ledger, self.folder / "timestamps", self.clock)
        return asyncio.run(authority.do(of or next(self.ledger.events(kind=EventKind.CHECKPOINT, newest=1))))

    def cosign(self, witness: WitnessServer, name: str = "other") -> Event:
        """Have the newest checkpoint cosigned."""
        settings = WitnessSettings(name=name, url=witness.url, vkey=str(witness.vkey))
        outside = Witness(settings, self.log, self.ledger, self.clock)
        return asyncio.run(outside.do(next(self.ledger.events(kind=EventKind.CHECKPOINT, newest=1))))

    def wanted(self, seed: str = "7", size: int = 3, kept: tuple[int, ...] = ()) -> Wanted:
        return Wanted(self.begun, self.now() + timedelta(days=1), seed, size, (), kept)

    def bound(self) -> Commitment:
        """What it binds itself to, of all until it stopped."""
        part = population.part(self.ledger, signed_heads(self.log), self.begun, self.now() + timedelta(days=1))
        return commit(self.log, part.since, part.until)

    def bundle(self, path: Path, wanted: Wanted | None = None, chains: dict[str, Path] | None = None) -> Made:
        return make(path, self.log, wanted or self.wanted(), chains)


Files = dict[str, bytes]


def unpacked(path: Path) -> Files:
    """Every file of a bundle."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path: Path, files: Files) -> Path:
    """A bundle of these files as they are, manifest and all."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def sealed(files: Files, **changes: object) -> Files:
    """The files under a manifest that fits them: what a forger would do."""
    manifest = canonical.load(files[MANIFEST]) | changes
    rest = {name: content for name, content in files.items() if name not in (MANIFEST, SUMS)}
    manifest["files"] = {name: sha256(content).hexdigest() for name, content in rest.items()}
    raw = canonical.dumps(manifest)
    whole = {**manifest["files"], MANIFEST: sha256(raw).hexdigest()}
    sums = "".join(f"{whole[name]}  {name}\n" for name in sorted(whole)).encode()
    return {**rest, MANIFEST: raw, SUMS: sums}


def without(files: Files, *names: str) -> Files:
    return {name: content for name, content in files.items() if name not in names}


def without_event(files: Files, seq: int) -> Files:
    return without(files, f"events/{seq}.json", f"proofs/{seq}.tlog-proof")


def period_of(path: Path) -> dict[str, str]:
    """The options of an auditor who asked for just the period that a bundle is of."""
    with zipfile.ZipFile(path) as archive:
        period = canonical.load(archive.read(MANIFEST))["period"]
    return {"since": period["from"], "until": period["to"]}


def asked(path: Path) -> list[str]:
    """The same, as they are written in a command."""
    period = period_of(path)
    return ["--from", period["since"], "--to", period["until"]]


def refused(found: Findings, row: str, reason: str) -> None:
    assert not found.ok
    assert row in found.rows, found.rows.keys()
    assert any(re.search(reason, failure) for failure in found.rows[row].failures), found.to_json()["checks"]
