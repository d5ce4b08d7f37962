"""A CA's mail system, and the senders' own submission server and mailboxes, on one real Postfix and one real Dovecot.

Users and aliases are known by local part: ``alice@ca.test`` and ``alice@persona.test`` are one mailbox, and so is
``alice+anything@`` either. Faults are switched on and off while everything runs, and hold from the next command on.
"""

from __future__ import annotations

import shutil
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from imapclient import IMAPClient
from servers.certificates import authority_file, server_cert
from servers.dovecot import Delivery, Dovecot, DovecotPorts
from servers.faults import BLACKHOLE, Directory, Faults, local_part
from servers.folders import server_folder
from servers.milter import Milter
from servers.polling import until
from servers.ports import LOOPBACK, Ports
from servers.postfix import Postfix, PostfixPorts
from servers.socketmap import SocketMap
from servers.token_server import TokenServer

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with a mailbox. ``name`` is the login for IMAP and for submission."""

    name: str
    password: str
    address: str  # in the CA's domain
    sender_address: str  # the same mailbox, in the persona's domain


class CaSite:
    """Started on entering the context, ended on leaving it."""

    def __init__(
        self,
        folder: Path,
        authority: trustme.CA,
        domain: str = "ca.test",
        sender_domain: str = "persona.test",
        milters: Sequence[str] = (),
        transports: Mapping[str, str] | None = None,
        services: Sequence[str] = (),
    ) -> None:
        """``milters`` see each mail before the one that fails on demand; ``transports`` of addresses are Postfix's.

        So are ``services``, further lines of master.cf.
        """
        self.domain, self.sender_domain = domain, sender_domain
        self._milters, self._services = milters, services
        self._transports = {BLACKHOLE: "discard:", **(transports or {})}
        self._wanted_folder, self._authority = folder, authority
        self._directory = Directory((domain, sender_domain))
        self._faults = Faults(self._directory)
        self._users: dict[str, User] = {}
        self._timers: list[threading.Timer] = []
        self._stack = ExitStack()

    def __enter__(self) -> CaSite:
        with ExitStack() as stack:
            self.folder = stack.enter_context(server_folder(self._wanted_folder))
            ports = Ports()
            stack.callback(ports.close)
            self._start(stack, ports)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        for timer in self._timers:
            timer.cancel()
        self._stack.close()

    def _start(self, stack: ExitStack, ports: Ports) -> None:
        self.ca_file = authority_file(self._authority, self.folder)
        names = [LOOPBACK, "localhost", *(f"{host}.{self.domain}" for host in ("mx", "imap"))]
        names += [f"{host}.{self.sender_domain}" for host in ("submission", "imap")]
        chain, key = server_cert(self._authority, self.folder, names)
        postfix_ports = PostfixPorts(ports.reserve(), ports.reserve(), ports.reserve())
        dovecot_ports = DovecotPorts(ports.reserve(), ports.reserve(), ports.reserve(), ports.reserve())
        self.mx = (LOOPBACK, postfix_ports.mx)
        self.submission = (LOOPBACK, postfix_ports.submission)
        self.submissions = (LOOPBACK, postfix_ports.submissions)
        self.imap = (LOOPBACK, dovecot_ports.imap)
        self.imaps = (LOOPBACK, dovecot_ports.imaps)
        faults = self._faults
        tables = stack.enter_context(
            SocketMap({"access": faults.access, "alias": faults.expansion, "mailbox": faults.mailbox})
        )
        milter = stack.enter_context(Milter(self.folder / "milter", faults.verdict))
        self.tokens = stack.enter_context(TokenServer(self._authority))
        self.dovecot = Dovecot(
            self.folder / "dovecot", dovecot_ports, chain, key, self.domain, postfix_ports.mx, self.tokens.introspection
        )
        settings = {
            "myhostname": f"mx.{self.domain}",
            "virtual_mailbox_domains": ", ".join(self._directory.domains),
            "virtual_alias_maps": tables.reference("alias"),
            "virtual_mailbox_maps": tables.reference("mailbox"),
            "virtual_transport": f"lmtp:inet:{LOOPBACK}:{dovecot_ports.lmtp}",
            "transport_maps": f"inline:{{ {', '.join(f'{{{to} = {way}}}' for to, way in self._transports.items())} }}",
            "smtpd_recipient_restrictions": f"check_recipient_access {tables.reference('access')}",
            "smtpd_sasl_path": f"inet:{LOOPBACK}:{dovecot_ports.auth}",
            "smtpd_milters": " ".join([*self._milters, milter.reference]),
        }
        self.postfix = Postfix(self.folder / "postfix", postfix_ports, chain, key, settings, self._services)
        stack.callback(self.dovecot.stop)
        self.dovecot.start()
        stack.callback(self.postfix.stop)
        self.postfix.start()

    # Who gets mail

    def add_user(self, name: str, password: str = PASSWORD, folders: Sequence[str] = ()) -> User:
        """A mailbox with an INBOX and these further folders (``Junk`` has the special use \\Junk)."""
        user = User(name, password, f"{name}@{self.domain}", f"{name}@{self.sender_domain}")
        self.dovecot.allow(name, password)
        self._directory.users.add(name)
        self._users[name] = user
        with self.session(name) as client:
            for folder in folders:
                if not client.folder_exists(folder):
                    client.create_folder(folder)
                client.subscribe_folder(folder)
        return user

    def remove_user(self, name: str) -> None:
        """A departed member: mail to it is refused at RCPT, and mail to it through an alias bounces to its sender."""
        self.dovecot.forbid(name)
        self._directory.users.discard(name)

    def add_alias(self, alias: str, members: Sequence[str]) -> None:
        """Mail for the alias (a local part or an address) goes to each member (likewise, users or further aliases)."""
        self._directory.aliases[local_part(alias)] = tuple(local_part(member) for member in members)

    # Mailboxes

    @contextmanager
    def session(self, name: str) -> Iterator[IMAPClient]:
        """A user's own IMAP session."""
        trust = ssl.create_default_context(cafile=str(self.ca_file))
        with IMAPClient(*self.imaps, ssl=True, ssl_context=trust, timeout=30) as client:
            client.login(name, self._users[name].password)
            yield client

    def deliver(self, user: str, raw: bytes, folder: str = "INBOX") -> None:
        """Put a message into a mailbox directly, past the mail system (IMAP APPEND)."""
        with self.session(user) as client:
            client.append(folder, raw)

    def messages(self, user: str, folder: str = "INBOX") -> list[tuple[int, tuple[bytes, ...], bytes]]:
        """(UID, flags, the message) of all messages in a folder, changing nothing; empty if there is no such folder."""
        with self.session(user) as client:
            if not client.folder_exists(folder):
                return []
            client.select_folder(folder, readonly=True)
            uids = client.search()
            fetched = client.fetch(uids, ["FLAGS", "BODY.PEEK[]"]) if uids else {}
            return [(uid, found[b"FLAGS"], found[b"BODY[]"]) for uid, found in sorted(fetched.items())]

    def sieve(self, script: str, user: str | None = None) -> None:
        """Filter every mail before anything else, or (``user``) one user's mail; ValueError if the script is wrong."""
        if user is None:
            self.dovecot.sieve(self.dovecot.folder / "sieve/before.sieve", script)
        else:
            self.dovecot.sieve(self.dovecot.home(user) / ".dovecot.sieve", script)

    def delivery_log(self) -> list[Delivery]:
        """Every final delivery (LMTP) so far, from Dovecot's log, to the microsecond."""
        return self.dovecot.deliveries()

    # Faults

    def reject_recipient(self, address: str, reply: str = "550 5.1.1 user unknown") -> None:
        """Refuse this address at RCPT with this reply (a code of 4nn or 5nn)."""
        self._faults.rejected[address.lower()] = reply

    def accept_recipient(self, address: str) -> None:
        """Take :meth:`reject_recipient` back."""
        self._faults.rejected.pop(address.lower(), None)

    def refuse_attachments(self, reply: str = "552 5.7.0 attachments not accepted") -> None:
        """Refuse a message with an attachment at the end of DATA."""
        self._faults.attachments_reply = reply

    def silently_drop(self, address: str) -> None:
        """Accept mail for this user or alias with 250, then throw it away."""
        self._faults.dropped.add(local_part(address))

    def duplicate(self, address: str) -> None:
        """Deliver mail for this user or alias twice, as two deliveries."""
        self._faults.duplicated.add(local_part(address))

    def bounce_later(self, address: str) -> None:
        """Accept mail for this user or alias with 250; its delivery then fails (5.1.1) and a DSN goes to the sender."""
        name = local_part(address)
        self._faults.bouncing.add(name)
        self.dovecot.forbid(name, "lmtp")

    def rewrite_body(self, old: bytes, new: bytes) -> None:
        """Replace bytes of every body in transit, as they stand in the message: after its transfer encoding."""
        self._faults.rewrites.append((old, new))

    def cut_body(self, end: bytes) -> None:
        """Throw away the rest of every body in transit, from the first of these bytes on."""
        self._faults.cuts.append(end)

    def rename(self) -> None:
        """Give every message in transit another Message-ID."""
        self._faults.renaming = True

    def hold(self) -> None:
        """Accept every message with 250 and keep it in the queue until :meth:`release`."""
        self._faults.holding = True

    def release(self) -> None:
        """End :meth:`hold`, and deliver what was held."""
        self._faults.holding = False
        self.postfix.release()

    def delay(self, seconds: float) -> None:
        """:meth:`hold` now, :meth:`release` by itself after so many seconds."""
        self.hold()
        timer = threading.Timer(seconds, self.release)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def heal(self) -> None:
        """All faults off, held mail delivered, both servers running."""
        while self._timers:
            self._timers.pop().cancel()
        self._faults.heal()
        self.tokens.heal()
        for name in self._directory.users:
            self.dovecot.allow(name, self._users[name].password)
        self.dovecot.ensure_running()
        self.postfix.ensure_running()
        self.postfix.release()

    def reset(self) -> None:
        """As on the first day: no faults, no queue, no filters, no users, no aliases, no mail."""
        names = list(self._users)
        self._users.clear()
        self._directory.users.clear()
        self._directory.aliases.clear()
        for name in names:
            self.dovecot.forbid(name)
        self.heal()
        until(self.postfix.emptied, "an empty queue")
        self.sieve("# nothing\n")
        for name in names:
            shutil.rmtree(self.dovecot.home(name), ignore_errors=True)
