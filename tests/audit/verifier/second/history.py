"""The log: signed heads, each the beginning of the newest, and the events that this one proves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .base import Bad, digest, genuine, must, parsed, unbase

TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


def moment(text: str) -> datetime:
    found = datetime.strptime(text, TIME).replace(tzinfo=UTC)
    must(found.strftime(TIME) == text, "a time in another form")
    return found


@dataclass(frozen=True)
class Vkey:
    """A public key under its name."""

    text: str

    @property
    def name(self) -> str:
        return self.text.split("+", 2)[0]

    @property
    def raw(self) -> bytes:
        """Type and key."""
        raw = unbase(self.text.split("+", 2)[2])
        must(len(raw) == 33 and raw[0] in (1, 4), "no key")
        must(self.text.split("+", 2)[1] == digest(self.name.encode(), b"\n", raw)[:4].hex(), "a key of another id")
        return raw


class Signed:
    """A signed note."""

    def __init__(self, raw: bytes) -> None:
        self.raw, (text, lines) = raw, raw.decode().rsplit("\n\n", 1)
        self.text, self.lines = text + "\n", lines.removesuffix("\n").split("\n")
        must(lines.endswith("\n") and re.fullmatch(r"[^\x00-\x09\x0b-\x1f]*", raw.decode()), "no note")
        parts = [re.fullmatch("— ([^ ]+) ([^ ]+)", line) for line in self.lines]
        must(all(parts), "no signature line")
        self.signatures = [(part[1], unbase(part[2])) for part in parts if part]
        must(all(len(value) > 4 for _, value in self.signatures), "a signature that is too short")
        must(len({(name, value[:4]) for name, value in self.signatures}) == len(self.lines), "two by one key")

    def at(self, key: Vkey) -> int | None:
        """When a key signed: 0 where its kind does not tell; None if it did not. Each line of it must be genuine."""
        found = None
        for name, value in self.signatures:
            if name != key.name or value[:4] != digest(key.name.encode(), b"\n", key.raw)[:4]:
                continue
            found, message, signature = 0, self.text, value[4:]
            if key.raw[0] == 4:
                found, signature = int.from_bytes(value[4:12], "big"), value[12:]
                message = f"cosignature/v1\ntime {found}\n{self.text}"
            must(genuine(key.raw[1:], message.encode(), signature), "a signature that is not genuine")
        return found


class Head(Signed):
    """A signed checkpoint."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.origin, size, root = self.text[:-1].split("\n")
        must(re.fullmatch(r"0|[1-9]\d{0,15}", size, re.ASCII), "no size")
        self.size, self.root = int(size), unbase(root)
        must(self.origin and len(self.root) == 32, "no checkpoint")


def climbs(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that an inclusion proof leads to, by recursion over the shape of the tree (RFC 6962 section 2.1)."""
    if size == 1:
        must(not path and index == 0, "a proof of another length")
        return leaf
    split = 1 << (size - 1).bit_length() - 1
    must(path, "a proof of another length")
    if index < split:
        return digest(b"\1", climbs(leaf, index, split, path[:-1]), path[-1])
    return digest(b"\1", path[-1], climbs(leaf, index - split, size - split, path[:-1]))


def roots(old: int, size: int, path: list[bytes], known: bytes, whole: bool = True) -> tuple[bytes, bytes]:
    """Old and new root by a consistency proof, likewise; ``known`` is the old root, which a whole subtree needs not."""
    if old == size:
        must(len(path) == (0 if whole else 1), "a proof of another length")
        return (known, known) if whole else (path[0], path[0])
    split = 1 << (size - 1).bit_length() - 1
    must(path, "a proof of another length")
    if old <= split:
        before, after = roots(old, split, path[:-1], known, whole)
        return before, digest(b"\1", after, path[-1])
    before, after = roots(old - split, size - split, path[:-1], known, False)
    return digest(b"\1", path[-1], before), digest(b"\1", path[-1], after)


class History:
    """Everything in the bundle that its newest checkpoint proves."""

    def __init__(self, files: dict[str, bytes], origin: str, keys: list[Vkey]) -> None:
        self.newest = Head(files["checkpoint"])
        self.heads = {self.newest.size: self.newest}
        self.events: dict[int, dict[str, Any]] = {}
        self.emptied: set[int] = set()
        must(self.newest.origin == origin, "another log")
        for name, raw in files.items():
            folder, _, rest = name.partition("/")
            if folder == "proofs":
                self._proof(int(rest.split(".")[0]), raw, files)
            elif folder == "checkpoints":
                self._older(int(rest), raw, files)
        must(all(int(name[7:-5]) in self.events for name in files if name.startswith("events/")), "events unproved")
        older = {f"consistency/{size}-{self.newest.size}" for size in self.heads if size != self.newest.size}
        must({name for name in files if name.startswith("consistency/")} == older, "proofs of no checkpoint")
        self.order = [self.events[seq] for seq in sorted(self.events)]
        self._check_keys(keys)
        self.tombstones = self.of("forgotten")
        gone = {d: e["body"]["rule"] for e in self.tombstones for d in e["body"].get("artefacts", ())}
        self.rules = {digest: rule for digest, rule in gone.items() if f"artefacts/{digest}" not in files}

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.order if event["kind"] == kind]

    def _proof(self, seq: int, raw: bytes, files: dict[str, bytes]) -> None:
        head, note = raw.decode().split("\n\n", 1)
        title, *lines = head.split("\n")
        extra = unbase(lines.pop(0)[6:]) if lines[0].startswith("extra ") else None
        must(title == "c2sp.org/tlog-proof@v1" and lines.pop(0) == f"index {seq - 1}", "a proof of another leaf")
        must(note.encode() == self.newest.raw and 0 < seq <= self.newest.size, "a proof by another checkpoint")
        body, path = files.get(f"events/{seq}.json"), list(map(unbase, lines))
        must((body is None) is (extra is not None), "neither the event nor its hash, or both")
        must(all(len(item) == 32 for item in [*path, extra or bytes(32)]), "no hash")
        leaf = digest(b"\0", body) if body is not None else extra or b""
        must(climbs(leaf, seq - 1, self.newest.size, path) == self.newest.root, "not in the log")
        if body is None:
            self.emptied.add(seq)
            return
        event = parsed(body)
        must({"seq", "at", "kind", "body"} <= event.keys() <= {"seq", "at", "kind", "body", "probe"}, "no event")
        must(type(event["seq"]) is int and event["seq"] == seq, "another event")
        types = isinstance(event["kind"], str), isinstance(event["body"], dict), isinstance(event.get("probe", ""), str)
        must(all(types), "no event")
        self.events[seq] = event | {"when": moment(event["at"]), "probe": event.get("probe")}

    def _older(self, size: int, raw: bytes, files: dict[str, bytes]) -> None:
        head = Head(raw)
        must(head.size == size < self.newest.size and head.origin == self.newest.origin, "no older checkpoint")
        text, note = files[f"consistency/{size}-{self.newest.size}"].decode().split("\n\n", 1)
        old, *lines = text.split("\n")
        must(old == f"old {size}" and size > 0 and note.encode() == self.newest.raw, "another consistency proof")
        found = roots(size, self.newest.size, list(map(unbase, lines)), head.root)
        must(found == (head.root, self.newest.root), "a fork")
        self.heads[size] = head

    def _check_keys(self, keys: list[Vkey]) -> None:
        self.chain: list[tuple[int, Vkey]] = []
        for event in self.of("key_rotated"):
            body, at = event["body"], event["at"]
            signers = [Vkey(text) for text in (body["new"], body["old"]) if text is not None]
            note = Signed(body["statement"].encode())
            lines = ["cpr-canary/key-rotation@v1", f"from {body['old'] or 'none'}", f"to {body['new']}", f"at {at}",
                     f"until {body['until']}"]  # fmt: skip
            must(note.text == "".join(f"{line}\n" for line in lines), "another statement")
            must(all(note.at(key) is not None for key in signers), "a statement that is not signed")
            if signers[0].name == self.newest.origin:
                must(not self.chain or self.chain[-1][1] == signers[-1] != signers[0], "a key out of nowhere")
                self.chain.append((event["seq"], signers[0]))
        must(not self.chain or {key for _, key in self.chain} & set(keys), "none of the keys is known")
        for head in self.heads.values():
            known = {*keys, *(key for _, key in self.chain)}
            must(sum(head.at(key) is not None for key in known) == len(head.lines), "a signature of a stranger")
            right = [key for seq, key in self.chain if seq <= head.size][-1:] or keys
            must(any(head.at(key) is not None and key.name == head.origin for key in right), "not signed")

    def check_order(self, slack: timedelta) -> None:
        """Times follow numbers, but for steps of the clock that are told."""
        latest = None
        for event in self.order:
            if event["kind"] == "clock_stepped" and latest is not None:
                latest += timedelta(seconds=min(0, event["body"]["seconds"]))
            if latest is not None and latest - event["when"] > slack:
                raise Bad(f"event {event['seq']} is older than those before it")
            latest = max(latest or event["when"], event["when"])
