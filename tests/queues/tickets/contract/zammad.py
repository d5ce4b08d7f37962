"""Zammad as its documentation and its source have it (https://docs.zammad.org/en/latest/api, zammad/zammad).

Odd there: a list is answered as such, without what there is in all; the history tells an article by its object alone;
the articles of a merged ticket stand in the other one, and the ticket itself stays.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, ClassVar

from queues.tickets.contract.base import MACHINE, REPORTER, Answer, Asked, ContractSystem, Done, Filed, page_of

_ATTRIBUTES = {"move": "group", "assign": "owner", "status": "state", "merge": "state"}
_STATES = {"solved": "closed"}


class Zammad(ContractSystem):
    """Articles have the id of what was done, the first one that of its ticket. The machine is a rule: account 1."""

    users: ClassVar[dict[str, int]] = {REPORTER: 11, "anna": 12, MACHINE: 1, "canary": 14}
    login: ClassVar[str] = "Token token=sesame-open-now"
    listing: ClassVar[str] = "/api/v1/tickets/search"

    def answer(self, asked: Asked) -> Any:
        match asked.path[2:]:
            case ("groups",):
                return _page(asked, [{"id": i, "name": name, "active": True} for i, name in self.queues.items()])
            case ("tickets", "search"):
                return _page(asked, [self._shown(ticket) for ticket in self._searched(asked.query["query"])])
            case ("tickets", ident):
                ticket = self.find(ident)
                return ticket and self._shown(ticket)
            case ("ticket_history", ident):
                ticket = self.find(ident)
                return ticket and {"history": self._history(ticket), "assets": {}}
            case ("ticket_articles", "by_ticket", ident):
                return self._articles(int(ident))
            case ("ticket_articles", ident):
                return next((a for n in self.filed for a in self._articles(n) if a["id"] == int(ident)), None)
            case ("ticket_attachment", _, article, number):
                return Answer(list(self.filed[int(article)].files.values())[int(number)])
        return None

    def written(self, asked: Asked) -> Any:
        match asked.method, *asked.path[2:]:
            case "PUT", "tickets", ident:
                article = asked.body["article"]
                assert (asked.body["state"], article["type"], article["internal"]) == ("closed", "note", True)
                self.solve(int(ident), "canary")
                self.note(int(ident), "canary", article["body"])
                return self._shown(self.filed[int(ident)])
        return None

    def _searched(self, query: str) -> list[Filed]:
        if text := re.fullmatch(r'"(\w+)"', query):
            return [t for t in self.changed(datetime.min.replace(tzinfo=UTC)) if text[1] in t.subject + t.text]
        parts = re.fullmatch(r"group_id:(\d+) AND updated_at:\[(\S+) TO \*\]", query)
        assert parts is not None, query
        return self.changed(datetime.fromisoformat(parts[2]), self.queues[int(parts[1])])

    def _shown(self, ticket: Filed) -> dict[str, Any]:
        return {
            "id": ticket.id,
            "number": f"31{ticket.id}",
            "title": ticket.subject,
            "group_id": self.queue_id(ticket.queue),
            "group": ticket.queue,
            "state": "merged" if ticket.merged_into else _STATES.get(ticket.status, ticket.status),
            "created_at": _time(ticket.created),
            "updated_at": _time(ticket.updated),
        }

    def _history(self, ticket: Filed) -> list[dict[str, Any]]:
        made = {"type": "created", "created_at": _time(ticket.created), "created_by_id": self.users[REPORTER]}
        first = {"id": 2 * ticket.id + 1, "object": "Ticket::Article", "o_id": ticket.id, "related_o_id": ticket.id}
        changes = [self._change(ticket, done) for done in ticket.done]
        return [made | {"id": 2 * ticket.id, "object": "Ticket", "o_id": ticket.id}, made | first, *changes]

    def _change(self, ticket: Filed, done: Done) -> dict[str, Any]:
        made = {"id": 3 * done.id, "created_at": _time(done.at), "created_by_id": self.users[done.by]}
        if done.kind not in _ATTRIBUTES:
            return made | {"type": "created", "object": "Ticket::Article", "o_id": done.id, "related_o_id": ticket.id}
        new = "merged" if done.kind == "merge" else _STATES.get(done.new, done.new)
        what = {"type": "updated", "object": "Ticket", "attribute": _ATTRIBUTES[done.kind], "o_id": ticket.id}
        return made | what | {"value_from": done.old or "-", "value_to": new}

    def _articles(self, number: int) -> list[dict[str, Any]]:
        """Those of a ticket, and of those that are merged into it."""
        here = [t for t in self.filed.values() if number == (t.merged_into or t.id) and not t.aside]
        return [article for ticket in here for article in self._own(ticket, number)]

    def _own(self, ticket: Filed, number: int) -> list[dict[str, Any]]:
        files = [
            {
                "id": place,
                "filename": name,
                "size": str(len(content)),
                "preferences": {"Content-Type": "application/zip"},
            }
            for place, (name, content) in enumerate(ticket.files.items())
        ]
        first = self._article(ticket.id, REPORTER, ticket.created, ticket.text) | {
            "message_id": f"<{ticket.message_id}>",
            "attachments": files,
        }
        more = [
            self._article(done.id, done.by, done.at, done.new) | {"internal": done.kind == "note"}
            for done in ticket.done
            if done.kind in ("reply", "note")
        ]
        return [article | {"ticket_id": number} for article in (first, *more)]

    def _article(self, ident: int, by: str, at: datetime, text: str) -> dict[str, Any]:
        senders = {REPORTER: "Customer", MACHINE: "System"}
        return {
            "id": ident,
            "sender": senders.get(by, "Agent"),
            "type": "email",
            "internal": False,
            "content_type": "text/plain",
            "body": text,
            "message_id": None,
            "created_by_id": self.users[by],
            "created_at": _time(at),
            "attachments": [],
        }


def _page(asked: Asked, found: list[Any]) -> list[Any]:
    size = asked.number("per_page", 50)
    return page_of(found, size * (asked.number("page", 1) - 1), size)


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
