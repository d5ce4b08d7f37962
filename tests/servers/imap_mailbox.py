"""A scripted IMAP server with messages in its folders, on which tests put what servers in the field do wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from servers.imap_script import ImapScript

Refusal = Callable[[bytes], bytes | None]
"""By a command without its tag: how it ends, if it is refused; None if it is answered."""

_TEXT = re.compile(rb"BODY \"?([a-z2-7]+)\"?")
_UIDS = re.compile(rb"UID (?:SEARCH UID )?([0-9:,*]+)")


class ImapMailbox(ImapScript):
    """One folder ``name`` with the messages ``lie``, by UID; ``folders`` are listed.

    ``refuse`` has refusals that are asked in turn; ``hidden`` are UIDs that no search for a text finds.
    """

    def __init__(self, *lie: bytes, name: str = "CPR", capabilities: str = "IMAP4rev1") -> None:
        super().__init__(capabilities=capabilities)
        self.lie = dict(enumerate(lie, 1))
        self.name, self.folders = name, [name, "INBOX"]
        self.refuse: list[Refusal] = []
        self.hidden: set[int] = set()
        self.date = b'"27-Nov-2026 00:00:00 +0000"'

    def arrive(self, message: bytes) -> int:
        """One more message; its UID."""
        uid = max(self.lie, default=0) + 1
        self.lie[uid] = message
        return uid

    @property
    def last(self) -> int:
        return max(self.lie, default=0)

    def said(self, verb: str) -> list[str]:
        """The commands with this word in them."""
        return [command for command in self.commands if verb in command.upper()]

    def _ended(self, verb: str, rest: bytes) -> bytes:
        if verb in ("EXAMINE", "STATUS") and self._asked_folder(rest) not in self.folders:
            return b"NO no such mailbox"
        refusals = (refuse(rest) for refuse in self.refuse)
        return next((said for said in refusals if said), super()._ended(verb, rest))

    def _honestly(self, ended: bytes, rest: bytes) -> Iterable[bytes]:
        return self._honest(rest) if ended.startswith(b"OK") else ()

    def _honest(self, rest: bytes) -> Iterable[bytes]:
        self.messages = len(self.lie)
        verb = self._verb(rest)
        if verb == "LIST":
            yield from (b'* LIST () "." "%s"\r\n' % name.encode() for name in self.folders)
        elif verb == "FETCH BODYSTRUCTURE":
            yield from map(self.fetched, self.asked(rest))
        elif verb == "FETCH":
            yield from (self._fetched(uid, rest) for uid in self.asked(rest))
        else:
            yield from super()._honest(rest)

    def _asked_folder(self, rest: bytes) -> str:
        return rest.partition(b" ")[2].partition(b" (")[0].strip(b'"').decode()

    def asked(self, rest: bytes) -> list[int]:
        words = rest.split()[2]
        return [uid for uid in map(int, words.split(b",")) if uid in self.lie]

    def _fetched(self, uid: int, rest: bytes) -> bytes:
        whole = self.lie[uid]
        header = whole.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        told = b"* %d FETCH (UID %d" % (uid, uid)
        if b"INTERNALDATE" in rest:
            told += b" INTERNALDATE " + self.date
        if b"RFC822.SIZE" in rest:
            told += b" RFC822.SIZE %d" % len(whole)
        if b"BODY.PEEK[HEADER]" in rest:
            told += b" BODY[HEADER]<0> {%d}\r\n%s" % (len(header), header)
        if b"BODY.PEEK[]" in rest:
            told += b" BODY[]<0> {%d}\r\n%s" % (len(whole), whole)
        return told + b")\r\n"

    def searched(self, rest: bytes) -> list[int]:
        """What a SEARCH finds: by UIDs, and by texts if it asks for some."""
        uids = self._within(rest)
        texts = _TEXT.findall(rest)
        if texts:
            uids = [u for u in uids if u not in self.hidden and any(text in self.lie[u] for text in texts)]
        return uids

    def _within(self, rest: bytes) -> list[int]:
        found = _UIDS.search(rest)
        pieces = found[1].split(b",") if found else [b"1:*"]
        wanted: set[int] = set()
        for piece in pieces:
            first, _, last = piece.partition(b":")
            wanted |= set(range(int(first), (self.last if last == b"*" else int(last or first)) + 1))
        return sorted(wanted & set(self.lie))
