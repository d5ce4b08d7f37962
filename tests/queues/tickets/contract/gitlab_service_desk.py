"""GitLab Service Desk as GitLab's public description of its REST API has it (https://docs.gitlab.com/api/).

Odd there: an issue's number counts in its project alone; what is done stands in three lists, and what GitLab notes by
itself is text; an issue that is moved is closed, and another one is made; all that comes by mail is of support-bot.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from queues.tickets.contract.base import REPORTER, Answer, Asked, ContractSystem, Done, Filed, page_of

_NOTED = {"assign": "assigned to @{}", "merge": "marked this issue as a duplicate of #{}", "leave": "moved to {}"}


class GitlabServiceDesk(ContractSystem):
    """A project is called by its path."""

    header: ClassVar[str] = "PRIVATE-TOKEN"
    login: ClassVar[str] = "sesame-open-now"
    listing: ClassVar[str] = "/api/v4/projects/"
    prefix: ClassVar[str] = "we/"

    def answer(self, asked: Asked) -> Any:
        match asked.path[2:]:
            case ("projects",):
                names = self.queues.items()
                return self._page(asked, [{"id": i, "name": n, "path_with_namespace": f"we/{n}"} for i, n in names])
            case ("projects", project, "issues"):
                since = datetime.fromisoformat(asked.query["updated_after"])
                found = self.changed(since, self.queues[int(project)])
                return self._page(asked, [self._shown(ticket) for ticket in found])
            case ("projects", project, "issues", number, *further):
                ticket = self.find(number)
                if ticket is None or self.queues.get(int(project)) != ticket.queue:
                    return None
                return self._issue(asked, ticket, *further)
            case ("issues",):
                found = [t for t in self.changed(datetime.min.replace(tzinfo=UTC)) if asked.query["search"] in t.text]
                return self._page(asked, [self._shown(ticket) for ticket in found])
        return None

    def written(self, asked: Asked) -> Any:
        match asked.method, *asked.path[2:]:
            case "PUT", "projects", _, "issues", number:
                assert asked.body == {"state_event": "close"}
                self.solve(int(number), "canary")
                return self._shown(self.filed[int(number)])
            case "POST", "projects", _, "issues", number, "notes":
                assert asked.body["internal"] is True
                self.note(int(number), "canary", asked.body["body"])
                return Answer(self._note(self.filed[int(number)].done[-1]), 201)
        return None

    def move(self, number: int, queue: str, by: str = "anna") -> None:
        """It is closed, and another one is made where it is to be."""
        left = self.filed[number]
        self._do(left, "leave", by, left.queue, queue)
        came, now = self.first_number + len(self.filed), datetime.now(UTC)
        self.filed[came] = replace(left, id=came, queue=queue, created=now, updated=now, done=[])
        self._do(self.filed[came], "come", by, left.queue, queue)

    def named(self, number: int) -> str:
        return f"{self.queue_id(self.filed[number].queue)}/issues/{number}"

    def _page(self, asked: Asked, found: list[Any]) -> list[Any]:
        size = asked.number("per_page", 20)
        return page_of(found, (asked.number("page", 1) - 1) * size, size)

    def _issue(self, asked: Asked, ticket: Filed, *further: str) -> Any:
        match further:
            case ():
                return self._shown(ticket)
            case ("notes",):
                assert (asked.query["order_by"], asked.query["sort"]) == ("created_at", "asc")
                return self._page(asked, [self._note(done) for done in ticket.done if done.kind != "status"])
            case ("resource_state_events",):
                closed = [done for done in ticket.done if done.kind in ("status", "merge", "leave")]
                return self._page(asked, [{**self._event(done), "state": "closed"} for done in closed])
            case ("resource_label_events",):
                return []
        return None

    def _shown(self, ticket: Filed) -> dict[str, Any]:
        return {
            "id": 10_000 + ticket.id,
            "iid": ticket.id,
            "project_id": self.queue_id(ticket.queue),
            "title": ticket.subject,
            "description": ticket.text,
            "state": "opened" if ticket.status == "new" else "closed",
            "created_at": _time(ticket.created),
            "updated_at": _time(ticket.updated),
            "author": {"id": 1, "username": "support-bot"},
            "service_desk_reply_to": "robin@persona.test",
            "_links": {"self": f"{self.url}/api/v4/projects/{self.queue_id(ticket.queue)}/issues/{ticket.id}"},
        }

    def _note(self, done: Done) -> dict[str, Any]:
        by_itself = done.kind not in ("reply", "note")
        text = _NOTED.get(done.kind, "moved from {}").format(done.new) if by_itself else done.new
        user = self._event(done)["user"]
        return {
            "id": done.id, "body": text, "author": user, "created_at": _time(done.at), "system": by_itself,
            "internal": done.kind == "note",
        }  # fmt: skip

    def _event(self, done: Done) -> dict[str, Any]:
        name = "support-bot" if done.by == REPORTER else done.by
        return {"id": done.id, "user": {"id": self.users[done.by], "username": name}, "created_at": _time(done.at)}


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
