"""Salesforce as its public description of SOQL and of its objects has it (https://developer.salesforce.com/docs).

Odd there: a case is in a queue only as long as that owns it; of another owner the history has two entries, one with
names and one with ids; the text of a message cannot be searched for.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, ClassVar

from queues.tickets.contract.base import MACHINE, REPORTER, Answer, Asked, ContractSystem, Done, Filed

_STATUS = {"new": "New", "solved": "Closed", "deleted": "Deleted"}
_LISTED = re.compile(r"LastModifiedDate >= (\S+) AND \(OwnerId = '00G(\d+)' OR Owner.Type = 'User'\)")


class SalesforceCase(ContractSystem):
    """Whatever comes by mail is of the user whom Email-to-Case runs as."""

    listing: ClassVar[str] = "/services/data/v60.0/query?q=SELECT+Id%2C+CaseNumber"

    def written(self, asked: Asked) -> Any:
        match asked.method, *asked.path[4:]:
            case "PATCH", "Case", ident:
                assert asked.body == {"Status": "Closed"}
                self.solve(int(ident.removeprefix("500")), "canary")
                return Answer(b"", 204)
            case "POST", "CaseComment":
                assert asked.body["IsPublished"] is False
                self.note(int(asked.body["ParentId"].removeprefix("500")), "canary", asked.body["CommentBody"])
                return Answer({"id": "00a1", "success": True}, 201)
        return None

    def answer(self, asked: Asked) -> Any:
        assert asked.path[2:] == ("v60.0", "query"), asked.path
        soql = asked.query["q"]
        match re.findall(r" FROM (\w+)", soql):
            case ["Group"]:
                return _records([{"Id": f"00G{i}", "Name": n} for i, n in self.queues.items()])
            case ["Case"]:
                return self._cases(soql)
            case ["CaseHistory"]:
                return _records(self._history(self._of(soql, "CaseId")))
            case ["CaseComment"]:
                return _records([self._comment(d) for d in self._of(soql, "ParentId").done if d.kind == "note"])
            case ["EmailMessage"]:
                return self._mails(soql)
        return Answer([{"errorCode": "INVALID_TYPE", "message": "sObject type is not supported"}], 400)

    def arrive(self, queue: str, mark: str, subject: str = "Compromised key", age: float = 0.0) -> int:
        """A report has its mark in the subject, too."""
        return super().arrive(queue, mark, f"{subject} {mark}", age)

    def named(self, number: int) -> str:
        return f"500{number}"

    def _of(self, soql: str, field: str) -> Filed:
        found = re.search(rf"{field} = '500(\d+)'", soql)
        assert found is not None, soql
        return self.filed[int(found[1])]

    def _cases(self, soql: str) -> Any:
        if (one := re.search(r"WHERE Id = '500(\d+)'", soql)) is not None:
            ticket = self.find(one[1])
            return _records([self._shown(ticket)] if ticket else [])
        listed, limit = _LISTED.search(soql), re.search(r"ORDER BY LastModifiedDate ASC LIMIT (\d+)", soql)
        if listed is None or limit is None:
            return Answer([{"errorCode": "MALFORMED_QUERY", "message": "unexpected token"}], 400)
        queue = self.queues[int(listed[2])]
        changed = self.changed(datetime.fromisoformat(listed[1]))
        return _records([self._shown(t) for t in changed if t.owner or t.queue == queue][: int(limit[1])])

    def _mails(self, soql: str) -> Any:
        if (sought := re.search(r"Subject LIKE '%(\w+)%'", soql)) is not None:
            found = [t for t in self.changed(datetime.min.replace(tzinfo=UTC)) if sought[1] in t.subject]
            return _records([{"ParentId": self.named(ticket.id)} for ticket in found])
        if (part := re.search(r"SELECT TextBody FROM EmailMessage WHERE Id = '02s(\d+)'", soql)) is not None:
            return _records([{"TextBody": self.filed[int(part[1])].text}])
        ticket = self._of(soql, "ParentId")
        if "Incoming = true" in soql:
            headers = f"Message-ID: <{ticket.message_id}>\nSubject: {ticket.subject}"
            return _records([{"Id": f"02s{ticket.id}", "Headers": headers}])
        said = [done for done in ticket.done if done.kind == "reply" and done.by != REPORTER]
        return _records([self._entry(done, "02s") for done in said])

    def _shown(self, ticket: Filed) -> dict[str, Any]:
        owner = {"Id": self._user(ticket.owner)} if ticket.owner else {"Name": ticket.queue}
        return {
            "Id": self.named(ticket.id),
            "CaseNumber": f"{ticket.id:08}",
            "Subject": ticket.subject,
            "Status": "Merged" if ticket.merged_into else _STATUS[ticket.status],
            "CreatedDate": _time(ticket.created),
            "LastModifiedDate": _time(ticket.updated),
            "Owner": {"attributes": {"type": "User" if ticket.owner else "Group"}, **owner},
        }

    def _history(self, ticket: Filed) -> list[dict[str, Any]]:
        made = Done(1, "created", REPORTER, ticket.created)
        return [
            {"Field": "created", **self._entry(made, "017")},
            *(entry for done in ticket.done for entry in self._changed(ticket, done)),
        ]

    def _changed(self, ticket: Filed, done: Done) -> list[dict[str, Any]]:
        queue = {"move": done.old}.get(done.kind, ticket.queue)
        match done.kind:
            case "move":
                changes = [(done.old, done.new), (f"00G{self.queue_id(done.old)}", f"00G{self.queue_id(done.new)}")]
            case "assign":
                changes = [(queue, done.new), (f"00G{self.queue_id(queue)}", self._user(done.new))]
            case "status":
                changes = [(_STATUS[done.old], _STATUS[done.new])]
            case "merge":
                changes = [("New", "Merged")]
            case _:
                changes = []
        field = {"move": "Owner", "assign": "ownerAccepted"}.get(done.kind, "Status")
        return [
            {"Field": field, "OldValue": old, "NewValue": new, **self._entry(done, f"017{number}")}
            for number, (old, new) in enumerate(changes)
        ]

    def _comment(self, done: Done) -> dict[str, Any]:
        return {"IsPublished": False, **self._entry(done, "00a")}

    def _entry(self, done: Done, prefix: str) -> dict[str, Any]:
        kind = "AutomatedProcess" if done.by == MACHINE else "Standard"
        return {
            "Id": f"{prefix}{done.id}", "CreatedDate": _time(done.at), "CreatedById": self._user(done.by),
            "CreatedBy": {"UserType": kind},
        }  # fmt: skip

    def _user(self, name: str) -> str:
        return f"005{self.users[name]}"


def _records(found: list[dict[str, Any]]) -> dict[str, Any]:
    return {"totalSize": len(found), "done": True, "records": found}


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
