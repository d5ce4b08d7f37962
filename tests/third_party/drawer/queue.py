"""A place to look: the tickets of a drawer, the queues that they were sorted into, and what became of them there."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from canary.content import Ticket
from canary.model import Actor, Attachment, Component, OwnFaultError, Place, Role, Seen, TimeSource
from canary.queues import Found, Intake, QueueRole, WatchKind, WatchResources, WatchSettings
from canary.queues.claims import claims
from canary.queues.loop import Look, LoopingWatcher, Stop
from canary.settings import Duration, FilePath, Slug

LARGEST = 64 * 1024 * 1024
ACTS = {
    "sorted": Seen.REPORT,
    "acknowledged": Seen.ACKNOWLEDGEMENT,
    "taken": Seen.PICKED_UP,
    "answered": Seen.ANSWER,
    "closed": Seen.CLOSED,
}


class DrawerWatchSettings(WatchSettings):
    """A drawer, and what its queues are for."""

    kind: Literal["drawer"]
    folder: FilePath
    queues: dict[Slug, QueueRole]
    poll: Duration = 20.0

    def places(self) -> tuple[Place, ...]:
        """The queues; a ticket has no Message-ID."""
        return tuple(Place(queue, Role(role), message_id=False, work=True) for queue, role in self.queues.items())


class DrawerWatcher(LoopingWatcher):
    """Reads what changed since the last look; the loop has the thread, the pauses, and the way to stop."""

    component = Component.TICKETS
    reasons = frozenset({"gone", "unreadable", "blind"})

    def __init__(self, name: str, settings: DrawerWatchSettings, resources: WatchResources) -> None:
        super().__init__(name, resources)
        self._folder, self._poll = settings.folder, settings.poll
        self._places = {place.queue: place for place in settings.places()}

    @contextmanager
    def opened(self, intake: Intake, stop: Stop) -> Iterator[Look]:
        """Nothing is to be opened; a system that is asked by HTTP logs in here."""
        yield lambda: self._look(intake)

    def explain(self, error: Exception) -> OwnFaultError:
        """By what reading a folder raises; what is not listed in ``reasons`` is reported as unexpected."""
        if isinstance(error, OSError):
            return self.fault("gone", f"{self._folder}: {error.strerror}")
        return self.fault("unreadable", f"a ticket in {self._folder}: {type(error).__name__}")

    def check(self) -> str:
        """Look once, and hand in nothing."""
        try:
            return f"{len(list(self._folder.iterdir()))} tickets in {self._folder}"
        except OSError as error:
            raise self.explain(error) from error

    def _look(self, intake: Intake) -> float:
        began, cursor = intake.now(), intake.cursor(self.name) or {}
        known, since = str(cursor.get("known", "")), int(cursor.get("changed", 0))
        # an empty folder may be one that is no longer mounted: only a ticket that we know proves that we see
        if known and not (self._folder / known).exists():
            raise self.fault("blind", f"{known} was in {self._folder}, and is no longer there")
        changes = sorted((path.stat().st_mtime_ns, path) for path in self._folder.iterdir() if path.suffix == ".json")
        for changed, path in changes:
            if changed >= since:  # the same again costs nothing: what was handed in before is recorded once
                intake.hand_in(self.name, self._found(path, intake), {"known": path.name, "changed": changed})
        for queue in self._places:
            intake.looked(queue, began)
        return self._poll

    def _found(self, path: Path, intake: Intake) -> list[Found]:
        """What is ours of a ticket. A stranger's is dropped at once."""
        if path.stat().st_size > LARGEST:
            raise self.fault("unreadable", f"{path} has more than {LARGEST} bytes")
        ticket = json.loads(path.read_bytes())
        ours = claims(intake.keys.find(ticket["text"]), intake)
        found, place = [], None
        for number, entry in enumerate(ticket["history"]):
            if entry["what"] == "sorted":
                place = self._places.get(entry["queue"])
            if place is None or entry["what"] not in ACTS:
                continue
            for probe, forgery in ours.items():
                found.append(
                    Found(
                        ACTS[entry["what"]], probe, place, datetime.fromisoformat(entry["at"]), TimeSource.RECORD, 1.0,
                        _content(ticket, entry), Actor.MACHINE if entry["by"] == "system" else Actor.HUMAN,
                        forgery=forgery, detail=f"{path.stem}: {entry['what']}",
                        where=path.name if entry["what"] == "sorted" else f"{path.name}/{number}",
                    )
                )  # fmt: skip
        return found


def _content(ticket: dict[str, Any], entry: dict[str, Any]) -> Ticket | None:
    if entry["what"] != "sorted":
        return Ticket(entry["words"]) if "words" in entry else None
    files = (Attachment(f["name"], f["media_type"], base64.b64decode(f["content"])) for f in ticket["files"])
    return Ticket(ticket["text"], tuple(files))


KIND = WatchKind(DrawerWatchSettings, DrawerWatcher)
