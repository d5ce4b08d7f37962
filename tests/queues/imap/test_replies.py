"""What comes back to a sender, found in a mailbox on real servers."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator

import pytest
from pydantic import ValidationError
from queues.conftest import RESOURCES, server_of
from queues.mails import mail, raw
from queues.recording_intake import RecordingIntake
from servers.ca_site import CaSite, User
from servers.polling import until

from canary.model import Place, Role, Seen
from canary.queues import Watcher
from canary.queues.imap.settings import ImapRepliesSettings
from canary.queues.imap.watch import open_imap_replies


@pytest.fixture
def alex(site: CaSite) -> User:
    """The sender."""
    return site.add_user("alex")


@pytest.fixture
def watcher(site: CaSite, intake: RecordingIntake, alex: User) -> Iterator[Watcher]:
    settings = ImapRepliesSettings.model_validate({"kind": "imap", "server": server_of(site, alex), "poll": "1s"})
    running = open_imap_replies(Place("persona-replies", Role.REPLIES), settings, RESOURCES)
    running.start(intake)
    yield running
    running.stop()


def send(site: CaSite, alex: User, mark: str, to: str) -> None:
    """Submit a report with the mark in the envelope sender alone, as VERP does."""
    with smtplib.SMTP(*site.submission) as smtp:
        smtp.starttls(context=ssl.create_default_context(cafile=str(site.ca_file)))
        smtp.login(alex.name, alex.password)
        smtp.sendmail(f"alex+{mark}@{site.sender_domain}", [to], raw(mail(To=to, From=alex.sender_address)))


def test_a_bounce_by_postfix_is_tied_to_its_probe(
    site: CaSite, intake: RecordingIntake, alex: User, watcher: Watcher
) -> None:
    site.add_user("bob")
    site.bounce_later("bob")
    mark = intake.probe(sought=False)
    send(site, alex, mark, "bob@ca.test")
    until(intake.found, "the bounce")
    [found] = intake.found()
    assert (found.seen, found.probe) == (Seen.BOUNCE, intake.keys.read(mark).probe)
    assert (found.place.queue, found.place.role) == ("persona-replies", Role.REPLIES)
    assert "bob@ca.test failed 5." in found.detail


def test_a_vacation_by_sieve_is_tied_to_its_probe(
    site: CaSite, intake: RecordingIntake, alex: User, watcher: Watcher
) -> None:
    site.add_user("carol")
    site.sieve('require "vacation";\nvacation "I hike in the Alps.";\n', user="carol")
    mark = intake.probe(sought=False)
    send(site, alex, mark, "carol@ca.test")
    until(intake.found, "the note")
    [found] = intake.found()
    assert (found.seen, found.probe) == (Seen.OUT_OF_OFFICE, intake.keys.read(mark).probe)


@pytest.mark.parametrize("place", ["In-Reply-To", "References", "Subject", "quoted text"])
def test_an_answer_is_tied_to_its_probe(
    site: CaSite, intake: RecordingIntake, alex: User, watcher: Watcher, place: str
) -> None:
    mark = intake.probe(sought=place == "quoted text")
    messages = {
        "In-Reply-To": mail("Re: CPR", "Which one?\n", In_Reply_To=f"<{mark}@persona.test>"),
        "References": mail("Re: CPR", "Which one?\n", References=f"<a@b.test> <{mark}@persona.test>"),
        "Subject": mail(f"Re: CPR {mark}", "Which one?\n"),
        "quoted text": mail("Re: CPR", f"Which one?\n> Reference {mark[:30]}\n> {mark[30:]}\n"),
    }
    site.deliver("alex", raw(mail("Buy now", "An offer.\n")))
    site.deliver("alex", raw(messages[place]))
    until(intake.found, "the answer")
    [found] = intake.found()
    assert (found.seen, found.probe) == (Seen.ANSWER, intake.keys.read(mark).probe)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"folders": ["INBOX", "INBOX"]}, "listed twice"),
        ({"folders": []}, "at least 1 item"),
        ({"server": {"host": "imap.persona.test", "port": 993}}, "no username"),
    ],
)
def test_wrong_settings_are_refused(change: dict[str, object], said: str) -> None:
    server = {"host": "imap.persona.test", "port": 993, "username": "alex", "password": {"env": "X"}}
    good = {"kind": "imap", "server": server}
    ImapRepliesSettings.model_validate(good)
    with pytest.raises(ValidationError, match=said):
        ImapRepliesSettings.model_validate(good | change)
