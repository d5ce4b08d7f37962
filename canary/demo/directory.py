"""Who is who in the demo: the CA's desk and staff, its alias, and the senders with their mailboxes elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass

CA_NAME = "Demo Trust Services"
CA_DOMAIN = "demo-ca.test"
ALIAS = f"problem-report@{CA_DOMAIN}"

INBOX, CPR, GENERAL, JUNK, QUARANTINE = "INBOX", "CPR", "General", "Junk", "Quarantine"


@dataclass(frozen=True, slots=True)
class Account:
    """A mailbox of the demo's mail server.

    ``slug`` names it in files and configuration, ``address`` is also the user name. ``files_into`` is the
    (slug, folder) into which its owner's mail program files what comes in, for as long as that program runs: a rule of
    the program, not of the server, as Outlook's client-only rules are. On holiday it is off, and files nothing.
    """

    slug: str
    name: str
    address: str
    folders: tuple[str, ...]
    files_into: tuple[str, str]

    @property
    def domain(self) -> str:
        """The part of the address behind the @."""
        return self.address.rpartition("@")[2]


def _member(slug: str, name: str) -> Account:
    address = f"{name.lower().replace(' ', '.')}@{CA_DOMAIN}"
    return Account(slug, name, address, (INBOX, CPR, JUNK), files_into=(slug, CPR))


def _contact(slug: str, name: str) -> Account:
    address = f"{name.lower().replace(' ', '.')}@{CA_DOMAIN}"
    return Account(slug, name, address, (INBOX, JUNK), files_into=("desk", CPR))


DESK = Account("desk", "CPR desk", f"cpr-desk@{CA_DOMAIN}", (INBOX, CPR, GENERAL, JUNK, QUARANTINE), ("desk", CPR))
MEMBERS = (_member("maria", "Maria Keller"), _member("peter", "Peter Horvat"), _member("judit", "Judit Sandor"))
CONTACTS = (_contact("anna", "Anna Nowak"), _contact("tomas", "Tomas Dvorak"))
SENDERS = (
    Account("researcher", "Robin Hayes", "robin.hayes@researcher.test", (INBOX,), ("researcher", INBOX)),
    Account("freemail", "Jo Summers", "jo.summers@freemail.test", (INBOX,), ("freemail", INBOX)),
)
ACCOUNTS = (DESK, *MEMBERS, *CONTACTS, *SENDERS)

_ADDRESS = re.compile(r"[^\s<>@]{1,128}@[A-Za-z0-9.-]{1,128}")
_BY_SLUG = {account.slug: account for account in ACCOUNTS}
_BY_ADDRESS = {account.address: account for account in ACCOUNTS}


def base_address(address: str) -> str:
    """``address`` in lower case and without what stands behind a + in it (RFC 5233 subaddress, used for VERP)."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def is_address(text: str) -> bool:
    """Whether ``text`` looks like an address and may stand in a header: no white space, no brackets, one @."""
    return text.isprintable() and _ADDRESS.fullmatch(text) is not None


def printable(text: str) -> str:
    """``text`` fit for a header or a reply: at most 200 characters, printable ASCII."""
    return "".join(c if " " <= c <= "~" else "?" for c in text[:200])


def find(address: str) -> Account | None:
    """The account that ``address`` belongs to, with or without a subaddress."""
    return _BY_ADDRESS.get(base_address(address))


def by_slug(slug: str) -> Account:
    """The account called ``slug``. Raises KeyError."""
    return _BY_SLUG[slug]


def recipients(address: str) -> tuple[Account, ...]:
    """Everybody whom mail for ``address`` reaches: the alias's members, the one account, or nobody."""
    if base_address(address) == ALIAS:
        return MEMBERS
    account = find(address)
    return (account,) if account else ()
