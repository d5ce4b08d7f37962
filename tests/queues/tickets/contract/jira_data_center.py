"""Jira Data Center as Atlassian's public description has it (https://developer.atlassian.com/server/jira/platform).

Odd there: all projects in one answer; pages that are smaller than asked for, whose total tells how the list goes on;
the changelog is a part of the issue; which comments a customer sees is told by another API, with times of another form.
"""

from __future__ import annotations

from typing import Any, ClassVar

from queues.tickets.contract.base import Asked, Filed
from queues.tickets.contract.jira_cloud import JiraCloud, searched, time_of


class JiraDataCenter(JiraCloud):
    """``users`` are told by their names."""

    login: ClassVar[str] = "Bearer sesame-open-now"
    listing: ClassVar[str] = "/rest/api/2/search"

    def answer(self, asked: Asked) -> Any:
        match asked.path[1:]:
            case ("api", "2", "project"):
                return [{"id": str(i), "key": name.upper(), "name": name} for i, name in self.queues.items()]
            case ("api", "2", "search"):
                found = searched(self, asked.query["jql"])
                return found if found is None else self.paged(asked, "issues", [self.shown(t, asked) for t in found])
            case ("api", "2", "issue", ident):
                ticket = self.find(ident)
                return ticket and self._whole(asked, ticket)
            case ("servicedeskapi", "request", ident, "comment"):
                ticket = self.find(ident)
                return ticket and self._comments(asked, ticket)
        return None

    def account(self, name: str) -> dict[str, Any]:
        return {"name": name, "key": f"JIRAUSER{self.users[name]}"}

    def _whole(self, asked: Asked, ticket: Filed) -> Any:
        shown = self.shown(ticket, asked)
        if "description" in shown["fields"]:
            shown["fields"]["description"] = ticket.text
        if asked.query.get("expand") == "changelog":
            shown["changelog"] = {"histories": [change for done in ticket.done for change in self.changes(done)]}
        return shown

    def _comments(self, asked: Asked, ticket: Filed) -> Any:
        begin = asked.number("start", 0)
        said = [done for done in ticket.done if done.kind in ("reply", "note")]
        values = [
            {
                "id": str(done.id),
                "body": done.new,
                "public": done.kind == "reply",
                "author": self.account(done.by),
                "created": {"iso8601": time_of(done.at), "epochMillis": int(done.at.timestamp() * 1000)},
            }
            for done in said[begin : begin + 2]
        ]
        return {"values": values, "start": begin, "limit": 2, "isLastPage": begin + 2 >= len(said)}
