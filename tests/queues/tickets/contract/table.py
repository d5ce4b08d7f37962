"""What happens in every ticket system, what is told of it, and in which systems it cannot be or shows otherwise."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from queues.conftest import forge
from queues.recording_intake import RecordingIntake
from queues.tickets.contract.base import MACHINE, REPORTER, ContractSystem
from queues.tickets.contract.freshdesk import Freshdesk
from queues.tickets.contract.github_issues import GithubIssues
from queues.tickets.contract.gitlab_service_desk import GitlabServiceDesk
from queues.tickets.contract.jira_cloud import JiraCloud
from queues.tickets.contract.jira_data_center import JiraDataCenter
from queues.tickets.contract.salesforce_case import SalesforceCase
from queues.tickets.contract.servicenow import ServiceNow
from queues.tickets.contract.zammad import Zammad
from queues.tickets.contract.zendesk import Zendesk
from queues.tickets.contract.znuny import Znuny

from canary.model import Actor, Forgery, Seen

Told = tuple[Seen | Forgery, str, Actor | None]
Happening = Callable[[ContractSystem, str], object]

HUMAN, AUTOMATIC = Actor.HUMAN, Actor.MACHINE
IN_CPR: Told = (Seen.REPORT, "cpr", None)
IN_GENERAL: Told = (Seen.REPORT, "general", None)
IN_SPAM: Told = (Seen.REPORT, "spam", None)
CLOSED: Told = (Seen.CLOSED, "cpr", HUMAN)
CLOSED_BY_SOMEBODY: Told = (Seen.CLOSED, "cpr", None)
TAKEN: Told = (Seen.PICKED_UP, "cpr", HUMAN)


@dataclass(frozen=True)
class System:
    """A system, how a watch logs in there, and what is not told there, or otherwise.

    ``cannot`` are sentences by happening, each of which stands in the system's page; then the report is told where it
    came to at first, or what ``differs`` says.
    """

    make: type[ContractSystem]
    login: Mapping[str, str]
    cannot: Mapping[str, str] = field(default_factory=dict)
    differs: Mapping[str, Iterable[Told]] = field(default_factory=dict)
    general: str = "General"
    junk: str = "Spam"
    machines: tuple[str, ...] = (MACHINE,)

    def settings(self, preset: str, url: str, secret: Callable[[str], dict[str, str]]) -> dict[str, Any]:
        """The settings of a watch; a login is a username and a secret, or a secret alone."""
        password = secret(self.login["secret"])
        by = (
            {"username": self.login["username"], "password": password}
            if "username" in self.login
            else {"token": password}
        )
        before = self.make.prefix
        queues = [
            {"name": f"{before}CPR", "queue": "cpr", "role": "monitored"},
            {"name": f"{before}{self.general}", "queue": "general", "role": "other"},
            {"name": f"{before}{self.junk}", "queue": "spam", "role": "junk"},
        ]
        return {
            "kind": "tickets",
            "preset": preset,
            "url": url,
            "queues": queues,
            "elsewhere": "others",
            "machines": self.machines,
            **by,
        }

    def told(self, happening: str) -> set[Told]:
        """What a watch is to tell."""
        return set(self.differs.get(happening, HAPPENINGS[happening][1]))


LEAVES_NO_TRACE = "What is deleted leaves no trace"
SYSTEMS: dict[str, System] = {
    "github-issues": System(
        GithubIssues,
        {"secret": "sesame-open-now"},
        cannot={
            "merged into a ticket elsewhere": "GitHub merges no issues",
            "deleted": LEAVES_NO_TRACE,
            "noted": "GitHub has no internal comments",
            "moved into the right queue": "An issue that is transferred leaves nothing where it was",
            "moved out of it": "An issue that is transferred leaves nothing where it was",
        },
        differs={
            "merged into a ticket elsewhere": [IN_CPR, TAKEN],
            "deleted": [],
            "noted": [IN_CPR, (Seen.ANSWER, "cpr", HUMAN)],
            "moved into the right queue": [IN_CPR],
            "moved out of it": [IN_GENERAL],
        },
    ),
    "gitlab-service-desk": System(
        GitlabServiceDesk,
        {"secret": "sesame-open-now"},
        cannot={"merged into a ticket elsewhere": "GitLab merges no issues", "deleted": LEAVES_NO_TRACE},
        differs={
            "merged into a ticket elsewhere": [IN_CPR, TAKEN, CLOSED],
            "deleted": [],
            "moved into the right queue": [IN_GENERAL, (Seen.CLOSED, "general", HUMAN), IN_CPR],
            "moved out of it": [IN_CPR, CLOSED, IN_GENERAL],
        },
    ),
    "salesforce-case": System(
        SalesforceCase,
        {"secret": "sesame-open-now"},
        cannot={
            "merged into a ticket elsewhere": "Of a case that was merged it is told that it was, and not where it is",
            "deleted": LEAVES_NO_TRACE,
        },
        differs={"merged into a ticket elsewhere": [IN_CPR, TAKEN], "deleted": []},
    ),
    "znuny": System(
        Znuny,
        {"username": "canary", "secret": "sesame-open-now"},
        cannot={
            "merged into a ticket elsewhere": "Of a ticket that was merged it is told that it was, and not where it is",
            "deleted": LEAVES_NO_TRACE,
        },
        differs={"merged into a ticket elsewhere": [IN_CPR, TAKEN], "deleted": []},
        machines=(str(ContractSystem.users[MACHINE]),),
    ),
    "freshdesk": System(
        Freshdesk,
        {"secret": base64.b64encode(b"sesame-open-now:X").decode()},
        cannot={
            "moved into the right queue": "Which group a ticket was in before is told nowhere",
            "taken": "Whom a ticket is given to is told without a time, so that is no pick-up",
            "solved": "Who solved or closed it is told nowhere",
            "merged into a ticket elsewhere": "What is done later with the ticket that it was merged into is not told",
            "deleted": "A ticket that is deleted is found only if `Trash` is watched, too",
            "in a queue that is not listed": "Freshdesk cannot be asked for a word",
        },
        differs={
            "moved into the right queue": [IN_CPR],
            "moved out of it": [IN_GENERAL],
            "taken": [IN_CPR],
            "closed by a machine as it came": [IN_CPR, CLOSED_BY_SOMEBODY],
            "solved": [IN_CPR, CLOSED_BY_SOMEBODY],
            "taken, answered and solved": [IN_CPR, (Seen.ANSWER, "cpr", HUMAN), CLOSED_BY_SOMEBODY],
            "merged into a ticket elsewhere": [IN_CPR, CLOSED_BY_SOMEBODY],
            "deleted": [],
            "in a queue that is not listed": [],
        },
        general="No group",
        machines=("13",),
    ),
    "jira-cloud": System(
        JiraCloud,
        {"username": "canary", "secret": "sesame-open-now"},
        cannot={
            "merged into a ticket elsewhere": "Jira merges no issues",
            "deleted": "What is deleted leaves no trace",
        },
        differs={"merged into a ticket elsewhere": [IN_CPR], "deleted": []},
    ),
    "jira-data-center": System(
        JiraDataCenter,
        {"secret": "sesame-open-now"},
        cannot={
            "merged into a ticket elsewhere": "Jira merges no issues",
            "deleted": "What is deleted leaves no trace",
        },
        differs={"merged into a ticket elsewhere": [IN_CPR], "deleted": []},
    ),
    "servicenow": System(
        ServiceNow,
        {"username": "canary", "secret": "sesame-open-now"},
        cannot={
            "merged into a ticket elsewhere": "ServiceNow merges no incidents",
            "deleted": "What is deleted leaves no trace",
        },
        differs={
            "merged into a ticket elsewhere": [IN_CPR],
            "deleted": [],
        },
        general="No group",
        junk="Ignored mails",
    ),
    "zammad": System(
        Zammad,
        {"secret": "sesame-open-now"},
        cannot={
            "merged into a ticket elsewhere": "What is done later with the ticket that it was merged into is not told",
            "deleted": "What is deleted leaves no trace",
        },
        differs={"merged into a ticket elsewhere": [IN_CPR, TAKEN], "deleted": []},
    ),
    "zendesk": System(
        Zendesk,
        {"username": "canary@ca.test/token", "secret": "sesame-open-now"},
        cannot={
            "merged into a ticket elsewhere": "What is done later with the ticket that it was merged into is not told",
            "deleted": "Of a ticket that is deleted only subject and group can be read",
        },
        differs={"merged into a ticket elsewhere": [IN_CPR, TAKEN, CLOSED], "deleted": []},
        junk="Suspended tickets",
        machines=("13",),
    ),
}


def then(*changes: Callable[[ContractSystem, int], object], queue: str = "CPR") -> Happening:
    """A report comes in, and things are done with its ticket, one after the other."""

    def happen(system: ContractSystem, mark: str) -> None:
        number = system.arrive(queue, mark)
        for change in changes:
            change(system, number)

    return happen


def _merged(system: ContractSystem, number: int) -> None:
    system.merge(number, system.arrive("General", "a-stranger", "private words"))


def _said_elsewhere(system: ContractSystem, mark: str) -> None:
    """In a note and a reply on a stranger's ticket: the mark, and a forged one."""
    other = system.arrive("CPR", "a-stranger", "private words")
    system.note(other, text=f"have you seen {mark}?")
    system.reply(other, text=f"or {forge(mark)}?")


HAPPENINGS: dict[str, tuple[Happening, Iterable[Told]]] = {
    "arrived": (then(), [IN_CPR]),
    "wrong queue": (then(queue="General"), [IN_GENERAL]),
    "junk": (lambda system, mark: system.arrive_as_junk(mark), [IN_SPAM]),
    "in a queue that is not listed": (then(queue="Archive"), [(Seen.REPORT, "others", None)]),
    "moved into the right queue": (then(lambda s, n: s.move(n, "CPR"), queue="General"), [IN_GENERAL, IN_CPR]),
    "moved out of it": (then(lambda s, n: s.move(n, "General")), [IN_CPR, IN_GENERAL]),
    "closed by a machine as it came": (
        then(lambda s, n: s.solve(n, MACHINE)),
        [IN_CPR, (Seen.CLOSED, "cpr", AUTOMATIC)],
    ),
    "taken": (then(lambda s, n: s.assign(n)), [IN_CPR, TAKEN]),
    "taken by a machine": (then(lambda s, n: s.assign(n, MACHINE)), [IN_CPR]),
    "noted": (then(lambda s, n: s.note(n)), [IN_CPR, TAKEN]),
    "answered": (then(lambda s, n: s.reply(n)), [IN_CPR, (Seen.ANSWER, "cpr", HUMAN)]),
    "answered by a machine": (
        then(lambda s, n: s.reply(n, MACHINE)),
        [IN_CPR, (Seen.ACKNOWLEDGEMENT, "cpr", AUTOMATIC)],
    ),
    "more from whoever reported": (then(lambda s, n: s.reply(n, REPORTER)), [IN_CPR]),
    "solved": (then(lambda s, n: s.solve(n)), [IN_CPR, CLOSED]),
    "taken, answered and solved": (
        then(lambda s, n: s.assign(n), lambda s, n: s.reply(n), lambda s, n: s.solve(n)),
        [IN_CPR, TAKEN, (Seen.ANSWER, "cpr", HUMAN), CLOSED],
    ),
    "merged into a ticket elsewhere": (
        then(_merged),
        [IN_CPR, IN_GENERAL, (Seen.PICKED_UP, "general", HUMAN)],
    ),
    "deleted": (then(lambda s, n: s.delete(n)), [IN_CPR, CLOSED]),
    "never imported": (lambda system, mark: None, []),
    "forged": (lambda system, mark: system.arrive("CPR", forge(mark)), [(Forgery.BAD_MAC, "cpr", None)]),
    "in a comment of another ticket": (_said_elsewhere, []),
    "of another installation": (lambda system, mark: system.arrive("CPR", RecordingIntake().probe()), []),
}
"""What happens to a report, and what is told of it where a system shows all of that."""
