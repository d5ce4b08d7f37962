"""Zendesk as the public description of its ticketing API has it (https://developer.zendesk.com/api-reference/ticketing).

Odd there: the incremental export omits what changed within the last minute, refuses a younger start, gives a cursor at
its end too, and is in the order of ``generated_timestamp``; rules stand in the audit of whoever set them off; what is
suspended is no ticket; a deleted ticket is in the export and nowhere else.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from queues.tickets.contract.base import MACHINE, REPORTER, Answer, Asked, ContractSystem, Done, Filed, page_of

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Zendesk(ContractSystem):
    """``omitted`` are the seconds that the export is behind: 60, were it not for how long a test would take."""

    queues: ClassVar[dict[int, str]] = {1: "General", 3: "CPR", 5: "Archive"}
    junk: ClassVar[str] = "suspended"
    login: ClassVar[str] = "Basic " + base64.b64encode(b"canary@ca.test/token:sesame-open-now").decode()
    listing: ClassVar[str] = "/api/v2/incremental"
    omitted: ClassVar[float] = 0.2

    def answer(self, asked: Asked) -> Any:
        match asked.path[2:]:
            case ("groups",):
                return _paged(asked, "groups", [{"id": i, "name": name} for i, name in self.queues.items()])
            case ("incremental", "tickets", "cursor"):
                return self._exported(asked)
            case ("search",):
                return self._searched(asked)
            case ("suspended_tickets",):
                found = [] if self.empty else self.changed(_LONG_AGO, aside="suspended")[::-1]
                return _paged(asked, "suspended_tickets", [_suspended(ticket) for ticket in found])
            case ("suspended_tickets", ident):
                return {"suspended_ticket": _suspended(self.filed[int(ident)])}
            case ("tickets", ident, *further):
                ticket = self.find(ident)
                return ticket and self._ticket(asked, ticket, *further)
        return None

    def written(self, asked: Asked) -> Any:
        match asked.method, *asked.path[2:]:
            case "PUT", "tickets", ident:
                wanted, comment = asked.body["ticket"], asked.body["ticket"]["comment"]
                assert (wanted["status"], comment["public"]) == ("solved", False)
                self.solve(int(ident), "canary")
                self.note(int(ident), "canary", comment["body"])
                return {"ticket": self._shown(self.filed[int(ident)])}
        return None

    def _exported(self, asked: Asked) -> Any:
        now = datetime.now(UTC)
        since = datetime.fromtimestamp(int(asked.query.get("cursor", asked.query["start_time"]).split("-")[0]), UTC)
        if since > now - timedelta(seconds=self.omitted):
            return Answer({"error": "StartTimeTooRecent", "description": "Too recent start_time."}, 422)
        begin = int(asked.query.get("cursor", "0-0").split("-")[1])
        known = self.changed(since) + self.changed(since, aside="deleted")
        known = sorted((t for t in known if t.updated < now - timedelta(seconds=self.omitted)), key=lambda t: t.updated)
        size = min(4, asked.number("per_page", 1000))  # a thousand there
        ends = begin + size >= len(known)
        cursor = f"{int(since.timestamp())}-{begin + size}"
        return {
            "tickets": [self._shown(ticket) for ticket in page_of(known, begin, size)],
            "after_cursor": cursor,
            "after_url": f"{self.url}/api/v2/incremental/tickets/cursor.json?cursor={cursor}",
            "end_of_stream": ends,
        }

    def _searched(self, asked: Asked) -> Any:
        query, known = asked.query["query"], self.changed(_LONG_AGO)
        if group := re.fullmatch(r"type:ticket group:(\d+)", query):
            found = [ticket for ticket in known if ticket.queue == self.queues[int(group[1])]]
        else:
            text = re.fullmatch(r'type:ticket "(\w+)"', query)
            assert text is not None, query
            found = [ticket for ticket in known if text[1] in ticket.subject + ticket.text]
        return {
            "results": [self._shown(t) for t in page_of(found, 0, asked.number("per_page", 100))],
            "count": len(found),
        }

    def _shown(self, ticket: Filed) -> dict[str, Any]:
        return {
            "id": ticket.id,
            "subject": ticket.subject,
            "group_id": self.queue_id(ticket.queue),
            "status": "deleted" if ticket.aside else ticket.status,
            "requester_id": self.users[REPORTER],
            "created_at": _time(ticket.created),
            "updated_at": _time(ticket.created),  # not of every change
            "generated_timestamp": int(ticket.updated.timestamp()),
        }

    def _ticket(self, asked: Asked, ticket: Filed, *further: str) -> Any:
        match further:
            case ():
                return {"ticket": self._shown(ticket)}
            case ("audits",):
                return _paged(asked, "audits", list(self._audits(ticket)))
            case ("comments",):
                more = [
                    _comment(done.id, self.users[done.by], done.new) for done in ticket.done if done.kind == "reply"
                ]
                first = _comment(ticket.id, self.users[REPORTER], ticket.text)
                first["metadata"] = {"system": {"message_id": f"<{ticket.message_id}>"}}
                return _paged(asked, "comments", [first, *more])
        return None

    def _audits(self, ticket: Filed) -> Iterator[dict[str, Any]]:
        created: dict[str, Any] = {
            "ticket_id": ticket.id,
            "author_id": self.users[REPORTER],
            "via": {"channel": "email"},
        }
        opened = {"id": 1, "type": "Comment", "public": True, "body": ticket.text, "author_id": self.users[REPORTER]}
        status = {"id": 2, "type": "Create", "field_name": "status", "value": "new"}
        yield created | {"id": 9, "created_at": _time(ticket.created), "events": [opened, status]}
        for done in ticket.done:
            events = self._events(done)
            by = self.users[done.by]
            if done.by == MACHINE and done.kind != "reply":  # a trigger, in the audit of whoever set it off
                by = self.users[REPORTER]
                events = [event | {"via": {"channel": "rule", "source": {"rel": "trigger"}}} for event in events]
            audit = created | {"author_id": by, "via": {"channel": "web"}}
            yield audit | {"id": 10 * done.id, "created_at": _time(done.at), "events": events}

    def _events(self, done: Done) -> list[dict[str, Any]]:
        change = {"id": done.id, "type": "Change", "value": done.new, "previous_value": done.old or None}
        match done.kind:
            case "move":
                old, new = str(self.queue_id(done.old)), str(self.queue_id(done.new))
                return [change | {"field_name": "group_id", "value": new, "previous_value": old}]
            case "assign":
                return [change | {"field_name": "assignee_id", "value": str(self.users[done.new])}]
            case "reply" | "note":
                return [{"id": done.id, "type": "Comment", "public": done.kind == "reply", "body": done.new}]
            case "merge":
                words = {"id": done.id, "type": "Comment", "public": False, "body": f"merged into #{done.new}"}
                return [words, change | {"id": done.id + 500, "field_name": "status", "value": "closed"}]
        return [change | {"field_name": "status"}]


def _comment(ident: int, by: int, text: str) -> dict[str, Any]:
    return {"id": ident, "type": "Comment", "author_id": by, "plain_body": text, "attachments": [], "metadata": {}}


def _suspended(ticket: Filed) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "subject": ticket.subject,
        "content": ticket.text,
        "message_id": f"<{ticket.message_id}>",
        "cause": "Detected as spam",
        "cause_id": 7,
        "created_at": _time(ticket.created),
        "updated_at": _time(ticket.created),
    }


def _paged(asked: Asked, name: str, found: list[Any]) -> dict[str, Any]:
    begin, size = asked.number("page[after]", 0), asked.number("page[size]", 100)
    meta = {"has_more": begin + size < len(found), "after_cursor": str(begin + size)}
    return {name: page_of(found, begin, size), "meta": meta}


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
