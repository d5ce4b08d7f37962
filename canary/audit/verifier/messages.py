"""The files that the events of a probe name: that they are those, and carry its mark and the root of an older head."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256

from .archive import Archive
from .content import words
from .deleted import Deleted
from .dkim import Providers
from .findings import Findings, require
from .limits import LARGEST_MESSAGE
from .log import Event, Log
from .probes import Artefact, artefacts, first

ARTEFACTS = "files are those that events name"
MARKS, CARRIED = "messages carry the mark that the log tells", "reports carry the root of an earlier checkpoint"
FORM, ALONE = "marks are of their probes", "a message serves one probe"

_ID, _MARK = re.compile("[a-z2-7]{16}", re.ASCII), re.compile("[a-z2-7]{40}", re.ASCII)
_FAVOURABLE = ("report", "acknowledgement", "picked_up", "answer", "closed")
"""What is seen that speaks for the CA, so that it must have the mark."""
_NOTHING = sha256(b"").hexdigest()


class Messages:
    """The files of one probe after the other."""

    def __init__(
        self,
        archive: Archive,
        log: Log,
        deleted: Deleted,
        tolerance: timedelta,
        providers: Providers,
        findings: Findings,
    ) -> None:
        self._archive, self._log, self._deleted = archive, log, deleted
        self.providers, self._findings = providers, findings
        signing = [event.at + tolerance for event in log.kind("key_rotated")]
        self._signed_from = min(signing, default=None)
        self._others = _shared(log.events.values())
        self._words: dict[str, str] = {}
        """By SHA-256 of a message: its words, while its probe is checked."""

    def check_marks(self) -> None:
        """Whether the mark of every probe that the bundle tells of has its form, and begins with its probe's id."""
        for event in self._log.kind("scheduled"):
            with self._findings.one(FORM, f"event {event.seq}"):
                mark, probe = event.body["mark"], event.probe or ""
                require(bool(_ID.fullmatch(probe)), f"no id of a probe is {probe!r:.60}")
                require(isinstance(mark, str) and bool(_MARK.fullmatch(mark)), f"no mark is {mark!r:.60}")
                require(mark.startswith(probe), f"the mark {mark} is not of the probe {probe}")

    def check(self, subject: str, events: list[Event]) -> int | None:
        """Look into what was sent and what was found.

        Returns the size of the checkpoint that the report carried, if it is known.
        """
        self._words.clear()
        by_seq = {event.seq: event for event in events}
        for item in artefacts(events):
            with self._findings.one(ARTEFACTS, f"{subject}: {item.what} (event {item.event})"):
                self._check_file(item, by_seq[item.event])
        for event in events:
            with self._findings.one(ALONE, f"{subject}: event {event.seq}"):
                for what, value in _serving(event):
                    others = sorted(str(probe) for probe in self._others[what, value] if probe != event.probe)
                    require(not others, f"has the {what} {value:.80} of probe {''.join(others[:1])} too")
        scheduled = first(events, "scheduled")
        if scheduled is None:
            return None
        for item in artefacts(events):
            if _carries_mark(by_seq[item.event]):
                self._check_mark(subject, item, scheduled)
        return self._carried(subject, events, scheduled)

    def _check_file(self, item: Artefact, event: Event) -> None:
        name = f"artefacts/{item.sha256}"
        if name not in self._archive.files:
            self._deleted.check_file(item.sha256, event)
            self._findings.row(ARTEFACTS).said = "some were deleted by retention, as the log tells; their hash is kept"
            return
        looked = event.kind in ("submitting", "sighting")
        if item.sha256 in self._words if looked else name not in self._archive.unread:
            return  # the same file under another name, and checked already
        size = self._archive.size(name)
        require(not looked or size <= LARGEST_MESSAGE, f"has {size} bytes, and no message more than {LARGEST_MESSAGE}")
        found, kept = sha256(), bytearray()
        for piece in self._archive.pieces(name):
            found.update(piece)
            if looked:
                kept += piece
        require(found.hexdigest() == item.sha256, "is another file than the one that the event names")
        if looked:
            self._words[item.sha256] = words(bytes(kept))
            if event.body.get("seen") == "report":
                self.providers.look(bytes(kept))

    def _check_mark(self, subject: str, item: Artefact, scheduled: Event) -> None:
        text = self._words.get(item.sha256)
        if text is None:  # or it was refused already
            if item.sha256 in self._deleted.rules:
                self._findings.unchecked(MARKS, "messages were deleted by retention, as the log tells")
            return
        with self._findings.one(MARKS, f"{subject}: {item.what} (event {item.event})"):
            require(scheduled.body["mark"] in text, f"does not contain the mark of event {scheduled.seq}")

    def _carried(self, subject: str, events: list[Event], scheduled: Event) -> int | None:
        """The size of the newest checkpoint whose root stands in what was sent."""
        sent = first(events, "submitting")
        if sent is None:
            return None
        text = self._words.get(sent.body["payload"])
        older = {size: head for size, head in self._log.heads.items() if size < scheduled.seq}
        signing = bool(older) or (self._signed_from is not None and self._signed_from < scheduled.at)
        if text is None or not signing:
            self._findings.unchecked(CARRIED, "some were deleted, or no checkpoint was signed before")
            return None
        found = [size for size, head in older.items() if head.root.hex() in text]
        with self._findings.one(CARRIED, subject):
            require(bool(found), "carries the root of no checkpoint in the bundle that is older than it")
        return max(found, default=None)


def _carries_mark(event: Event) -> bool:
    """Whether what an event names must have the probe's mark in it: what was sent, and what speaks for the CA."""
    if event.kind != "sighting":
        return event.kind == "submitting"
    deed = event.body["seen"] != "report" and event.body["message"] == _NOTHING
    return event.body["forgery"] is None and event.body["seen"] in _FAVOURABLE and not deed


def _serving(event: Event) -> Iterator[tuple[str, str]]:
    """What of an event can be of one probe alone: what was sent; and a copy that is said to be all of it."""
    if event.kind == "submitting":
        yield "message", event.body["payload"]
    whole = event.kind == "sighting" and event.body["seen"] == "report" and event.body["intact"] is not False
    if whole and event.body["forgery"] is None:
        yield "message", event.body["message"]
    if (event.kind == "submitting" or whole) and event.body["message_id"] is not None:
        yield "Message-ID", event.body["message_id"]


def _shared(events: Iterable[Event]) -> Mapping[tuple[str, str], set[str | None]]:
    """The probes that each message serves, and each Message-ID."""
    found: defaultdict[tuple[str, str], set[str | None]] = defaultdict(set)
    for event in events:
        with suppress(LookupError):  # an event that lacks something is refused where its probe is looked at
            for served in _serving(event):
                found[served].add(event.probe)
    return found
