"""Jira Cloud as Atlassian's public description of its REST API has it (https://developer.atlassian.com/cloud/jira).

Odd there: a list tells no total, only ids unless fields are asked for, and leaves ``nextPageToken`` out at its end; the
old address of the search is gone (410); JQL knows minutes only; an attachment is elsewhere unless told not to be.
"""

from __future__ import annotations

import base64
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from queues.tickets.contract.base import REPORTER, Answer, Asked, ContractSystem, Done, Filed, page_of

_FIELDS = {"move": "project", "assign": "assignee", "status": "status"}
_STATUS = {"new": "Waiting for support", "solved": "Resolved", "deleted": "Deleted"}
_JQL = re.compile(r"project = (\d+) AND updated >= -(\d+)m ORDER BY updated ASC")


class JiraCloud(ContractSystem):
    """``users`` are told by the ids of their accounts."""

    login: ClassVar[str] = "Basic " + base64.b64encode(b"canary:sesame-open-now").decode()
    listing: ClassVar[str] = "/rest/api/3/search/jql"

    def answer(self, asked: Asked) -> Any:
        match asked.path:
            case ("rest", "api", _, "search"):
                return Answer({"errorMessages": ["The requested API has been removed."]}, 410)
            case ("rest", "api", "3", "project", "search"):
                return self.paged(
                    asked, "values", [{"id": str(i), "key": n.upper(), "name": n} for i, n in self.queues.items()]
                )
            case ("rest", "api", "3", "search", "jql"):
                return self._searched(asked)
            case ("rest", "api", "3", "attachment", "content", ident):
                return self._attachment(asked, ident)
            case ("rest", "api", version, "issue", ident, *further):
                ticket = self.find(ident)
                return ticket and self._issue(asked, ticket, version, *further)
        return None

    def _searched(self, asked: Asked) -> Any:
        found = searched(self, asked.query["jql"])
        if found is None:
            return Answer({"errorMessages": ["Error in the JQL Query"]}, 400)
        begin, size = int(asked.query.get("nextPageToken", "t-0").split("-")[1]), asked.number("maxResults", 50)
        shown = [self.shown(ticket, asked) for ticket in page_of(found, begin, size)]
        more = begin + size < len(found)
        return {"issues": shown, "isLast": not more} | ({"nextPageToken": f"t-{begin + size}"} if more else {})

    def _issue(self, asked: Asked, ticket: Filed, version: str, *further: str) -> Any:
        match further:
            case ():
                shown = self.shown(ticket, asked)
                if version == "2" and "description" in shown["fields"]:
                    shown["fields"]["description"] = ticket.text
                return shown
            case ("changelog",):
                return self.paged(asked, "values", [c for done in ticket.done for c in self.changes(done)])
            case ("comment",):
                return self.paged(
                    asked, "comments", [self._comment(d) for d in ticket.done if d.kind in ("reply", "note")]
                )
        return None

    def shown(self, ticket: Filed, asked: Asked) -> dict[str, Any]:
        named = [name for name in asked.query.get("fields", "").split(",") if name]
        key = f"{ticket.queue.upper()}-{ticket.id}"
        if not named:
            return {"id": str(ticket.id)}
        files = [
            {"id": f"{ticket.id}-{number}", "filename": name, "mimeType": "application/zip"}
            for number, name in enumerate(ticket.files)
        ]
        fields = {
            "summary": ticket.subject,
            "project": {"id": str(self.queue_id(ticket.queue)), "name": ticket.queue},
            "status": {"name": _STATUS[ticket.status]},
            "created": time_of(ticket.created),
            "updated": time_of(ticket.updated),
            "reporter": self.account(REPORTER),
            "description": {"type": "doc", "version": 1, "content": []},
            "attachment": files,
        }
        return {"id": str(ticket.id), "key": key, "fields": {name: fields[name] for name in named}}

    def changes(self, done: Done) -> list[dict[str, Any]]:
        if done.kind not in _FIELDS:
            return []
        old, new = (_STATUS.get(word, word) if done.kind == "status" else word for word in (done.old, done.new))
        items = [{"field": _FIELDS[done.kind], "fromString": old or None, "toString": new}]
        if done.new == "solved":
            items.append({"field": "resolution", "fromString": None, "toString": "Done"})
        return [{"id": str(done.id), "author": self.account(done.by), "created": time_of(done.at), "items": items}]

    def _comment(self, done: Done) -> dict[str, Any]:
        return {
            "id": str(done.id),
            "author": self.account(done.by),
            "created": time_of(done.at),
            "body": {"type": "doc", "version": 1, "content": []},
            "jsdPublic": done.kind == "reply",
        }

    def account(self, name: str) -> dict[str, Any]:
        kinds = {REPORTER: "customer", "robot": "app"}
        return {"accountId": f"712020:{self.users[name]}", "accountType": kinds.get(name, "atlassian")}

    def paged(self, asked: Asked, name: str, found: list[Any]) -> dict[str, Any]:
        """A page of no more than three, whatever is asked for: it may be smaller."""
        begin, size = asked.number("startAt", 0), min(3, asked.number("maxResults", 50))
        return {name: page_of(found, begin, size), "startAt": begin, "maxResults": size, "total": len(found)}

    def _attachment(self, asked: Asked, ident: str) -> Any:
        if asked.query.get("redirect") != "false":
            return Answer(b"", 303, {"Location": "https://api.media.atlassian.test/file"})
        ticket, number = self.find(ident.split("-")[0]), int(ident.split("-")[1])
        return ticket and Answer(list(ticket.files.values())[number])


def searched(system: ContractSystem, jql: str) -> list[Filed] | None:
    """What JQL finds; None if it is not understood."""
    if text := re.fullmatch(r'text ~ "(\w+)"', jql):
        return [t for t in system.changed(datetime.min.replace(tzinfo=UTC)) if text[1] in t.subject + t.text]
    if project := re.fullmatch(r"project = (\d+) ORDER BY updated DESC", jql):
        return system.changed(datetime.min.replace(tzinfo=UTC), system.queues[int(project[1])])[::-1]
    if parts := _JQL.fullmatch(jql):
        since = datetime.now(UTC) - timedelta(minutes=int(parts[2]))
        return system.changed(since.replace(second=0, microsecond=0), system.queues[int(parts[1])])
    return None


def time_of(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{math.floor(at.microsecond / 1000):03}+0000"
