"""Issues of GitHub as GitHub's public description of its REST API has it (https://docs.github.com/rest).

Odd there: an issue's number counts in its repository alone; one that was transferred is answered with 301 and one that
was deleted with 410; comments are no events.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from queues.tickets.contract.base import MACHINE, Answer, Asked, ContractSystem, Done, Filed, page_of

_EVENTS = {"assign": "assigned", "status": "closed", "merge": "marked_as_duplicate", "come": "transferred"}


class GithubIssues(ContractSystem):
    """A repository is called by its owner and its name."""

    listing: ClassVar[str] = "/repos/we/"
    prefix: ClassVar[str] = "we/"

    def answer(self, asked: Asked) -> Any:
        match asked.path:
            case ("user", "repos"):
                return self._page(asked, [{"id": i, "name": n, "full_name": f"we/{n}"} for i, n in self.queues.items()])
            case ("repos", "we", name, "issues"):
                assert [asked.query[name] for name in ("sort", "direction", "state")] == ["updated", "asc", "all"]
                found = self.changed(datetime.fromisoformat(asked.query["since"]), name)
                return self._page(asked, [self._shown(ticket) for ticket in found])
            case ("repos", "we", name, "issues", number, *further):
                ticket = self.filed.get(int(number))
                if ticket is None or ticket.aside == "deleted":
                    return Answer({"message": "This issue was deleted"}, 410)
                if ticket.aside:
                    return Answer({"message": "Moved Permanently"}, 301, {"Location": f"{self.url}/repositories/3"})
                return self._issue(asked, ticket, *further) if ticket.queue == name else None
            case ("search", "issues"):
                mark, *more = asked.query["q"].split(" ")
                assert more == ["is:issue", "in:title,body"]
                found = [t for t in self.changed(datetime.min.replace(tzinfo=UTC)) if mark in t.text]
                return {"total_count": len(found), "items": [self._shown(ticket) for ticket in found]}
        return None

    def written(self, asked: Asked) -> Any:
        match asked.method, *asked.path:
            case "PATCH", "repos", "we", _, "issues", number:
                assert asked.body == {"state": "closed", "state_reason": "not_planned"}
                self.solve(int(number), "canary")
                return self._shown(self.filed[int(number)])
        return None

    def move(self, number: int, queue: str, by: str = "anna") -> None:
        """It gets another number where it is to be, and is answered with that where it was."""
        left = self.filed[number]
        came, now = self.first_number + len(self.filed), datetime.now(UTC)
        self.filed[came] = replace(left, id=came, queue=queue, updated=now, done=[])
        self._do(self.filed[came], "come", by, left.queue, queue)
        left.aside = "transferred"

    def named(self, number: int) -> str:
        return f"we/{self.filed[number].queue}/issues/{number}"

    def _page(self, asked: Asked, found: list[Any]) -> list[Any]:
        size = asked.number("per_page", 30)
        return page_of(found, (asked.number("page", 1) - 1) * size, size)

    def _issue(self, asked: Asked, ticket: Filed, *further: str) -> Any:
        match further:
            case ():
                return self._shown(ticket)
            case ("events",):
                return self._page(asked, [self._event(done) for done in ticket.done if done.kind in _EVENTS])
            case ("comments",):
                said = [done for done in ticket.done if done.kind in ("reply", "note")]
                return self._page(asked, [self._comment(done) for done in said])
        return None

    def _shown(self, ticket: Filed) -> dict[str, Any]:
        there = f"{self.url}/repos/we/{ticket.queue}"
        return {
            "id": 10_000 + ticket.id,
            "number": ticket.id,
            "url": f"{there}/issues/{ticket.id}",
            "repository_url": there,
            "title": ticket.subject,
            "body": ticket.text,
            "state": "open" if ticket.status == "new" else "closed",
            "user": _user("robin"),
            "created_at": _time(ticket.created),
            "updated_at": _time(ticket.updated),
        }

    def _event(self, done: Done) -> dict[str, Any]:
        return {
            "id": done.id, "event": _EVENTS[done.kind], "actor": _user(done.by), "created_at": _time(done.at),
        }  # fmt: skip

    def _comment(self, done: Done) -> dict[str, Any]:
        return {"id": done.id, "user": _user(done.by), "created_at": _time(done.at), "body": done.new}


def _user(name: str) -> dict[str, str]:
    return {"login": f"{name}[bot]" if name == MACHINE else name, "type": "Bot" if name == MACHINE else "User"}


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
