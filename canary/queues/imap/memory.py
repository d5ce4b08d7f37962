"""What is remembered of a folder from one connection to the next."""

from __future__ import annotations

from canary.clock import Clock
from canary.queues.imap.search import AGAIN_AFTER, AGAIN_AT_MOST, BodySearch

_MOST_REFUSED = 100
"""Messages that were not given out, the newest, that are asked for again."""


class FolderMemory:
    """What is kept of a folder from one connection to the next: what had better not be tried again at once.

    ``unnamed`` is the last message, by UIDVALIDITY and UID, up to which names of attachments are not asked for.
    ``refused`` are the messages that were not given out, with when (monotonic) to ask again, and after what pause for
    the time after that; the pauses grow until it is asked no more.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.search = BodySearch(clock)
        self.validity: int | None = None
        self.unnamed = (0, 0)
        self.refused: dict[int, tuple[float, float]] = {}
        self.statusless = False
        """Whether STATUS is refused: then the folder is read at each poll and not in between."""

    def refuse(self, uid: int) -> bool:
        """Have a message that was not given out asked for again later; whether this is the first time."""
        wait = self.refused[uid][1] if uid in self.refused else AGAIN_AFTER
        news = uid not in self.refused
        self.refused[uid] = (self.clock.monotonic() + wait if wait <= AGAIN_AT_MOST else float("inf"), 2 * wait)
        for old in sorted(self.refused)[:-_MOST_REFUSED]:
            del self.refused[old]
        return news

    def asked_again(self) -> list[int]:
        """The messages that are to be asked for again now."""
        now = self.clock.monotonic()
        return sorted(uid for uid, (due, _) in self.refused.items() if due <= now)
