"""The demo CA's mail system, step by step: gateway, alias, each recipient's rules, folder; and what it sends back.

Every way in which it can be broken is one field of :class:`Rules`; :mod:`canary.demo.faults` switches them.
"""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from canary.clock import Clock
from canary.demo import directory, notices
from canary.demo.directory import CA_DOMAIN, CPR, DESK, GENERAL, INBOX, JUNK, QUARANTINE, SENDERS, Account
from canary.demo.store import MailStore


@dataclass(frozen=True, slots=True)
class Rules:
    """How the CA's mail is handled at the moment; the defaults are a healthy CA.

    ``classified`` says whether the form's classifier knows problem reports at all. ``departed`` (slugs) no longer work
    here, ``away`` (slugs) are on holiday. Mail from ``junked`` domains is taken for spam. Mail to ``swallowed``
    addresses is accepted and thrown away, mail to ``expired`` ones refused. ``quarantined`` are the endings of
    attachment names that the gateway holds back.
    """

    classified: bool = True
    departed: frozenset[str] = frozenset()
    away: frozenset[str] = frozenset()
    junked: frozenset[str] = frozenset()
    swallowed: frozenset[str] = frozenset()
    expired: frozenset[str] = frozenset()
    quarantined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mail:
    """A message on its way to one recipient: the envelope, the bytes, and who handed it over (for Received)."""

    sender: str
    recipient: str
    content: bytes
    client: str


@dataclass(frozen=True, slots=True)
class Enquiry:
    """What somebody wrote into the web form."""

    name: str
    email: str
    topic: str
    description: str
    details: tuple[tuple[str, str], ...] = ()
    attachment: tuple[str, bytes] | None = None


class MailSystem:
    """Delivers into the mailboxes of ``store``; nothing it does leaves the process."""

    def __init__(self, store: MailStore, clock: Clock) -> None:
        self._store, self.clock = store, clock
        self._cases = itertools.count(1)
        self.rules = Rules()

    def refusal(self, recipient: str) -> str | None:
        """The SMTP reply that refuses ``recipient``, or None if mail for it is taken."""
        address = directory.base_address(recipient)
        if address in self.rules.expired:
            return f"550 5.1.1 <{address}>: this address has expired"
        if not directory.recipients(address):
            return f"550 5.1.1 <{address}>: no such mailbox here"
        return None

    async def deliver(self, mail: Mail) -> None:
        """Take a message that was accepted, and do with it what the CA (or a sender's own provider) does."""
        if directory.base_address(mail.recipient) in self.rules.swallowed:
            return
        accounts = directory.recipients(mail.recipient)
        if accounts[0] in SENDERS:
            await self._put(accounts[0], INBOX, mail)
        elif self._is_held(mail):
            await self._put(DESK, QUARANTINE, mail)
        else:
            queued = [await self._deliver_to(account, mail) for account in accounts]
            if any(queued):
                await self._acknowledge(mail)

    def _is_held(self, mail: Mail) -> bool:
        """The gateway's malware filter, which goes by attachment names."""
        if not self.rules.quarantined:
            return False
        names = (part.get_filename() or "" for part in notices.parsed(mail.content).walk())
        return any(str(name).lower().endswith(self.rules.quarantined) for name in names)

    async def _deliver_to(self, account: Account, mail: Mail) -> bool:
        """One recipient's copy; returns whether it came into a queue that is worked on."""
        if account.slug in self.rules.departed:
            await self._bounce(mail, account.address, f"550 5.1.1 <{account.address}>: no longer works here")
            return False
        if directory.base_address(mail.sender).rpartition("@")[2] in self.rules.junked:
            await self._put(account, JUNK, mail)
            return False
        if account.slug in self.rules.away:
            await self._put(account, INBOX, mail)
            await self._answer_absence(account, mail)
            return False
        slug, folder = account.files_into
        await self._put(directory.by_slug(slug), folder, mail)
        return True

    async def take_enquiry(self, enquiry: Enquiry) -> str:
        """File what came through the web form, acknowledge it by mail, and return its reference number."""
        reference = f"DTS-{self.clock.now():%Y}-{secrets.token_hex(4).upper()}"
        folder = CPR if self.rules.classified and is_problem_report(enquiry) else GENERAL
        sender = f"webform@{CA_DOMAIN}"
        content = _enquiry_message(enquiry, reference, sender, self.clock.now())
        await self._put(DESK, folder, Mail(sender, DESK.address, content, f"www.{CA_DOMAIN}"))
        notice = notices.form_acknowledgement(enquiry.description, enquiry.email, reference, at=self.clock.now())
        await self._notify(enquiry.email, notice, CA_DOMAIN)
        return reference

    async def return_to_sender(self, mail: Mail, reply: str) -> None:
        """Tell the sender, in the name of the sender's own provider, that the CA's server refused the recipient."""
        await self._bounce(mail, mail.recipient, reply, domain=mail.sender.rpartition("@")[2])

    async def _bounce(self, mail: Mail, recipient: str, reply: str, domain: str = CA_DOMAIN) -> None:
        if notices.may_answer(mail.content, mail.sender):
            notice = notices.bounce(
                mail.content,
                mail.sender,
                at=self.clock.now(),
                domain=domain,
                asked=mail.recipient,
                recipient=recipient,
                reply=reply,
            )
            await self._notify(mail.sender, notice, domain)

    async def _acknowledge(self, mail: Mail) -> None:
        if notices.may_answer(mail.content, mail.sender):
            now = self.clock.now()
            case = f"CPR-{now:%Y}-{next(self._cases):06d}"
            notice = notices.acknowledgement(mail.content, mail.sender, case, at=now)
            await self._notify(mail.sender, notice, CA_DOMAIN)

    async def _answer_absence(self, person: Account, mail: Mail) -> None:
        if notices.may_answer(mail.content, mail.sender):
            notice = notices.out_of_office(mail.content, mail.sender, person, at=self.clock.now())
            await self._notify(mail.sender, notice, CA_DOMAIN)

    async def _notify(self, to: str, notice: bytes, domain: str) -> None:
        """Deliver an automatic message, with the null return path, to a sender whose mailbox is here."""
        account = directory.find(to)
        if account is not None and account in SENDERS:
            await self._put(account, INBOX, Mail("", to, notice, f"mail.{domain}"))

    async def _put(self, account: Account, folder: str, mail: Mail) -> None:
        at = self.clock.now()
        top = f"Return-Path: <{mail.sender}>\r\n{received(mail.client, account.domain, mail.recipient, at)}"
        await self._store.append(account.address, folder, top.encode() + mail.content, at)


def received(client: str, domain: str, recipient: str, at: datetime) -> str:
    """A Received header (RFC 5321 section 4.4), as the server of ``domain`` puts it on top."""
    ident = secrets.token_hex(5).upper()
    lines = (f"from {client}", f"by mail.{domain} (Demo CA) with ESMTP id {ident}", f"for <{recipient}>")
    return "Received: " + "\r\n\t".join(lines) + f";\r\n\t{format_datetime(at)}\r\n"


_TOPIC = "problem-report"
_KEYWORDS = ("revo", "compromise", "misissu", "mis-issu", "certificate problem", "crt.sh", "ocsp", "crl", "private key")


def is_problem_report(enquiry: Enquiry) -> bool:
    """The form's classifier: by the chosen topic, else by keywords in the description."""
    text = enquiry.description.lower()
    return enquiry.topic == _TOPIC or any(word in text for word in _KEYWORDS)


def _enquiry_message(enquiry: Enquiry, reference: str, sender: str, at: datetime) -> bytes:
    """The mail that the web form sends to the desk."""
    first_words = " ".join(enquiry.description.split())[:80]
    message = EmailMessage(policy=notices.POLICY)
    message["From"], message["To"], message["Reply-To"] = sender, DESK.address, enquiry.email
    message["Subject"] = f"[{reference}] {enquiry.topic}: {first_words}"
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{reference.lower()}@{CA_DOMAIN}>"
    fields = (("Name", enquiry.name), ("Email", enquiry.email), ("Topic", enquiry.topic), *enquiry.details)
    message.set_content("".join(f"{name}: {value}\n" for name, value in fields) + f"\n{enquiry.description}\n")
    if enquiry.attachment is not None:
        name, content = enquiry.attachment
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()
