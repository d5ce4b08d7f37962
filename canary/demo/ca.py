"""The demo CA: a small but real mail system and web form, all in this process and on loopback."""

from __future__ import annotations

import asyncio
import os
import secrets
import ssl
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme

from canary.clock import Clock
from canary.demo import configuration, mail
from canary.demo.directory import ACCOUNTS, SENDERS
from canary.demo.form import Form
from canary.demo.mail_system import MailSystem, Rules
from canary.demo.store import MailStore
from canary.web.server import serve

HOST = "127.0.0.1"
_OPEN_WITHIN = 20.0


class DemoCa:
    """Use as ``async with DemoCa(folder) as ca``. ``folder`` takes the certificate and the passwords (0600).

    IMAP speaks implicit TLS, submission demands STARTTLS, the MX offers it; all plain text if ``tls`` is False.
    """

    def __init__(self, folder: Path, *, tls: bool = True, clock: Clock | None = None) -> None:
        self.folder = folder
        self.tls = tls
        self._clock = clock or Clock()
        self.ca_file = folder / "demo-ca.pem"
        self.passwords = {account.slug: secrets.token_urlsafe(18) for account in ACCOUNTS}
        context = self._certificate() if tls else None
        self._store = MailStore(context)
        self._mail_system = MailSystem(self._store, self._clock)
        senders = {account.address: self.passwords[account.slug] for account in SENDERS}
        self._mx = mail.mx(self._mail_system, context)
        self._submission = mail.submission(self._mail_system, senders, context)
        self._form = Form(self._mail_system)
        self._form_port = 0
        self._running = AsyncExitStack()

    def _certificate(self) -> ssl.SSLContext:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(HOST, "localhost").configure_cert(context)
        return context

    async def __aenter__(self) -> Self:
        for account in ACCOUNTS:
            password = self.passwords[account.slug]
            _write_secret(self.password_file(account.slug), password)
            await self._store.add(account.address, password, account.folders)
        self._form_port = await self._running.enter_async_context(serve(self._form.app, HOST, 0))
        for part in (self._store, self._mx, self._submission):
            await part.start()
            self._running.push_async_callback(part.stop)
        await _until_open(self._form_port, self._clock)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running.aclose()

    @property
    def rules(self) -> Rules:
        """How mail is handled at the moment; set it, or use :mod:`canary.demo.faults`."""
        return self._mail_system.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self._mail_system.rules = rules

    @property
    def imap_port(self) -> int:
        """Every mailbox; the user name is the account's address."""
        return self._store.port

    @property
    def mx_port(self) -> int:
        """The CA's mail exchanger, for mail from anybody to the CA."""
        return self._mx.port

    @property
    def submission_port(self) -> int:
        """Where the senders hand in their mail; the user name is the sender's address."""
        return self._submission.port

    @property
    def form_url(self) -> str:
        """Where the CA's web form is served."""
        return f"http://{HOST}:{self._form_port}/report"

    def password_file(self, slug: str) -> Path:
        """Where the password of an account was written."""
        return self.folder / f"{slug}.password"

    def configuration(self) -> str:
        """The YAML text of a canary configuration that probes this CA; its state is kept in ``folder``."""
        return configuration.text(self)


def _write_secret(path: Path, secret: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret + "\n")


async def _until_open(port: int, clock: Clock) -> None:
    """Wait until ``port`` takes connections: uvicorn listens some turns of the loop after it was started.

    Raises OSError if it takes none for long.
    """
    until = clock.monotonic() + _OPEN_WITHIN
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except ConnectionRefusedError:
            if clock.monotonic() > until:
                raise
            await clock.sleep(0.01)
        else:
            writer.close()
            return
