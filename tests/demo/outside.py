"""The programs of the people who write to the demo CA, and of those who read there: the standard library's."""

from __future__ import annotations

import asyncio
import imaplib
import smtplib
import ssl
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from canary.demo.ca import DemoCa
from canary.demo.directory import ALIAS, by_slug, find

PATIENCE = 30.0


def report(subject: str = "Question about a CRL", **parts: str) -> EmailMessage:
    """A message as a mail program makes it; ``parts`` are further headers."""
    message = EmailMessage()
    message["Subject"], message["Message-ID"] = subject, f"<{time.monotonic_ns()}@researcher.test>"
    for name, value in parts.items():
        message[name.replace("_", "-")] = value
    message.set_content("The signature of your CRL does not verify.\n")
    return message


@dataclass(frozen=True)
class Outside:
    """What people outside the CA, and at their desks in it, can do."""

    ca: DemoCa

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca.ca_file)

    def submission(self, sender: str) -> smtplib.SMTP:
        """A logged-in connection of ``sender`` (slug) to the submission server."""
        server = smtplib.SMTP("127.0.0.1", self.ca.submission_port, timeout=PATIENCE)
        if self.ca.tls:
            server.starttls(context=self.trust())
        server.login(by_slug(sender).address, self.ca.passwords[sender])
        return server

    async def send(self, message: EmailMessage, to: str = ALIAS, sender: str = "researcher", tag: str = "") -> None:
        """Send ``message`` with the envelope sender ``user+tag@domain``."""
        account = by_slug(sender)
        local, _, domain = account.address.partition("@")
        message["From"], message["To"] = account.address, to

        def work() -> None:
            with self.submission(sender) as server:
                server.sendmail(
                    f"{local}+{tag}@{domain}" if tag else account.address, [to], message.as_bytes(policy=policy.SMTP)
                )

        await asyncio.to_thread(work)

    def imap(self, address: str) -> imaplib.IMAP4:
        """A logged-in connection to the mailbox of ``address``."""
        account = find(address)
        assert account is not None
        if self.ca.tls:
            imap: imaplib.IMAP4 = imaplib.IMAP4_SSL("127.0.0.1", self.ca.imap_port, ssl_context=self.trust())
        else:
            imap = imaplib.IMAP4("127.0.0.1", self.ca.imap_port)
        imap.login(account.address, self.ca.passwords[account.slug])
        return imap

    async def raw(self, slug: str, folder: str) -> list[bytes]:
        """The messages of a folder, as they are stored."""

        def work() -> list[bytes]:
            imap = self.imap(by_slug(slug).address)
            imap.select(folder, readonly=True)
            _, numbers = imap.search(None, "ALL")
            found = [imap.fetch(number, "(BODY.PEEK[])")[1][0] for number in numbers[0].split()]
            imap.logout()
            return [item[1] for item in found if isinstance(item, tuple)]

        return await asyncio.to_thread(work)

    async def read(self, slug: str, folder: str = "INBOX") -> list[EmailMessage]:
        """The messages of a folder, parsed."""
        raw = await self.raw(slug, folder)
        return [message_from_bytes(message, policy=policy.default) for message in raw]  # type: ignore[arg-type]

    async def subjects(self) -> dict[str, list[str]]:
        """Where everything is at the CA: subjects by ``slug/folder``, empty folders left out."""
        places = [
            (slug, folder)
            for slug in ("desk", "maria", "peter", "judit", "anna", "tomas")
            for folder in by_slug(slug).folders
        ]
        found = {
            f"{slug}/{folder}": [str(m["Subject"]) for m in await self.read(slug, folder)] for slug, folder in places
        }
        return {place: subjects for place, subjects in found.items() if subjects}
