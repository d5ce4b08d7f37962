"""The second opinion on a bundle: accepted, or refused and why."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from .base import Bad, hexed, must, openssl, parsed, written
from .container import contents
from .deletion import Deletion
from .history import Head, History, Vkey, moment
from .life import consequent, files_of, named, only, told, whole
from .meaning import meaning, recorded, seals
from .messages import holds
from .population import Listing, Part, committed
from .windows import Token, Windows

MESSAGE = 32 << 20
SPEAKING = ("report", "acknowledgement", "picked_up", "answer", "closed")
"""What is seen that speaks for the CA."""


@dataclass(frozen=True)
class Brought:
    """What the auditor has from elsewhere."""

    keys: tuple[str, ...]
    roots: str = ""
    """Certificates in PEM."""
    witnesses: tuple[str, ...] = ()
    tolerance: float = 60.0
    period: tuple[datetime, datetime] | None = None
    seed: str | None = None
    size: int | None = None
    kept: tuple[bytes, ...] = ()
    within: float | None = None
    commitment: bytes | None = None
    seed_token: bytes | None = None
    opened: frozenset[str] = frozenset()


def opinion(path: Path, brought: Brought) -> str:
    """Why the bundle is refused; empty if it is accepted."""
    try:
        _Desk(path, brought).check()
    except Bad as refused:
        return str(refused)
    except Exception as error:  # whatever cannot be read is refused
        return f"cannot be read: {error!r}"
    return ""


class _Desk:
    def __init__(self, path: Path, brought: Brought) -> None:
        must(brought.keys, "no key")
        self.brought, self.slack = brought, timedelta(seconds=brought.tolerance)
        self.manifest, self.files = contents(path)
        manifest = self.manifest
        self.part = Part(manifest["period"])
        self.seed, self.size = manifest["seed"], manifest["size"]
        must(isinstance(self.seed, str) and type(self.size) is int and 0 <= self.size <= 65_535, "no sample")
        self.named = set[str]()
        """Files that something asks for."""

    def check(self) -> None:
        self._asked()
        keys = [Vkey(text) for text in self.brought.keys]
        self.log = log = History(self.files, self.manifest["origin"], keys)
        for raw in self.brought.kept:
            kept = Head(raw)
            must(kept.size in log.heads and log.heads[kept.size].root == kept.root, "not the log that was kept")
            must(kept.origin == log.newest.origin, "not the log that was kept")
        log.check_order(self.slack)
        self.deletion = Deletion(log, self.slack)
        self._covers()
        self.tokens = self._tokens() if self.brought.roots else []
        self._within()
        ids = [*self.manifest["probes"], *self.manifest["asked"]]
        self.lives = {probe: [e for e in log.order if e["probe"] == probe] for probe in ids}
        self._alone()
        self.windows = Windows(log, self.tokens, self.brought.within, self.slack)
        for probe, events in self.lives.items():
            self._probe(probe, events)
        self._meanings()
        self._witnessed()
        self._leftovers()
        self._population()

    def _asked(self) -> None:
        manifest, brought = self.manifest, self.brought
        must(all(isinstance(manifest[name], list) for name in ("probes", "asked", "vkeys")), "no sample")
        ids = [*manifest["probes"], *manifest["asked"]]
        must(len(set(ids)) == len(ids) and all(isinstance(probe, str) for probe in ids), "a probe twice")
        must(manifest["vkeys"] and all(Vkey(text).raw for text in manifest["vkeys"]), "no keys")
        for wanted, given in ((brought.seed, self.seed), (brought.size, self.size)):
            must(wanted in (None, given), "not what was asked for")
        must(brought.period in (None, (self.part.since, self.part.until)), "not the period that was asked for")

    def _covers(self) -> None:
        log, brought = self.log, self.brought
        must(log.newest.size in log.events, "without its newest event")
        self.part.check(log, self.slack)
        ours = [key.text for _, key in log.chain]
        must(not ours or ours == self.manifest["vkeys"], "other keys than in the log")
        if brought.commitment is not None:
            committed(brought.commitment, self.part, log, self.files["population.csv"])
        if brought.seed_token is not None:
            must(brought.commitment is not None and brought.roots, "a seed for nothing")
            stamped(brought.seed_token, brought.commitment or b"", brought.roots, b"")
            must(self.seed == hexed(brought.seed_token), "another seed than the time-stamp")

    def _tokens(self) -> list[Token]:
        log, found = self.log, []
        names = [name for name in self.files if name.endswith(".tsr")]
        must(names, "no time-stamp")
        chain = b"".join(raw for name, raw in self.files.items() if name.endswith(".pem"))
        told = {event["body"]["token"]: event for event in log.of("timestamped")}
        for name in names:
            size, raw = int(name.split("/")[1].split("-")[0]), self.files[name]
            at, accuracy = stamped(raw, log.heads[size].raw, self.brought.roots, chain)
            event = told.get(hexed(raw))
            must(event is None or event["seq"] > size == event["body"]["size"], "another time-stamp")
            every = event["body"]["every"] if event else 0
            must(type(every) in (int, float) and every >= 0, "no interval")
            found.append(Token(size, at, accuracy, event["seq"] if event else None, every))
        return found

    def _within(self) -> None:
        for event in self.log.order:
            for token in self.tokens:
                slack = self.slack + token.accuracy
                must(event["seq"] > token.size or event["when"] <= token.at + slack, "younger than its time-stamp")
                behind = token.seq is not None and event["seq"] >= token.seq
                must(not behind or event["when"] >= token.at - slack, "back-dated")

    def _probe(self, probe: str, events: list[dict[str, Any]]) -> None:
        log, scheduled = self.log, only(events, "scheduled")
        if scheduled is not None:
            whole(events, max(event["when"] for event in log.order), self.slack)
            consequent(events, log.of("clock_stepped"), [*log.of("trouble"), *log.of("started")])
        named(events, log.of("clock_stepped"), log.emptied)
        if not events:
            return
        if self.brought.roots:
            must(any(token.size >= events[-1]["seq"] for token in self.tokens), "not time-stamped")
        for digest, _, seq in files_of(events):
            if f"artefacts/{digest}" not in self.files:
                self.deletion.check_file(digest, log.events[seq])
        carried = self._messages(scheduled, events) if scheduled is not None else None
        if self.brought.roots:
            self.windows.check(events, carried)
        summary = self.files[f"probes/{probe}/summary.json"]
        self.named |= {f"probes/{probe}/summary.json", *(f"artefacts/{digest}" for digest, _, _ in files_of(events))}
        must(summary == written(told(events, log.rules)).encode() and parsed(summary), "another summary")

    def _messages(self, scheduled: dict[str, Any], events: list[dict[str, Any]]) -> int | None:
        """The mark in all that was sent and speaks for the CA; the size of the newest checkpoint that was sent."""
        log, carried = self.log, None
        for event in events:
            body, sent = event["body"], event["kind"] == "submitting"
            if not sent and event["kind"] != "sighting":
                continue
            digest = body["payload" if sent else "message"]
            raw = self.files.get(f"artefacts/{digest}")
            if raw is None:
                continue
            must(len(raw) <= MESSAGE, "a message that is too large")
            if sent or (body["forgery"] is None and body["seen"] in SPEAKING):
                must(
                    holds(raw, scheduled["body"]["mark"]) or (not sent and is_deed(body)), "a message without the mark"
                )
            older = {size: head for size, head in log.heads.items() if size < scheduled["seq"]}
            first = min((event["when"] for event in log.of("key_rotated")), default=None)
            if sent and (older or (first is not None and first + self.slack < scheduled["when"])):
                carried = max((size for size, head in older.items() if holds(raw, head.root.hex())), default=None)
                must(carried is not None, "a report without a root")
        return carried

    def _alone(self) -> None:
        """Marks are of their probes, and no message and no Message-ID is of two of them."""
        owners = dict[tuple[str, str], set[str | None]]()
        for event in self.log.order:
            body, probe = event["body"], event["probe"]
            if event["kind"] == "scheduled":
                must(re.fullmatch("[a-z2-7]{40}", body["mark"], re.ASCII), "no mark")
                must(re.fullmatch("[a-z2-7]{16}", probe) and body["mark"].startswith(probe), "a mark of another probe")
            for name in names_of(event):
                owners.setdefault(name, set()).add(probe)
        for probe, events in self.lives.items():
            must(all(owners[name] == {probe} for event in events for name in names_of(event)), "of two probes")

    def _meanings(self) -> None:
        begun = [event for events in self.lives.values() if (event := only(events, "scheduled")) is not None]
        meant = [meaning(self.log, event, self.slack) for event in begun]
        must(not self.brought.opened or seals(meant) & self.brought.opened, "nothing is opened")

    def _witnessed(self) -> None:
        for witness in map(Vkey, self.brought.witnesses):
            newest = 0
            for name in [name for name in self.files if name.startswith("cosignatures/")]:
                head = Head(self.files[name])
                known = self.log.heads[head.size]
                must(name == f"cosignatures/{head.size}" and head.text == known.text, "another head")
                must(set(known.lines) <= set(head.lines), "another signature of the log")
                at = head.at(witness)
                if at is None:
                    continue
                latest = max((e["when"].timestamp() for e in self.log.order if e["seq"] <= head.size), default=0)
                must(latest <= at + self.brought.tolerance, "cosigned before it happened")
                newest = max(newest, head.size)
            for events in self.lives.values():
                must(newest >= max((event["seq"] for event in events), default=0), "not cosigned")

    def _leftovers(self) -> None:
        every = {f"artefacts/{digest}" for digest, _, _ in files_of(self.log.order)}
        every |= {f"artefacts/{event['body']['totals']['channels']}" for event in self.log.of("checkpoint")}
        for name, raw in self.files.items():
            must(not name.startswith("artefacts/") or name == f"artefacts/{hexed(raw)}", "another file")
            if name.startswith(("artefacts/", "probes/")):
                must(name in self.named | every, "a file that nothing asks for")

    def _population(self) -> None:
        log, part = self.log, self.part
        back = sum(max(0.0, -event["body"]["seconds"]) for event in log.of("clock_stepped"))
        listing = Listing(self.files["population.csv"], part, self.slack + timedelta(seconds=back))
        ranks = sorted((hexed(f"{self.seed}/{probe}".encode()), probe) for probe in listing.within)
        must([probe for _, probe in ranks[: self.size]] == self.manifest["probes"], "another sample")
        for probe, events in self.lives.items():
            if only(events, "scheduled") is None:
                must(probe in listing.rows and int(listing.rows[probe][1]) in log.emptied, "never scheduled")
                self.deletion.check_event(int(listing.rows[probe][1]), moment(listing.rows[probe][3]))
            elif probe in self.manifest["probes"] or probe in listing.rows:
                listing.check_row(probe, events, part.end)
        for number in range(self.size if part.end > part.start else 0):
            pick = int(hexed(f"{self.seed}/event/{number}".encode()), 16) % (part.end - part.start)
            seq = part.start + 1 + pick
            if seq not in log.emptied:
                self._pick(seq)
                listing.check_pick(seq, log, part.start)
        bound = self.brought.commitment is not None
        listing.check_totals(part, log, self.files, bound=bound)
        listing.check_on_the_way(part, log, self.slack, bound=bound)

    def _pick(self, seq: int) -> None:
        event = self.log.events[seq]
        recorded(self.log, event)
        if self.brought.roots and event["probe"] not in self.lives:
            self.windows.check([event], None)
            covered = event["when"] >= self.part.until or self.windows.over(seq)
            must(covered, "a picked event that is not time-stamped")


def names_of(event: dict[str, Any]) -> list[tuple[str, str]]:
    """What of an event can be of one probe alone."""
    body, sent = event["body"], event["kind"] == "submitting"
    if not sent and (event["kind"] != "sighting" or body["seen"] != "report" or body["intact"] is False):
        return []
    ids = [("id", body["message_id"])] if body["message_id"] is not None else []
    if sent or body["forgery"] is None:
        ids.append(("message", body["payload" if sent else "message"]))
    return ids


def is_deed(body: dict[str, Any]) -> bool:
    """Whether there is no message at all, but something that was done, as a queue shows."""
    return body["seen"] != "report" and body["message"] == hexed(b"")


@lru_cache(maxsize=256)
def stamped(reply: bytes, data: bytes, roots: str, chain: bytes) -> tuple[datetime, timedelta]:
    """When a time-stamp says that these bytes were there, if openssl finds it good; and how exactly it says so."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = {"reply": reply, "data": data, "roots": roots.encode(), "chain": chain}
        for part, content in parts.items():
            (folder / part).write_bytes(content)
        paths = {part: str(folder / part) for part in parts}
        text = openssl("ts", "-reply", "-in", paths["reply"], "-text").stdout
        [at] = re.findall(r"^Time stamp: (.*) GMT$", text, re.M)
        when = datetime.strptime(re.sub(r"\.\d+", "", at), "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        fraction = re.search(r"\.(\d+)", at)
        more = ["-untrusted", paths["chain"]] if chain else []
        done = openssl("ts", "-verify", "-data", paths["data"], "-in", paths["reply"], "-CAfile", paths["roots"],
                       "-attime", str(int(when.timestamp())), *more)  # fmt: skip
    must(done.returncode == 0, "a time-stamp that is not good")
    told = re.search(r"^Accuracy: (.*)$", text, re.M)
    return when + timedelta(seconds=float(f"0.{fraction[1]}") if fraction else 0), _accuracy(told[1] if told else "")


def _accuracy(text: str) -> timedelta:
    """As openssl prints it: ``0x01 seconds, 0x01F4 millis, unspecified micros``."""
    units = {"seconds": "seconds", "millis": "milliseconds", "micros": "microseconds"}
    found = {units[unit]: int(value, 16) for value, unit in re.findall(r"(0x[0-9A-F]+) (\w+)", text)}
    return timedelta(**found) if text != "unspecified" and text else timedelta(seconds=1)
