"""One IMAP connection: opened with its TLS checked, waited on with IDLE, and every way in which it can fail named.

It differs from a plain IMAPClient where a watcher that runs for months needs it to; how it reads is in
:mod:`canary.queues.imap.wire`.
"""

from __future__ import annotations

import contextlib
import imaplib
import ssl
from contextlib import AbstractContextManager
from dataclasses import dataclass

from imapclient import IMAPClient

from canary.budgets import Budget
from canary.model import OwnFaultError
from canary.queues.imap.account import MailAccount
from canary.queues.imap.faults import Reason, code_of, explain, fault, is_refusal, quotable
from canary.queues.imap.login import sign_in
from canary.queues.imap.wire import Wire
from canary.queues.loop import Stop, StoppedError
from canary.settings import Tls

NOT_TO_BE_OPENED = {b"\\noselect", b"\\nonexistent"}
_UIDS = 1 << 32
"""More than the highest UID that there is (RFC 3501 section 2.3.1.1)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A folder as the last real EXAMINE told: its numbering, the UID that will be next, how many messages there are."""

    uidvalidity: int
    uidnext: int
    exists: int


class Connection(IMAPClient):  # type: ignore[misc]
    """A logged-in connection. Made by :func:`connect`; a context manager that closes it without waiting."""

    def __init__(self, account: MailAccount, context: ssl.SSLContext | None, stop: Stop) -> None:
        self._account, self._server, self._tls_settings, self._stop = account, account.server, context, stop
        self.selected: str | None = None
        """The folder that is open, read-only."""
        self.identity = Identity(0, 1, 0)
        """Which numbering it has, and how full it was."""
        self._is_fresh = False
        """Whether the server has just told all that is new: it does so before it ends an IDLE."""
        server = account.server
        super().__init__(server.host, server.port, ssl=server.tls is Tls.IMPLICIT, timeout=server.timeout)
        self._imap.debug = 0  # neither the cost of a log that nobody reads nor passwords in it
        self.normalise_times = False

    def _create_IMAP4(self) -> Wire:  # noqa: N802
        return Wire(self._server, self._tls_settings, self._stop)

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(Exception):
            self._imap.send(b"LAST LOGOUT\r\n")  # polite; a server that hangs must not keep us waiting for its answer
        with contextlib.suppress(Exception):
            self.shutdown()

    def examine(self, folder: str, *, again: bool = False) -> Identity:
        """Have ``folder`` open read-only and up to date; ``again`` demands a real EXAMINE.

        Raises OwnFaultError (folder_missing, folder_unavailable).
        """
        if again or self.selected != folder:
            self.selected = None
            try:
                answer = self.select_folder(folder, readonly=True)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                raise self._closed(folder, error) from error
            self.selected = folder
            uidnext = min(answer.get(b"UIDNEXT", 1), _UIDS)
            self.identity = Identity(answer.get(b"UIDVALIDITY", 0), uidnext, answer.get(b"EXISTS", 0))
        elif not self._is_fresh:
            self.noop()
        self._is_fresh = False
        self._imap.untagged_responses.pop("EXISTS", None)  # whatever comes from here on is news
        return self.identity

    def status(self, folder: str, items: tuple[str, ...]) -> dict[bytes, int]:
        """The answer to STATUS, by item. Raises OwnFaultError (folder_missing, folder_unavailable)."""
        try:
            answer: dict[bytes, int] = self.folder_status(folder, items)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise self._closed(folder, error) from error
        return answer

    def open_for_writing(self, folder: str) -> int:
        """SELECT ``folder``, for clean-up; returns its UIDVALIDITY."""
        self.selected = None
        return int(self.select_folder(folder).get(b"UIDVALIDITY", 0))

    def within(self, budget: Budget) -> AbstractContextManager[None]:
        """Have the answers of the commands in it cost no more than another budget than the usual one."""
        return self._imap.within(budget)  # type: ignore[no-any-return]  # IMAPClient has no types

    def idle(self, seconds: float) -> bool:
        """IDLE in the open folder for at most so many seconds; True as soon as the server says anything.

        Not only new mail counts: whoever waits here looks into the folder anyway, and that costs little.
        """
        wire = self._imap
        if wire.untagged_responses.pop("EXISTS", None):
            return True  # told with the answer to an earlier command; the server will not say it again
        tag = wire._command("IDLE")
        heard = False
        while wire._get_response() is not None:  # None is the server's "+ idling"
            if wire.tagged_commands[tag] is not None:
                raise wire.error(f"IDLE refused: {wire.tagged_commands.pop(tag)!r}")
            heard = True
        heard = heard or wire.heard(seconds)
        wire.expect_answer()
        wire.send(b"DONE\r\n")
        wire._command_complete("IDLE", tag)
        self._is_fresh = True
        return heard

    def names(self) -> list[tuple[str, set[bytes]]]:
        """Every folder that the account may see, with what the server says of it in small letters. Raises by LIST."""
        return [(str(name), {flag.lower() for flag in flags}) for flags, _, name in self.list_folders()]

    def _closed(self, folder: str, error: Exception) -> OwnFaultError:
        """A folder that was not opened: missing, or there all the same, by the server's code or by its list."""
        said = self.quotable(error)
        where = f"folder {folder!r} of {self._server.username} on {self._server.host}:{self._server.port}"
        code = code_of(str(error))
        if code not in (None, "NONEXISTENT", "TRYCREATE", "ALERT") or (code is None and self._is_listed(folder)):
            return fault(Reason.FOLDER_UNAVAILABLE, f"{where} is not opened, though it may be there: {said}")
        return fault(Reason.FOLDER_MISSING, f"{where} cannot be opened: {said}")

    def _is_listed(self, folder: str) -> bool:
        """Whether the server lists a folder as one that can be opened; False where it does not list any."""
        try:
            named = self.names()
        except Exception as error:
            if is_refusal(error):
                return False
            raise
        return any(name == folder and not flags & NOT_TO_BE_OPENED for name, flags in named)

    def quotable(self, error: Exception) -> str:
        """What the server said, without the password or token."""
        return quotable(str(error), self._account.echo())


def connect(account: MailAccount, stop: Stop) -> Connection:
    """A connection to a mailbox, protected as its settings say, and logged in.

    A password is read anew each time. Raises OwnFaultError, or StoppedError.
    """
    server = account.server
    account.secret(stop)  # before anybody is connected to: without it there is no use
    try:
        context = server.tls_context()
    except OSError as error:
        raise fault(Reason.CA_FILE, f"{server.ca_file}: {error}") from error
    connection = None
    try:
        connection = Connection(account, context, stop)
        if server.tls is Tls.STARTTLS:
            connection.starttls(context)
        sign_in(connection, account, stop)
        connection._cached_capabilities = None  # those of before
        return connection
    except BaseException as error:
        if connection is not None:
            connection.__exit__()
        if isinstance(error, Exception) and not isinstance(error, StoppedError):
            raise explain(error, server, account.echo()) from error
        raise
