"""How much we take from outside before we say enough: bytes, time, number and depth, for every reader, in one place.

Whoever reads something foreign has a :class:`Budget` here, and tells by :class:`BudgetError` that it was reached.
``docs/limits.md`` shows them all; a test compares the two.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from canary.model import CanaryError

KIB, MIB = 1 << 10, 1 << 20


class BudgetError(CanaryError, ValueError):
    """Somebody sent more, longer, or deeper than we take; the text says what, and the limit with its unit."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one exchange with one outsider may cost; None where the reader knows no such measure.

    ``received`` are bytes as they come, ``decoded`` bytes (or characters) after decompression or decoding, ``seconds``
    the whole exchange by the steady clock (not the wait between two bytes), ``number`` how many ``pieces``, ``depth``
    how deep one may stand in another. Where the operator sets the time, ``seconds`` is put in by the reader.
    """

    what: str
    received: int | None = None
    decoded: int | None = None
    seconds: float | None = None
    number: int | None = None
    depth: int | None = None
    pieces: str = "parts"

    def hold(
        self, *, received: int = 0, decoded: int = 0, seconds: float = 0.0, number: int = 0, depth: int = 0
    ) -> None:
        """Raise BudgetError if what an exchange has cost so far is more than it may."""
        if self.received is not None and received > self.received:
            raise BudgetError(f"{self.what}: more than {self.received} bytes")
        if self.decoded is not None and decoded > self.decoded:
            raise BudgetError(f"{self.what}: more than {self.decoded} bytes when decoded")
        if self.number is not None and number > self.number:
            raise BudgetError(f"{self.what}: more than {self.number} {self.pieces}")
        if self.depth is not None and depth > self.depth:
            raise BudgetError(f"{self.what}: deeper than {self.depth}")
        if self.seconds is not None and seconds > self.seconds:
            raise self.too_late()

    def too_late(self) -> BudgetError:
        """The error of an exchange that took longer than it may."""
        return BudgetError(f"{self.what}: not whole within {self.seconds:g} s")

    def read(self, file: IO[bytes]) -> bytes:
        """A file to its end, which is not read any further than ``received``. Raises BudgetError, OSError."""
        content = file.read() if self.received is None else file.read(self.received + 1)
        self.hold(received=len(content))
        return content

    def read_path(self, path: Path) -> bytes:
        """What :meth:`read` returns, of the file at ``path``. Raises BudgetError, OSError."""
        with path.open("rb") as file:
            return self.read(file)

    def gather(self, pieces: Iterable[bytes]) -> bytes:
        """A stream to its end; no piece is asked for once ``received`` is passed. Raises BudgetError."""
        kept = bytearray()
        for piece in pieces:
            kept += piece
            self.hold(received=len(kept))
        return bytes(kept)

    async def agather(self, pieces: AsyncIterable[bytes]) -> bytes:
        """What :meth:`gather` returns, of an asynchronous stream. Raises BudgetError."""
        kept = bytearray()
        async for piece in pieces:
            kept += piece
            self.hold(received=len(kept))
        return bytes(kept)

    @asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """Ends what stands in it after ``seconds`` by the clock of the event loop, and raises BudgetError then.

        In a thread ask the clock instead, between any two steps: ``hold(seconds=clock.monotonic() - began)``.
        """
        import asyncio  # only here: commands that read a ledger, whose limits stand below too, do without

        limit = asyncio.timeout(self.seconds)
        try:
            async with limit:
                yield
        except TimeoutError:
            if limit.expired():
                raise self.too_late() from None
            raise


HTTP_BODY = Budget("the body of an answer over HTTP", number=20_000, pieces="chunks")
FORM_ANSWERS = Budget("the answers of a form's server", received=3 * MIB, decoded=1 * MIB)
FORM_INSPECTION = Budget("the page to be inspected", seconds=120.0)
FORM_REFERENCE = Budget("the text in which a reference number is looked for", decoded=20_000)
FORM_REDIRECTS = Budget("the redirects of a form", number=10, pieces="redirects")
FORM_SHAPE = Budget("how a form looks, as it is kept", decoded=12_000, number=60, pieces="fields")
OPT_IN_LETTERS = Budget("mails that come back while a form's link is waited for", number=20, pieces="mails")
OPT_IN_LINKS = Budget(
    "links in a mail, of which one may be a form's", received=2000, decoded=256 * KIB, number=200, pieces="links"
)  # characters of one, and of a text in which they stand
FORM_PAGE = Budget("a form's page", decoded=1 * MIB, number=60_000, depth=2048, pieces="tags and attributes")
TIMESTAMP = Budget("an answer of a time-stamping authority", received=512 * KIB, decoded=256 * KIB)  # most have 6 KiB
COSIGNATURE = Budget("an answer of a witness", received=192 * KIB, decoded=64 * KIB)
TRUSTED_CERTIFICATES = Budget("a file of trusted certificates", received=16 * MIB)
COMMITMENT = Budget("a commitment for an audit", received=64 * KIB)
CONFIGURATION = Budget(
    "a configuration",
    received=16 * MIB,
    number=500_000,
    depth=32,
    pieces="values, what aliases bring counted each time",
)  # 10,000 channels are some 3 MiB and 200,000 values; a file of rules that one names is read by it, too

MESSAGE = Budget("a message", received=8 * MIB, number=500, depth=20)  # what is beyond is not read
MARKS = Budget("a search for marks in a message", number=30_000, pieces="words of a mark's shape")
MARKED_LINES = Budget("a search for marks in a message", number=200_000, pieces="lines, of which a mark may need six")
COMPARED = Budget("what was found beside what was sent", decoded=MIB)
HEADER = Budget("a header of a message or a part", received=128 * KIB)
HOPS = Budget("the way of a message", number=30, pieces="hops, the last ones")  # each is told in its event
IMAP_LINE = Budget("a line from an IMAP server", received=MIB)
IMAP_ANSWER = Budget(
    "the answer of an IMAP server to one command", received=4 * MIB, seconds=120.0, number=100_000, pieces="lines"
)
IMAP_CONTENT = Budget(
    "headers or messages from an IMAP server", received=32 * MIB, seconds=120.0, number=100_000, pieces="lines"
)
IMAP_STRUCTURES = Budget(
    "what 200 messages consist of, from an IMAP server", received=2 * MIB, seconds=120.0, number=100_000, pieces="lines"
)
IMAP_PASSED_OVER = Budget("messages that an IMAP server does not give out", number=100, pieces="in a row")
"""After so many it is taken for a fault of the folder, which is tried again later."""
IMAP_SEARCHED_AGAIN = Budget("messages whose text is searched again", number=1000, pieces="messages, the newest")
IMAP_UNSEARCHED = Budget(
    "messages that are read since an IMAP server searches none", received=64 * KIB, number=50, pieces="at a time"
)
"""``received``: of each, from its beginning."""

TICKET_DESCRIPTION = Budget(
    "a file that describes a ticket system", received=256 * KIB, number=2_000, pieces="brackets"
)
TICKET_ANSWER = Budget("an answer of a ticket system", decoded=16 * MIB)
"""A part of a message in Base64, in JSON. How long it may take is configured."""
TICKET_LIST = Budget("the history of a ticket, its parts, or all queues", number=5_000, pieces="entries")
TICKET_LOOK = Budget(
    "all that a ticket system answers in one look",
    received=256 * MIB,
    number=1_000,
    pieces="questions, the next look goes on",
)
TICKET_RECORDED = Budget(
    "a recording of what a ticket system answers",
    decoded=200,
    number=50,
    depth=20,
    pieces="answers, and of each list the first",
)
"""``decoded``: characters of a text whose shape is kept."""
TICKETS_UNREAD = Budget("tickets of a queue that are to be read again", number=50, pieces="tickets, the newest")
TICKETS_SOUGHT = Budget("reports that are looked for a second time in one look", number=20, pieces="reports")
TICKETS_REMEMBERED = Budget(
    "tickets that are remembered as read, of each queue", number=20_000, pieces="tickets, the newest"
)
PLATFORM_ANSWER = Budget("an answer of a mail platform", decoded=16 * MIB)
PLATFORM_LOOK = Budget(
    "all that a mail platform answers in one look at a mailbox",
    received=256 * MIB,
    number=500,
    pieces="questions, the next look goes on",
)
PLATFORM_LIST = Budget("a list of a mail platform", number=5_000, pieces="entries")
PLATFORM_SOUGHT = Budget("reports that are searched for on a mail platform in one look", number=20, pieces="reports")
GATEWAY_SOUGHT = Budget("reports that a mail gateway is asked for in one look", number=50, pieces="reports")
GATEWAY_HELD = Budget("reports that a mail gateway is known to hold back", number=100, pieces="reports, the newest")
GATEWAY_UNREAD = Budget("messages that a mail gateway does not give out", number=20, pieces="messages")
"""After so many it is taken for a fault of the gateway, which is tried again later."""
PLATFORM_REMEMBERED = Budget(
    "messages of ours that are remembered as read, of each list of a mailbox", number=5_000, pieces="messages"
)
TRACE_LOOK = Budget(
    "all that a message trace answers in one look",
    received=64 * MIB,
    number=30,
    pieces="questions, the next look goes on",
)
TRACE_SOUGHT = Budget("reports that a message trace is asked for in one look", number=15, pieces="reports")
"""Those that were not asked for the longest time; a minute's share of what Microsoft answers a tenant."""
TRACE_ROWS = Budget("what a message trace says of one report", number=5_000, pieces="recipients")

WEBHOOK = Budget("what a ticket system pushes", received=256 * KIB, seconds=10.0)
"""Kept of each connection until it is known whose it is."""
WEB_REQUEST = Budget(
    "the head of a request to our web server", received=16 * KIB, seconds=10.0, number=128, pieces="connections"
)
"""``number``: connections at once; fewer where the process may open few files (one in eight of them)."""
WEB_ANSWER = Budget("an answer of our web server, until it was made and taken", seconds=60.0)
WEB_FILE = Budget("a web configuration file", received=MIB)

SIGHTINGS = Budget("what is kept of one probe, for each place and reason", number=20, pieces="sightings")
NAMED_EVENTS = Budget("what the end of a probe names of it; others are counted", number=2000, pieces="events")
UNKNOWN_MARKS = Budget("what is kept of genuine marks of probes that we do not know", number=1000, pieces="sightings")
DKIM_RECORD = Budget("the record of a sender's DKIM key in the DNS", seconds=10.0, number=10, pieces="records")
SMTP_REPLY = Budget("a reply", received=8 * KIB)  # all its lines together
SMTP_UNASKED = Budget("what a submission server says that was not taken yet", received=8 * KIB)
SMTP_OPENING = Budget("a connection to a submission server, ready for a message", seconds=120.0)  # more of a slow one
SMTP_TOGETHER = Budget("the reply to one of several commands said together", seconds=10.0)  # then one by one
SMTP_SLOW = Budget("a reply of a submission server that was found slow", seconds=300.0)  # RFC 5321 section 4.5.3.2
SMTP_END_OF_DATA = Budget("the reply to a whole message", seconds=600.0)  # servers scan (RFC 5321 section 4.5.3.2.6)
MX_LOOKUP = Budget(
    "what the DNS answers of a recipient's domain", seconds=20.0, number=20, pieces="records of a name, the first ones"
)
MX_TRIED = Budget("the mail servers of a domain that are tried for one message", number=20, pieces="addresses")
MX_KNOWN = Budget("mail servers of others whose manners are remembered", number=200, pieces="servers, then anew")
STS_POLICY = Budget(
    "a policy of MTA-STS", received=128 * KIB, decoded=64 * KIB, seconds=60.0, number=100, pieces="domains remembered"
)  # RFC 8461 section 3.3
STS_KEPT = Budget("a file of the policies of MTA-STS that are remembered", received=8 * MIB)  # those of 100 domains

RELOAD = Budget("a configuration that is read again, with all that it names", seconds=60.0)
SECRET = Budget("a file with a secret", received=64 * KIB)
EVIDENCE_KEYS = Budget("a file of evidence keys", received=64 * KIB)  # one has 119 bytes
MARK_KEYS = Budget("a file of mark keys", received=64 * KIB)  # one has 65 bytes
SEALING_KEY = Budget("a file with the sealing key", received=KIB)  # it has 65 bytes

BROWSER = Budget(
    "the browser with its pages and its driver, in memory",
    decoded=1024 * MIB,
    seconds=600.0,
    number=4,
    pieces="forms at once, others wait that long",
)  # with one usual page it has 300 MiB
BROWSER_PAGE = Budget("a process of a page in the browser, in memory", decoded=384 * MIB, seconds=5.0)
"""A usual one has 25 to 150 MiB. ``seconds`` are of a processor: after them it makes way for others."""
PLUGIN = Budget("what a plug-in does while it is loaded", seconds=10.0)
BROWSER_TRAFFIC = Budget(
    "what a form's page loads, sends and has loaded by its scripts", received=64 * MIB, number=2_000, pieces="requests"
)
BROWSER_ADDRESS = Budget("an address that a form's page asks for elsewhere, with its headers", received=4 * KIB)
BROWSER_CONNECTIONS = Budget("the connections of the browser", number=256, seconds=30.0, pieces="at once")
"""``seconds``: until one is made, and for how long one waits for a request that needs it."""
BROWSER_DIALOGS = Budget("what a form's page opens on its own", number=50, pieces="dialogs and windows")
BROWSER_NEWS = Budget("what is new after a form was sent", number=50, pieces="frames")
BROWSER_ANSWER = Budget("an answer to what a form's page sends, where it is told", received=64 * KIB)
BROWSER_ARTEFACT = Budget("a screenshot or trace of a form's page", received=16 * MIB)

TOKEN = Budget(
    "an answer of a token server",
    received=512 * KIB,
    decoded=256 * KIB,
    seconds=20.0,
    number=16_384,
    pieces="characters of an access token",
)
"""``seconds``: all that is asked for one token. A token of Microsoft's has some 2,000 characters."""
