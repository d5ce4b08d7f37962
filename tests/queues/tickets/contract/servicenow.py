"""ServiceNow as the public description of its Table API has it (https://www.servicenow.com/docs, Table API).

Odd there: a reference is an object unless its link is not wanted; times are UTC and say no zone; what comes by mail
lies in a table of its own, and what is ignored stays there; whoever is unknown is a guest.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from queues.tickets.contract.base import MACHINE, REPORTER, Answer, Asked, ContractSystem, Done, Filed, page_of

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_STATES = {"new": "1", "solved": "6"}
_FIELDS = {
    "move": "assignment_group",
    "assign": "assigned_to",
    "status": "state",
    "reply": "comments",
    "note": "work_notes",
}
_RECENT = re.compile(r"(.*)sys_(?:updated|created)_onRELATIVEGE@minute@ago@(\d+)\^ORDERBYsys_(?:updated|created)_on")


class ServiceNow(ContractSystem):
    """``General`` stands for what is in no group."""

    queues: ClassVar[dict[int, str]] = {1: "General", 3: "CPR", 5: "Archive"}
    junk: ClassVar[str] = "ignored"
    login: ClassVar[str] = "Basic " + base64.b64encode(b"canary:sesame-open-now").decode()
    listing: ClassVar[str] = "/api/now/table/incident?"

    def answer(self, asked: Asked) -> Any:
        query = asked.query.get("sysparm_query", "")
        match asked.path[2:]:
            case ("table", "sys_user_group"):
                return _result(asked, [{"sys_id": self._group(n), "name": n} for i, n in self.queues.items() if i != 1])
            case ("table", "incident"):
                return _result(asked, [self._incident(ticket) for ticket in self._searched(query)])
            case ("table", "incident", ident):
                ticket = self.find(ident)
                return ticket and {"result": _only(asked, self._incident(ticket))}
            case ("table", "sys_audit"):
                ticket = self.filed[int(query.split("documentkey=")[1].split("^")[0])]
                return _result(asked, [self._audit(done) for done in ticket.done if done.kind in _FIELDS])
            case ("table", "sys_email"):
                return _result(asked, [_email(ticket) for ticket in self._mails(query)])
            case ("table", "sys_email", ident):
                return {"result": _only(asked, _email(self.filed[int(ident)]))}
            case ("table", "sys_attachment"):
                return _result(asked, self._files(self.filed[int(query.split("=")[1])]))
            case ("attachment", ident, "file"):
                number, place = ident.split("-")
                return Answer(list(self.filed[int(number)].files.values())[int(place)])
        return None

    def written(self, asked: Asked) -> Any:
        match asked.method, *asked.path[2:]:
            case "PATCH", "table", "incident", ident:
                if not (asked.body["close_code"] and asked.body["close_notes"]):
                    return Answer({"error": {"message": "Data Policy Exception"}}, 403)
                assert asked.body["state"] == "6"
                self.solve(int(ident), "canary")
                self.note(int(ident), "canary", asked.body["work_notes"])
                return {"result": self._incident(self.filed[int(ident)])}
        return None

    def _searched(self, query: str) -> list[Filed]:
        if recent := _RECENT.fullmatch(query):
            return self.changed(_minutes_ago(recent[2]))
        if group := re.match(r"assignment_group=(\w*)\^", query):
            return [ticket for ticket in self.changed(_LONG_AGO) if self._group(ticket.queue) == group[1]][::-1]
        raise AssertionError(query)

    def _mails(self, query: str) -> list[Filed]:
        recent = _RECENT.fullmatch(query)
        if begins := re.fullmatch(r"message_idSTARTSWITH<(\w+)\^type=received", query):
            return [ticket for ticket in self.changed(_LONG_AGO) if ticket.message_id.startswith(begins[1])]
        if recent is None:
            return [self.filed[int(query.split("instance=")[1].split("^")[0])]]
        assert recent[1] == "type=received-ignored^"
        return [] if self.empty else self.changed(_minutes_ago(recent[2]), aside="ignored")

    def _group(self, name: str) -> str:
        """An id of 32 characters; none for what is in no group."""
        return "" if name == "General" else f"{self.queue_id(name):032}"

    def _incident(self, ticket: Filed) -> dict[str, Any]:
        group = self._group(ticket.queue)
        return {
            "sys_id": str(ticket.id),
            "number": f"INC00{ticket.id}",
            "short_description": ticket.subject,
            "description": "",
            "assignment_group": {"link": f"{self.url}/sys_user_group/{group}", "value": group} if group else "",
            "state": _STATES.get(ticket.status, "2"),
            "sys_created_on": _time(ticket.created),
            "sys_created_by": "guest",
            "sys_updated_on": _time(ticket.updated),
        }

    def _audit(self, done: Done) -> dict[str, Any]:
        old, new = done.old, done.new
        match done.kind:
            case "move":
                old, new = self._group(old), self._group(new)
            case "status":
                old, new = _STATES.get(old, old), _STATES.get(new, new)
        by = {MACHINE: "system", REPORTER: "guest"}.get(done.by, done.by)
        what = {"fieldname": _FIELDS[done.kind], "oldvalue": old, "newvalue": new}
        return {"sys_id": f"a{done.id}", "user": by, "sys_created_on": _time(done.at), **what}

    def _files(self, ticket: Filed) -> list[dict[str, Any]]:
        return [
            {"sys_id": f"{ticket.id}-{place}", "file_name": name, "content_type": "application/zip"}
            for place, name in enumerate(ticket.files)
        ]


def _email(ticket: Filed) -> dict[str, Any]:
    return {
        "sys_id": str(ticket.id),
        "instance": str(ticket.id),
        "subject": ticket.subject,
        "headers": f"From: robin@persona.test\nMessage-ID: <{ticket.message_id}>\n",
        "body_text": ticket.text,
        "sys_created_on": _time(ticket.created),
    }


def _result(asked: Asked, found: Iterable[dict[str, Any]]) -> dict[str, Any]:
    begin, size = asked.number("sysparm_offset", 0), asked.number("sysparm_limit", 10_000)
    return {"result": [_only(asked, item) for item in page_of(found, begin, size)]}


def _only(asked: Asked, item: dict[str, Any]) -> dict[str, Any]:
    """The fields that are asked for; references as their value where their link is not wanted."""
    kept = {name: item[name] for name in asked.query["sysparm_fields"].split(",")}
    if asked.query.get("sysparm_exclude_reference_link") != "true":
        return kept
    return {name: value["value"] if isinstance(value, dict) else value for name, value in kept.items()}


def _minutes_ago(number: str) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=int(number))


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
