"""A canary configuration for the demo CA: three kinds of channel, two senders, every mailbox watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from canary.demo.directory import (
    ALIAS,
    CA_DOMAIN,
    CA_NAME,
    CONTACTS,
    CPR,
    DESK,
    GENERAL,
    INBOX,
    JUNK,
    MEMBERS,
    QUARANTINE,
    SENDERS,
    Account,
)
from canary.demo.form import PROBLEMS, TOPICS

if TYPE_CHECKING:
    from canary.demo.ca import DemoCa

_TIMES = {"interval": "10s", "deadline": "8s", "give_up": "60s", "max_per_hour": 2000}
_LOOK = {"poll": "2s", "poll_others": "1s"}
_APPROVED = "the demo itself, for its own loopback servers"
_FORM_VARIANTS = ["plain", "V01", "V04", "V06", "V10"]
_MAIL_VARIANTS = ["plain", "V02-txz", "V04", "V05", "V10"]


def text(ca: DemoCa) -> str:
    """The YAML text; every server, port, password file and folder is that of ``ca``."""
    tree = {
        "operator": {
            "name": CA_NAME,
            "domains": [CA_DOMAIN, "127.0.0.1"],
            "verify": f"https://www.{CA_DOMAIN}/channel-tests",
        },
        "state": str(ca.folder / "state"),
        "web": {"listen": "127.0.0.1:0"},
        "evidence": {"checkpoint_every": "10s"},
        "watch": {account.slug: _mailbox(ca, account) for account in (DESK, *MEMBERS, *CONTACTS)},
        "senders": {account.slug: _sender(ca, account) for account in SENDERS},
        "channels": _channels(ca),
    }
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def _server(ca: DemoCa, account: Account, port: int, tls: str) -> dict[str, Any]:
    server: dict[str, Any] = {"host": "127.0.0.1", "port": port, "tls": tls if ca.tls else "none"}
    if ca.tls:
        server["ca_file"] = str(ca.ca_file)
    return server | {"username": account.address, "password": {"file": str(ca.password_file(account.slug))}}


def _imap(ca: DemoCa, account: Account) -> dict[str, Any]:
    return _server(ca, account, ca.imap_port, "implicit")


def _mailbox(ca: DemoCa, account: Account) -> dict[str, Any]:
    if account is DESK:
        folders = [
            _folder(CPR, "cpr", "monitored"),
            _folder(GENERAL, "general", "other"),
            _folder(JUNK, "junk", "junk"),
            _folder(QUARANTINE, "quarantine", "quarantine"),
        ]
    else:
        folders = [
            _folder(INBOX, f"{account.slug}-inbox", "other"),
            _folder(JUNK, f"{account.slug}-junk", "junk"),
        ]
        if CPR in account.folders:
            folders.insert(0, _folder(CPR, f"{account.slug}-cpr", "monitored"))
    return {"kind": "imap", "server": _imap(ca, account), "folders": folders} | _LOOK


def _folder(name: str, queue: str, role: str) -> dict[str, str]:
    return {"name": name, "queue": queue, "role": role}


def _sender(ca: DemoCa, account: Account) -> dict[str, Any]:
    local, _, domain = account.address.partition("@")
    return {
        "name": account.name,
        "address": account.address,
        "phone": "+1 555 0100",
        "organisation": "Hayes Security Research" if account.slug == "researcher" else "",
        "envelope": f"{local}+{{mark}}@{domain}",
        "submission": _server(ca, account, ca.submission_port, "starttls"),
        "replies": {"kind": "imap", "server": _imap(ca, account), "folders": [INBOX]} | _LOOK,
    }


def _channels(ca: DemoCa) -> dict[str, Any]:
    form: dict[str, Any] = {
        "kind": "web_form",
        "url": ca.form_url,
        "steps": [
            {"choose": {"label": "Topic", "option": TOPICS["problem-report"]}},
            {"choose": {"label": "Kind of problem", "option": PROBLEMS["compliance"]}},
            {"fill": {"label": "Your name", "with": "{name}"}},
            {"fill": {"label": "Email address", "with": "{email}"}},
            {"fill": {"label": "Description", "with": "{text}"}},
            {"check": "I agree that my data are processed to answer this report"},
            {"click": "Send report"},
        ],
        "confirm": {
            "text": "Thank you, we received your report",
            "reference": "Reference number: (DTS-[0-9]{4}-[0-9A-F]{8})",
            "within": "5s",
        },
        "arrives_in": "cpr",
        "variants": _FORM_VARIANTS,
    }
    alias: dict[str, Any] = {
        "kind": "email",
        "to": ALIAS,
        "arrives_in": [f"{member.slug}-cpr" for member in MEMBERS],
        "variants": _MAIL_VARIANTS,
    }
    contacts: dict[str, dict[str, Any]] = {
        f"contact-{contact.slug}": {
            "kind": "contact",
            "to": contact.address,
            "arrives_in": "cpr",
            "variants": _MAIL_VARIANTS,
        }
        for contact in CONTACTS
    }
    published = {"form": ["website", "cps"], "alias": ["ccadb-alias", "ccadb-prm"]}
    return {
        slug: channel
        | {"approved_by": _APPROVED, "disclosed_in": published.get(slug, ["ccadb-poc"]), "acknowledged_within": "8s"}
        | _TIMES
        for slug, channel in {"form": form, "alias": alias, **contacts}.items()
    }
