"""A folder to which a ticket system sends mails about its tickets: what they tell of a report, once however many."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from queues.conftest import Watch, folder, forge, looked, probe_of
from queues.mails import mail, raw
from queues.recording_intake import RecordingIntake
from servers.ca_site import CaSite, User
from servers.polling import until

from canary.model import Forgery, Seen

ALERTS = [folder("CPR", "monitored") | {"notifications": True}]


def osticket(subject: str, opening: str, quoted: str) -> EmailMessage:
    """As osTicket writes to an agent: a number of its own, a tag that is not shown, the text wrapped at 90 columns."""
    ident = "B4fQmKx-a1B2c-AAAAAAIAAAADAAAAU1bDqw-cpr@ca.test"
    headers = {"X_Mailer": "osTicket Mailer", "Auto_Submitted": "auto-generated"}
    message = mail(subject, f"{opening}\n\nFrom: Robin\n\n{quoted}\n\nRef-Mid: {ident}\n", **headers)
    html = quoted.replace("\n", "<br />\n")
    tag = f'<div style="display:none" class="mid-{ident}">reply above<br/></div>'
    message.add_alternative(
        f"{tag}<h2>Hi Anna,</h2>{opening}<br><table><tr><td>{html}</td></tr></table>", subtype="html"
    )
    return message


def freescout(subject: str, opening: str, quoted: str) -> EmailMessage:
    """As FreeScout writes to a user: the number before the subject, the newest first, links in place of files."""
    headers = {"In_Reply_To": "<fs-in-reply-7-8f14e45f@ca.test>", "Message_ID": f"<fs-{len(opening)}-7@ca.test>"}
    link = "https://desk.ca.test/storage/attachment/1/a.zip"
    message = mail(f"[#7] {subject}", f"{opening} #7\n\n----\n## Robin:\n{quoted}\n1) a.zip [{link}]\n", **headers)
    message.add_alternative(f"<h3>{subject}</h3><div>{quoted}</div><a href='{link}'>a.zip</a>", subtype="html")
    return message


Writes = Callable[[str], list[EmailMessage]]
REPORT = "This key is compromised, see the archive; my reference is {mark}, and I ask for\nan answer within 24 hours."
MAILS: dict[str, Writes] = {
    "osTicket, a new ticket": lambda mark: [
        osticket("New Ticket Alert", "New ticket #482915 created", REPORT.format(mark=mark))
    ],
    "osTicket, and who has it": lambda mark: [
        osticket("New Ticket Alert", "New ticket #482915 created", REPORT.format(mark=mark)),
        osticket("Ticket Assigned to you", "Ticket #482915 is yours", f"Subject: Compromised key {mark}"),
    ],
    "FreeScout, a new conversation": lambda mark: [
        freescout(f"Compromised key {mark}", "A new conversation", REPORT.format(mark=mark))
    ],
    "FreeScout, and what was done": lambda mark: [
        freescout(f"Compromised key {mark}", "A new conversation", REPORT.format(mark=mark)),
        freescout(f"Compromised key {mark}", "Anna answered the conversation", "We look into it."),
        freescout(f"Compromised key {mark}", "Anna closed the conversation", REPORT.format(mark=mark)),
    ],
    "the mark in another letter case, and wrapped": lambda mark: [
        osticket("Alert", "New", f"my reference is {mark[:30].upper()}\n{mark[30:].upper()}, and no more")
    ],
}


@pytest.mark.parametrize("which", MAILS)
def test_a_mail_about_a_report_tells_of_it_once(
    which: str, site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    mark = intake.probe()
    mails = MAILS[which](mark)
    for message in mails:
        site.deliver("desk", raw(message), "CPR")
    watch(desk, folders=ALERTS)
    until(lambda: len(intake.found()) == len(mails), f"every mail, found: {intake.found()}", 60)
    found = intake.found()
    assert {(one.probe, one.seen, one.forgery) for one in found} == {(probe_of(intake, mark), Seen.REPORT, None)}
    assert {(one.content, one.where, one.detail) for one in found} == {(None, found[0].where, "a mail about it")}
    assert "uid" not in json.loads(found[0].where)
    assert not found[0].place.message_id


def test_who_forges_a_mark_in_a_ticket_is_told(site: CaSite, intake: RecordingIntake, desk: User, watch: Watch) -> None:
    mark = intake.probe()
    message = osticket("New Ticket Alert", "New", f"see {forge(mark)}")
    site.deliver("desk", raw(message), "CPR")
    watch(desk, folders=ALERTS)
    until(intake.found, "what claims to be ours", 60)
    looked(intake, "cpr")
    assert intake.forged() == {probe_of(intake, mark): Forgery.BAD_MAC}
