"""Freshdesk as the public description of its API has it (https://developers.freshdesk.com/api).

Odd there: a list is answered as such, for all groups, without what is spam or deleted, which still answers by its
number; the search knows fields and no words; there is no history, only when something was last done.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import Any, ClassVar

from queues.tickets.contract.base import REPORTER, Answer, Asked, ContractSystem, Done, Filed, page_of

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_STATUS = {"new": 2, "solved": 4}


class Freshdesk(ContractSystem):
    """``General`` stands for what is in no group."""

    queues: ClassVar[dict[int, str]] = {1: "General", 3: "CPR", 5: "Archive"}
    junk: ClassVar[str] = "spam"
    login: ClassVar[str] = "Basic " + base64.b64encode(b"sesame-open-now:X").decode()
    listing: ClassVar[str] = "/api/v2/tickets?updated_since"

    def answer(self, asked: Asked) -> Any:
        match asked.path[2:]:
            case ("groups",):
                return _page(asked, [{"id": i, "name": name} for i, name in self.queues.items() if i != 1])
            case ("tickets",):
                return self._listed(asked)
            case ("search", "tickets"):
                group = re.fullmatch(r'"group_id:(\d+|null)"', asked.query["query"])
                if group is None:
                    return Answer({"description": "Validation failed"}, 400)
                found = self.changed(_LONG_AGO, "General" if group[1] == "null" else self.queues[int(group[1])])
                return {"total": len(found), "results": [self._shown(ticket) for ticket in found[:30]]}
            case ("tickets", ident):
                ticket = self.filed.get(int(ident))
                return ticket and self._shown(ticket) | self._whole(ticket, asked)
            case ("tickets", ident, "conversations"):
                said = [done for done in self.filed[int(ident)].done if done.kind in ("reply", "note")]
                return _page(asked, [self._conversation(done) for done in said])
        return None

    def written(self, asked: Asked) -> Any:
        match asked.method, *asked.path[2:]:
            case "PUT", "tickets", ident:
                assert asked.body == {"status": 5}
                self.solve(int(ident), "canary")
                return self._shown(self.filed[int(ident)])
            case "POST", "tickets", ident, "notes":
                assert asked.body["private"] is True
                self.note(int(ident), "canary", asked.body["body"])
                return Answer(self._conversation(self.filed[int(ident)].done[-1]), 201)
        return None

    def _listed(self, asked: Asked) -> Any:
        asides = {"spam": "spam", "deleted": "deleted"}
        since = datetime.fromisoformat(asked.query["updated_since"]) if "updated_since" in asked.query else _LONG_AGO
        found = self.changed(since, aside=asides.get(asked.query.get("filter", ""), ""))
        return _page(asked, [self._shown(t) for t in (found if asked.query["order_type"] == "asc" else found[::-1])])

    def _shown(self, ticket: Filed) -> dict[str, Any]:
        aside = {"spam": True} if ticket.aside == "spam" else {"deleted": True} if ticket.aside else {}
        return {
            "id": ticket.id,
            "subject": ticket.subject,
            "group_id": None if ticket.queue == "General" else self.queue_id(ticket.queue),
            "status": _STATUS.get(ticket.status, 2),
            "responder_id": self.users.get(ticket.owner),
            "requester_id": self.users[REPORTER],
            "spam": False,
            "created_at": _time(ticket.created),
            "updated_at": _time(ticket.updated),
        } | aside

    def _whole(self, ticket: Filed, asked: Asked) -> dict[str, Any]:
        stats = {"resolved_at": None, "closed_at": None}
        for done in ticket.done:
            if done.new == "solved" or done.kind == "merge":
                stats["resolved_at" if done.new == "solved" else "closed_at"] = _time(done.at)
        text = {"description_text": ticket.text, "description": f"<div>{ticket.text}</div>", "attachments": []}
        return text | ({"stats": stats} if asked.query.get("include") == "stats" else {})

    def _conversation(self, done: Done) -> dict[str, Any]:
        return {
            "id": done.id,
            "body_text": done.new,
            "incoming": done.by == REPORTER,
            "private": done.kind == "note",
            "user_id": self.users[done.by],
            "created_at": _time(done.at),
        }


def _page(asked: Asked, found: list[Any]) -> list[Any]:
    size = asked.number("per_page", 30)
    return page_of(found, size * (asked.number("page", 1) - 1), size)


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
