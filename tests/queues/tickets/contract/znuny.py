"""Znuny as the source of its generic interface has it (Kernel/GenericInterface/Operation/Ticket), by REST.

Odd there: the login stands in each body; what is wrong is answered with 200; a search gives ids alone, at most so many,
and an empty object for none; no list of queues; the history has no ids, and one text for all that an entry says.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any, ClassVar

from queues.tickets.contract.base import REPORTER, Asked, ContractSystem, Done, Filed

_STATES = {"new": "new", "solved": "closed successful", "deleted": "removed"}
_KINDS = {"assign": "OwnerUpdate", "reply": "SendAnswer", "note": "AddNote", "merge": "Merged"}


class Znuny(ContractSystem):
    """What comes by mail is of user 1."""

    login: ClassVar[str] = ""
    listing: ClassVar[str] = "/TicketSearch"

    def answer(self, asked: Asked) -> Any:
        [operation], body = asked.path, asked.body
        if (body.get("UserLogin"), body.get("Password")) != ("canary", "sesame-open-now"):
            return _error(f"{operation}.AuthFail")
        if operation == "TicketSearch":
            found = self._searched(body)
            return {"TicketID": [str(ticket.id) for ticket in found]} if found else {}
        tickets = [self.find(number) for number in str(body["TicketID"]).split(",")]
        if not all(tickets):
            return _error(f"{operation}.AccessDenied")
        there = [ticket for ticket in tickets if ticket]
        if operation == "TicketHistoryGet":
            return {"TicketHistory": [{"TicketID": str(t.id), "History": self._history(t)} for t in there]}
        return {"Ticket": [self._shown(ticket, body) for ticket in there]}

    def _searched(self, body: dict[str, Any]) -> list[Filed]:
        limit = int(body.get("Limit", 500))
        if "Title" in body:
            title = body["Title"].strip("%")
            return [t for t in self.changed(datetime.min.replace(tzinfo=UTC)) if title in t.subject][:limit]
        assert (body["SortBy"], body["OrderBy"]) == ("Changed", "Up")
        since = datetime.fromisoformat(body["TicketLastChangeTimeNewerDate"]).replace(tzinfo=UTC)
        found = [ticket for queue in body["Queues"] for ticket in self.changed(since, queue)]
        return found[:limit]

    def arrive(self, queue: str, mark: str, subject: str = "Compromised key", age: float = 0.0) -> int:
        """A report has its mark in the subject, too."""
        return super().arrive(queue, mark, f"{subject} {mark}", age)

    def _history(self, ticket: Filed) -> list[dict[str, Any]]:
        made = self._entry("NewTicket", ticket.created, "1", f"%%2026{ticket.id}%%{ticket.queue}%%3 normal%%new%%")
        return [made, *(self._done(done) for done in ticket.done)]

    def _done(self, done: Done) -> dict[str, Any]:
        by = "1" if done.by == REPORTER else str(self.users[done.by])
        match done.kind:
            case "move":
                name = f"%%{done.new}%%{self.queue_id(done.new)}%%{done.old}%%{self.queue_id(done.old)}"
                return self._entry("Move", done.at, by, name)
            case "status":
                name = f"%%{_STATES[done.old]}%%{_STATES[done.new]}%%"
                return self._entry("StateUpdate", done.at, by, name)
        kind = "FollowUp" if done.by == REPORTER else _KINDS[done.kind]
        return self._entry(kind, done.at, by, f"%%{done.new}%%" if kind == "OwnerUpdate" else "%%")

    def _entry(self, kind: str, at: datetime, by: str, name: str) -> dict[str, Any]:
        return {"HistoryType": kind, "CreateTime": _time(at), "CreateBy": by, "Name": name, "QueueID": "3"}

    def _shown(self, ticket: Filed, body: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "TicketID": str(ticket.id),
            "TicketNumber": f"2026{ticket.id}",
            "Title": ticket.subject,
            "Queue": ticket.queue,
            "State": _STATES[ticket.status],
            "Created": _time(ticket.created),
            "Changed": _time(ticket.updated),
        }
        if body.get("AllArticles") == "1":
            shown["Article"] = [self._article(ticket, body)]
        return shown

    def _article(self, ticket: Filed, body: dict[str, Any]) -> dict[str, Any]:
        article: dict[str, Any] = {"ArticleID": "1", "MessageID": f"<{ticket.message_id}>", "Body": ticket.text}
        if body.get("Attachments") != "1" or not ticket.files:
            return article
        with_contents = body.get("GetAttachmentContents", "1") == "1"
        article["Attachment"] = [
            {
                "FileID": str(number), "Filename": name, "ContentType": f'application/zip; name="{name}"',
                "Content": base64.encodebytes(content).decode() if with_contents else "",
            }
            for number, (name, content) in enumerate(ticket.files.items(), 1)
        ]  # fmt: skip
        return article


def _error(code: str) -> dict[str, Any]:
    return {"Error": {"ErrorCode": code, "ErrorMessage": f"{code.partition('.')[0]}: it is refused!"}}


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
