"""What is wrong with the mail system at the moment, and how its tables and its filter answer because of that."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass, field
from secrets import token_hex

from servers.milter import Changed, Verdict

BLACKHOLE = "blackhole.invalid"
AGAIN = "+again"


def local_part(address: str) -> str:
    """The user or alias that an address names: without its domain and its extension."""
    return address.partition("@")[0].partition("+")[0].lower()


def domain_of(address: str) -> str:
    """What stands behind the last @ of an address."""
    return address.rpartition("@")[2].lower()


@dataclass
class Directory:
    """Who gets mail here. Users and aliases are by local part: every domain has the same ones."""

    domains: tuple[str, ...]
    users: set[str] = field(default_factory=set)
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class Faults:
    """Every fault, switched off. The tables read it at each look-up, so a change holds from the next command on."""

    directory: Directory
    rejected: dict[str, str] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    duplicated: set[str] = field(default_factory=set)
    bouncing: set[str] = field(default_factory=set)
    holding: bool = False
    attachments_reply: str | None = None
    rewrites: list[tuple[bytes, bytes]] = field(default_factory=list)
    cuts: list[bytes] = field(default_factory=list)
    renaming: bool = False

    def heal(self) -> None:
        """Switch every fault off."""
        self.rejected.clear()
        self.dropped.clear()
        self.duplicated.clear()
        self.bouncing.clear()
        self.holding = False
        self.attachments_reply = None
        self.rewrites.clear()
        self.cuts.clear()
        self.renaming = False

    def access(self, address: str) -> str | None:
        """check_recipient_access: refuse the recipient, or put the message on hold; access(5)."""
        if address in self.rejected:
            return self.rejected[address]
        return "HOLD held by the test" if self.holding else None

    def mailbox(self, address: str) -> str | None:
        """virtual_mailbox_maps: is this a valid final recipient?"""
        name = local_part(address)
        known = domain_of(address) in self.directory.domains and (name in self.directory.users or name in self.bouncing)
        return name if known else None

    def expansion(self, address: str) -> str | None:
        """virtual_alias_maps: to whom mail for this address goes instead; virtual(5). Extensions are kept."""
        name, domain = local_part(address), domain_of(address)
        extension = address.removesuffix(f"@{domain}")[len(name) :]
        if domain not in self.directory.domains or name in self.bouncing or extension.endswith(AGAIN):
            return None
        if name in self.dropped:
            return f"{name}@{BLACKHOLE}"
        members = self.directory.aliases.get(name, (name,) if name in self.directory.users else ())
        endings = (extension, extension + AGAIN) if name in self.duplicated else (extension,)
        return ", ".join(f"{member}{ending}@{domain}" for ending in endings for member in members) or None

    def verdict(self, headers: bytes, body: bytes) -> Verdict:
        """The filter at the end of DATA: refuse a message with attachments, alter or cut its body, name it anew."""
        if self.attachments_reply is not None:
            message = email.message_from_bytes(headers + b"\r\n" + body, policy=email.policy.default)
            if any(part.get_content_disposition() == "attachment" for part in message.walk()):
                return self.attachments_reply
        altered = body
        for old, new in self.rewrites:
            altered = altered.replace(old, new)
        for end in self.cuts:
            altered = altered.partition(end)[0]
        renamed = f"<{token_hex(8)}@gateway.invalid>" if self.renaming else None
        return Changed(altered if altered != body else None, renamed)
